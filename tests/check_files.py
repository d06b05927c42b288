"""Checks what is committed: no file over 256 KiB, and no binary file outside of tests/fuzz. A compiled program of 61 MB had once been
committed with other files; each clone downloads it for ever.

    check_files.py
"""
import pathlib
import shutil
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[1]
LARGEST = 256 * 1024


def problems_of(name):
    path = root / name
    if path.is_symlink() or not path.is_file():  # deleted, but not yet committed
        return
    content = path.read_bytes()
    if len(content) > LARGEST:
        yield f"{len(content)} bytes, at most {LARGEST} are allowed"
    if b"\0" in content and not name.startswith("tests/fuzz/"):
        yield "a binary file, which only tests/fuzz may have"


def main():
    command = ["git", "-C", root, "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True) if shutil.which("git") else None
    if listed is None or listed.returncode:  # no git, or a copy without its repository
        print("skipped: git lists no files here")
        return 0
    names = listed.stdout.split("\0")[:-1]
    found = [f"{root / name}:1: {problem}" for name in names for problem in problems_of(name)]
    print(*found, f"{len(names)} files, {len(found)} problems", sep="\n")
    return bool(found) or not names


if __name__ == "__main__":
    sys.exit(main())

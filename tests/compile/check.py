"""Compiles one source: check.py SOURCE COMPILER FLAGS...

ok_NAME.cpp has to compile. bad_NAME.cpp has to be refused: the first error matches its first line, // expect: REGEX.
A second line, // names: REGEX, has to match one of the first lines of the compiler's message.
"""

import pathlib
import re
import subprocess
import sys


FIRST_LINES = 12


def main(source, *compiler):
    path = pathlib.Path(source)
    is_good = path.name.startswith("ok_")
    limit = [] if is_good else ["-fmax-errors=1"]  # the rest of the work is spared
    compiled = subprocess.run([*compiler, *limit, source], stderr=subprocess.PIPE, text=True)
    if is_good:
        return None if compiled.returncode == 0 else f"does not compile:\n{compiled.stderr}"

    expect = re.match(r"// expect: (.+)", path.read_text())
    if not expect:
        return "its first line is not '// expect: REGEX'"
    if compiled.returncode == 0:
        return "compiles"
    errors = [line for line in compiled.stderr.splitlines() if "error: " in line]
    if not any(re.search(expect[1], line) for line in errors):
        return f"no error matches '{expect[1]}':\n" + "\n".join(errors)

    names = re.search(r"\n// names: (.+)", path.read_text())
    included = re.compile(r"(In file included)? *from .*[:,]$")
    first = [line for line in compiled.stderr.splitlines() if not included.match(line)][:FIRST_LINES]
    if names and not any(re.search(names[1], line) for line in first):
        return f"the first lines do not name '{names[1]}':\n" + "\n".join(first)
    return None


if __name__ == "__main__":
    problem = main(*sys.argv[1:])
    sys.exit(f"{sys.argv[1]}: {problem}" if problem else 0)

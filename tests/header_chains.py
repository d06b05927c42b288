"""Puts headers into files such that compiling the files shows of each header that it compiles alone.

    header_chains.py [--definitions] HEADER...

Prints a file on each line: its headers, in order. Each header but the first includes the one before it, itself or by others, so that
nothing stands before it which it does not include anyway. There are as few files as possible. With --definitions a header includes
its .ipp, as it does where the library is not compiled once. Headers are named as from include/.
"""

import pathlib
import re
import sys

from check_includes import included


def closure_of(header, texts, with_definitions, closures):
    """The project's headers that a header includes, itself or by others."""
    if header not in closures:
        closures[header] = set()  # a definition includes its header
        found = set()
        for own, _ in filter(None, (included(header, line) for line in texts.get(header, "").splitlines())):
            if own and (with_definitions or not own.endswith(".ipp")):
                found |= {own} | closure_of(own, texts, with_definitions, closures)
        closures[header] = found - {header}
    return closures[header]


def chains_of(headers, closures):
    """A minimum path cover: as many headers as possible get one that includes them (Kuhn's matching)."""
    above = {}  # a header, and the one behind it in its file
    below = {}

    def place(header, seen):
        for candidate in candidates[header]:
            if candidate in seen:
                continue
            seen.add(candidate)
            if candidate not in below or place(below[candidate], seen):
                above[header], below[candidate] = candidate, header
                return True
        return False

    candidates = {header: sorted((other for other in headers if header in closures[other]), key=lambda other: len(closures[other]))
                  for header in headers}
    for header in sorted(headers, key=lambda header: -len(closures[header])):
        place(header, set())
    for first in headers:
        if first not in below:
            chain = [first]
            while chain[-1] in above:
                chain.append(above[chain[-1]])
            yield chain


def main(*arguments):
    with_definitions = "--definitions" in arguments
    headers = [re.sub(r"^communica/", "", header) for header in arguments if not header.startswith("--")]
    root = pathlib.Path(__file__).parents[1] / "include" / "communica"
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in root.rglob("*.[hi]pp")}
    closures = {}
    for header in texts:
        closure_of(header, texts, with_definitions, closures)
    for chain in chains_of(headers, closures):
        print(*(f"communica/{header}" for header in chain))


if __name__ == "__main__":
    main(*sys.argv[1:])

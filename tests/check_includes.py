"""Checks the headers' includes: which directory may include which, in no circle, and that a header reaches what it uses of the
standard library and of others. Checks how long a header is, and where platforms show.

    check_includes.py [DIRECTORY]     DIRECTORY holds communica/, include/ by default
"""

import graphlib
import pathlib
import posixpath
import re
import sys

from std_headers import EVERYWHERE, HEADER_OF

BASE = ["requirements.hpp", "error.hpp", "attachments.hpp", "descriptor_unix.hpp", "buffer.hpp", "budget.hpp", "counters.hpp", "histogram.hpp", "spare_block.hpp",
        "plain_block.hpp", "plain_text.hpp", "owned_json.hpp", "limits.hpp", "mutex.hpp", "lock_order.hpp", "turn_scope.hpp", "asio.hpp", "asio/",
        "separate_compilation.hpp", "version.hpp"]

# Which layer may include which, from the top. A layer may include itself, the base and the layers in its list.
LAYERS = {
    "src.hpp": ["connection.hpp", "entities/", "connectors/", "peer/", "wire/"],
    "communica.hpp": ["entities/", "connectors/", "peer/", "serializers/", "connector.hpp", "connection.hpp"],
    "schema/": ["entities/", "peer/", "serializers/"],
    "files/": ["peer/", "serializers/"],
    "observing/": ["peer/"],
    # Entities and connectors never meet:
    "entities/": ["peer/", "serializers/", "wire/", "connector.hpp", "connection.hpp"],
    "connectors/": ["stream/", "wire/", "connector.hpp", "connection.hpp"],
    "peer/": ["serializers/", "wire/", "connector.hpp", "connection.hpp"],
    "stream/": ["wire/", "connection.hpp"],
    # The interfaces between them:
    "connector.hpp": ["wire/", "connection.hpp"],
    "connection.hpp": ["wire/"],
    # Neither sockets nor processes:
    "serializers/": [],
    "wire/": [],
}
LAYERS |= {header: BASE for header in BASE}

# Layers without I/O, and all that they may include of Asio.
SANS_IO = {"wire/": ["asio/buffer.hpp", "asio/error.hpp", "asio/error_code.hpp"]}

MAX_LINES = 400

# Which include brings a library's names.
LIBRARIES = {"asio::": ("asio.hpp", "asio/", "boost/asio/"), "nlohmann::": ("nlohmann/",), "simdjson::": ("simdjson",)}

PLATFORM = re.compile(r"_WIN32|_WIN64|WINDOWS|MINGW|CYGWIN|MSC_VER|__linux|__unix|__APPLE__|BSD__|POSIX|ASIO_HAS_|__SSE|__ARM")
PLATFORM_FILES = re.compile(r"plain_block\.hpp|serializers/codec/platform\.hpp|connectors/(detail|shared_memory)/(((local|descriptor|activation|passing)_)?platform|.*_(unix|linux|windows))\.hpp|asio/.*\.hpp")


def layer_of(header):
    """The entry of LAYERS in which a header lives: its top directory, or the header itself, with its definitions."""
    return header.partition("/")[0] + "/" if "/" in header else re.sub(r"\.ipp$", ".hpp", header)


def included(header, line):
    """What a line includes: (name as seen from communica/, or None for a foreign header; name as written)."""
    match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
    if not match:
        return None
    quote, name = match.groups()
    if quote == '"':
        return posixpath.normpath(posixpath.join(posixpath.dirname(header), name)), name
    return (name.removeprefix("communica/") if name.startswith("communica/") else None), name


def problems_of(header, text):
    layer = layer_of(header)
    if layer not in LAYERS:
        yield 1, f"{layer} has no place among the layers yet: give it one in tests/check_includes.py"
        return
    allowed = [layer, *LAYERS[layer], *BASE]

    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        yield MAX_LINES, f"{len(lines)} lines: a header of one idea has at most {MAX_LINES}"
    if "#pragma once" not in lines:
        yield 1, "no #pragma once"

    for number, line in enumerate(lines, start=1):
        if include := included(header, line):
            own, name = include
            if own and layer_of(own) not in allowed:
                yield number, f"{layer} may not include {own}"
            if layer in SANS_IO and (own or name).startswith("asio") and name not in SANS_IO[layer]:
                yield number, f"{layer} does no I/O and may not include {name}"
        elif re.match(r"\s*#\s*(el)?if", line) and PLATFORM.search(line) and not PLATFORM_FILES.fullmatch(header):
            yield number, "platforms differ in connectors/detail/*platform.hpp, *_unix.hpp, *_windows.hpp, plain_block.hpp and asio.hpp alone"


def reached(header, texts, seen):
    """The foreign headers that a header includes, itself or by what it includes of the project."""
    if header in seen or header not in texts:
        return set()
    seen.add(header)
    found = set()
    for own, name in filter(None, (included(header, line) for line in texts[header].splitlines())):
        found |= reached(own, texts, seen) if own else {name}
    return found


def missing_includes(header, texts):
    """What a header uses, but gets only where another one happened to be included before it."""
    code = re.sub(r'//.*|^\s*#.*|"(\\.|[^"\\])*"', "", texts[header], flags=re.MULTILINE)
    foreign = reached(header, texts, set())
    for name in sorted(set(re.findall(r"\bstd::(\w+)", code)) - EVERYWHERE):
        if name not in HEADER_OF:
            yield 1, f"tests/std_headers.py does not say which header declares std::{name}"
        elif HEADER_OF[name] not in foreign:
            yield 1, f"uses std::{name} and does not include <{HEADER_OF[name]}>"
    for namespace, headers in LIBRARIES.items():
        if re.search(rf"\b{namespace}", code) and not any(name.startswith(headers) for name in foreign):
            yield 1, f"uses {namespace} and includes nothing that declares it"


def circle_of(texts):
    """Headers that include each other, if there are some. That x.ipp, which x.hpp ends with, includes that one is none."""
    includes = {
        header: {own for line in text.splitlines() for own, _ in [included(header, line) or (None, None)]
                 if own and own != header.removesuffix(".ipp") + ".hpp"}
        for header, text in texts.items()
    }
    try:
        graphlib.TopologicalSorter(includes).prepare()
        return None
    except graphlib.CycleError as error:
        return error.args[1]


def main(include=pathlib.Path(__file__).parents[1] / "include"):
    root = pathlib.Path(include) / "communica"
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.[hi]pp"))}
    found = [f"{root / header}:{number}: {problem}"
             for header, text in texts.items()
             for number, problem in [*problems_of(header, text), *missing_includes(header, texts)]]
    if circle := circle_of(texts):
        found.append(f"{root / circle[0]}:1: in a circle: {' is included by '.join(circle)}")
    print(*found, f"{len(texts)} headers, {len(found)} problems", sep="\n")
    return bool(found) or not texts


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

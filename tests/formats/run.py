#!/usr/bin/env python3
"""Tries the serializers against other libraries of their formats, both ways, with every value.

    run.py --peer build/dev/tests/format_peer --libraries build/dev/tests/format_libraries --build build/dev/formats

What does not pass stands in departures.py, and in the tables of docs/serializers.md. It has to come out as it stands there, and
anything else has to pass. npm's packages are fetched once, into the directory --build. A library that is not there is skipped, unless
COMMUNICA_ALL_FORMATS is set: then it is a failure, but for those that Debian 12 has no package of.
"""

import argparse
import base64
import importlib.util
import json
import os
import re
import sys
import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

DEBIANS_PYTHON = "/usr/bin/python3"  # for which Debian's packages are
if not importlib.util.find_spec("msgpack") and sys.executable != DEBIANS_PYTHON and Path(DEBIANS_PYTHON).exists():
    os.execv(DEBIANS_PYTHON, [DEBIANS_PYTHON, *sys.argv])

from departures import DEPARTURES
from libraries import LIBRARIES, MODULES, NOT_DECODED, Others, Program, Pythons, node_packages
from notation import read, same, shown
from values import NOT_THERE, VALUES

NOT_PACKAGED = ("orjson",)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "serializers.md"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, required=True, help="format_peer")
    parser.add_argument("--libraries", type=Path, help="format_libraries")
    parser.add_argument("--build", type=Path, required=True, help="where npm's packages are put")
    return parser.parse_args()


def in_json(value):
    """JSON has no bytes: they are texts in base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case list():
            return [in_json(element) for element in value]
        case dict():
            return {key: in_json(element) for key, element in value.items()}
        case _:
            return value


def source(value):
    """Bytes from which the type gets the value."""
    if value.msgpack:
        return {"format": "msgpack", "type": value.type, "bytes": value.msgpack.hex()}
    return {"format": "json", "type": value.type, "bytes": json.dumps(in_json(value.wire)).encode().hex()}


def as_in(format, value):
    """What there is of it in this format."""
    return in_json(value) if format == "json" else value


def by_language(tasks, work):
    """The tasks with what `work` makes of all those of each language."""
    done = []
    for language in {library.language for library, _ in tasks}:
        its = [(library, value) for library, value in tasks if library.language == language]
        done += [(library, value, made) for (library, value), made in zip(its, work(language, its), strict=True)]
    return done


def try_loads(libraries, codecs, peer):
    """What comes of each value from each library's encoder to the type: words, or nothing if it is as it should be."""

    def encode(language, tasks):
        values = [(library, as_in(library.format, value.encoded(language))) for library, value in tasks]
        return codecs[language].encode(values)

    def is_there(library, value):
        return value.encoded(library.language) is not NOT_THERE

    tasks = [(library, value) for library in libraries for value in VALUES if is_there(library, value)]
    encoded = by_language(tasks, encode)
    written = [(library, value, data) for library, value, data in encoded if data is not None]
    outcomes = {(library, "loads", value.name): "not encoded" for library, value, data in encoded if data is None}
    answers = peer.ask(
        {"format": library.format, "type": value.type, "bytes": data.hex()} for library, value, data in written
    )
    for (library, value, _), answer in zip(written, answers, strict=True):
        outcomes[library, "loads", value.name] = what_is_held(library, value, answer)
    return outcomes


def what_is_held(library, value, answer):
    if "error" in answer:
        return f"refused: {answer['error']}"
    wanted = as_in(library.format, value.holds()) if value.type == "json" else value.holds()
    held = read(answer["value"])
    return None if same(wanted, held) else f"becomes {shown(held)}"


def try_decodes(libraries, codecs, peer):
    """What comes of each value from the type to each library's decoder."""

    def decode(language, tasks):
        return codecs[language].decode([(library, data) for library, (_, data) in tasks])

    there = [value for value in VALUES if value.wire is not NOT_THERE]
    once = list({(value.type, repr(value.wire)): value for value in reversed(there)}.values())  # of the same in C++ the first
    outcomes, tasks = {}, []
    for value, answer in zip(once, peer.ask(map(source, once)), strict=True):
        for library in libraries:
            if "error" in answer[library.format]:
                outcomes[library, "decodes", value.name] = f"not written: {answer[library.format]['error']}"
            else:
                tasks.append((library, (value, bytes.fromhex(answer[library.format]["hex"]))))
    for library, (value, _), decoded in by_language(tasks, decode):
        outcomes[library, "decodes", value.name] = what_is_decoded(library, value, decoded)
    return outcomes


def what_is_decoded(library, value, decoded):
    if decoded is NOT_DECODED:
        return "not decoded"
    return None if same(as_in(library.format, value.wire), decoded) else f"becomes {shown(decoded)}"


def find_codecs(options):
    """What encodes and decodes by language, and why others are missing, by language or by library."""
    codecs, missing = {"py": Pythons()}, {}
    for module, *_ in MODULES.values():
        if not importlib.util.find_spec(module):
            missing[module] = f"Python has no {module}"
    if reason := node_packages(options.build):
        missing["js"] = reason
    else:
        codecs["js"] = Others(Program("node", options.build / "libraries.mjs"))
    if options.libraries:
        codecs["cpp"] = Others(Program(options.libraries))
    else:
        missing["cpp"] = "msgpack-cxx was not found when this was built"
    return codecs, missing


# Python before 3.11 reads no, three or six digits of a second, and no "Z".
READ_BY_PYTHON_3_9 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}(\d{3})?)?[+-]\d\d:\d\d")


def check_times(peer):
    """Words for each text of a time that Python does not read as docs/serializers.md has it."""
    second, fractions = "2024-05-06T07:08:09", ["", ".123", ".123456", ".123456789"]
    questions = [
        {"format": "json", "type": "time", "bytes": json.dumps(f"{second}{fraction}+00:00").encode().hex()}
        for fraction in fractions
    ]
    for fraction, answer in zip(fractions, peer.ask(questions), strict=True):
        text = json.loads(bytes.fromhex(answer["json"]["hex"]))
        is_read_by_all = len(fraction) < len(".123456789")
        if (READ_BY_PYTHON_3_9.fullmatch(text) is not None) != is_read_by_all:
            yield f"Python 3.9 {'does not read' if is_read_by_all else 'reads'} {text}"
        if is_read_by_all or sys.version_info >= (3, 11):
            microseconds = timedelta(microseconds=int(fraction[1:7].ljust(6, "0")))
            if datetime.fromisoformat(text) != datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc) + microseconds:
                yield f"Python reads {text} as {datetime.fromisoformat(text)}"


def table(page, header):
    """The rows of the table with this header, as the texts of their cells."""
    rows = page.partition(header + "\n")[2].partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def check_page(page):
    """Words for each difference between departures.py and the tables of docs/serializers.md."""
    rows = {tuple(cells[:2]): cells[2] for cells in table(page, "| library | settings | does not pass |")}
    for library in LIBRARIES:
        row = (f"{library.name} {library.version}".strip(), f"`{library.settings}`" if library.settings else "defaults")
        names = {departure.name for departure in DEPARTURES if departure.is_of(library)}
        if rows.get(row) != (named := ", ".join(sorted(names, key=str.lower))):
            yield f"docs/serializers.md has for {row}: {rows.get(row)}; in departures.py: {named}"
    names = {departure.name for departure in DEPARTURES}
    explained = {cells[0] for cells in table(page, "| name | what comes of it | instead |")}
    for name in names ^ explained:
        yield f"{name!r} is not both in docs/serializers.md and in departures.py"


def judge(libraries, outcomes):
    """Words for each outcome that is not as departures.py has it."""
    expected = {
        (library, departure.way, value): outcome
        for departure in DEPARTURES
        for library in libraries
        if departure.is_of(library)
        for value, outcome in departure.outcomes.items()
    }
    for key in sorted({*expected, *outcomes}, key=str):
        library, way, value = key
        outcome = outcomes.get(key, "is not tried") or "passes"
        wanted = expected.get(key, "passes")
        if outcome != wanted:
            yield f"{library}: {value} {way}: {outcome}; in departures.py: {wanted}"


def main():
    options, start = arguments(), time.monotonic()
    codecs, missing = find_codecs(options)
    peer, libraries, skipped = Program(options.peer), [], Counter()
    for library in LIBRARIES:
        module = MODULES.get(library.name, [None])[0]
        reason = missing.get(library.language) or missing.get(module)
        if reason:
            skipped[reason] += 1
        else:
            libraries.append(library)
    outcomes = try_loads(libraries, codecs, peer) | try_decodes(libraries, codecs, peer)
    failures = [*check_page(PAGE.read_text()), *check_times(peer), *judge(libraries, outcomes)]
    if "COMMUNICA_ALL_FORMATS" in os.environ:
        failures += [f"not installed: {reason}" for reason in skipped if not any(name in reason for name in NOT_PACKAGED)]
    for failure in failures:
        print("FAILED", failure)
    for reason, number in skipped.items():
        print(f"{number} of {len(LIBRARIES)} libraries skipped: {reason}")
    departed = sum(outcome is not None for outcome in outcomes.values())
    print(
        f"{len(libraries)} libraries: {len(outcomes) - departed} values passed, {departed} departed as known or failed, "
        f"{len(failures)} failures, in {time.monotonic() - start:.1f} s"
    )
    return 1 if failures or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())

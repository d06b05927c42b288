#!/usr/bin/env python3
"""Tries every pair of peers with every case, over TCP, local sockets and TLS, in simple and route mode.

    run.py --peer build/dev/tests/interop_peer
    run.py --pairs plain-library,library-plain --only notif

A pair is SERVER-CLIENT. The peers are `cpp` (the program under test), `plain` (python_peer.py) and `library`
(library_peer.py on the Python library, which is found at $COMMUNICA_PY). INTEROP_PATIENCE=5 makes all deadlines
five times as long, for programs that a sanitizer slows down.
"""
import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from bench import PATIENCE, Bench, Combination
from cases import CASES

HERE = Path(__file__).resolve().parent
CASE_DEADLINE = 45 * PATIENCE
PAIRS_UNDER_TEST = "cpp-cpp,cpp-plain,plain-cpp,cpp-library,library-cpp"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, metavar="PATH", help="the program under test")
    parser.add_argument("--certificates", type=Path, metavar="PATH", help="the program that makes certificates, for TLS")
    parser.add_argument("--pairs", default=PAIRS_UNDER_TEST, help=f"SERVER-CLIENT,... (default: {PAIRS_UNDER_TEST})")
    parser.add_argument("--transports", default="tcp,local,tls")
    parser.add_argument("--modes", default="simple,route")
    parser.add_argument("--only", default="", metavar="TEXT", help="only the cases whose name contains this")
    parser.add_argument("--jobs", type=int, default=10 * os.cpu_count(), help="combinations at a time: they wait for most of it")
    parser.add_argument("--quiet", action="store_true", help="print failures and totals alone")
    options = parser.parse_args()
    if "cpp" in options.pairs and not options.peer:
        parser.error("--peer is needed for a pair with cpp")
    return options


@dataclass
class Verdict:
    combination: Combination
    case: str
    word: str  # passed, FAILED or not applicable
    detail: str

    def __str__(self):
        return f"{self.word:<14} {self.combination}  {self.case}{self.detail}"


def cases_of(combination, only):
    return [case for case in CASES if case.applies_to(combination) and only in case.name]


async def try_case(case, bench):
    """Returns the word and the detail of a verdict."""
    if reason := case.known_fault(bench.combination):
        return "not applicable", f": {reason}"
    start = time.monotonic()
    try:
        await asyncio.wait_for(case.run(bench), CASE_DEADLINE)
        return "passed", f" ({1000 * (time.monotonic() - start):.0f} ms)"
    except Exception as error:
        said = bench.last_words()
        await bench.forget_pairs()
        return "FAILED", f"\n    {type(error).__name__}: {error}\n    {said}"
    finally:
        await bench.close_case()


async def try_combination(combination, only, commands, directory):
    bench, cases = Bench(combination, commands, directory), cases_of(combination, only)
    try:
        await bench.pair()
        return [Verdict(combination, case.name, *await try_case(case, bench)) for case in cases]
    except Exception as error:  # no case can be tried
        return [Verdict(combination, case.name, "FAILED", f": {error}; {bench.last_words()}") for case in cases]
    finally:
        await bench.close()


def work(combination, only, commands, directory):
    """One combination, in a worker process of its own."""
    return asyncio.run(try_combination(combination, only, commands, directory))


def combinations(options):
    for pair in options.pairs.split(","):
        server, client = pair.split("-")
        for transport in options.transports.split(","):
            for mode in options.modes.split(","):
                yield Combination(server, client, transport, mode)


def try_all(options, commands, directory):
    """Runs all, prints what comes out, returns how often each word did."""
    counts, running = Counter(), []
    with ProcessPoolExecutor(options.jobs) as workers:
        for combination in combinations(options):
            can_be = combination.transport != "tls" or options.certificates
            if can_be and {combination.server, combination.client} <= commands.keys():
                running.append(workers.submit(work, combination, options.only, commands, directory))
            else:
                counts["skipped"] += len(cases_of(combination, options.only))
        for verdicts in as_completed(running):
            for verdict in verdicts.result():
                counts[verdict.word] += 1
                if verdict.word == "FAILED" or not options.quiet:
                    print(verdict, flush=True)
    return counts


def main():
    options, start = arguments(), time.monotonic()
    commands = {"plain": [sys.executable, str(HERE / "python_peer.py")]}
    if options.peer:
        commands["cpp"] = [str(options.peer.resolve())]
    if library := os.environ.get("COMMUNICA_PY"):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (library, os.environ.get("PYTHONPATH"))))
        commands["library"] = [sys.executable, str(HERE / "library_peer.py")]
    elif "library" in options.pairs:
        print("COMMUNICA_PY is not set: the pairs with the Python library are skipped")

    directory = tempfile.mkdtemp(prefix="interop-")
    os.environ["TMPDIR"] = tempfile.tempdir = directory  # where local sockets are
    if options.certificates:
        os.environ["COMMUNICA_CERTIFICATES"] = directory
        subprocess.run([options.certificates.resolve(), directory], check=True)
    elif "tls" in options.transports:
        print("--certificates is not given: TLS is skipped")
    try:
        counts = try_all(options, commands, directory)
    finally:
        shutil.rmtree(directory)
    print(
        f"{counts['passed']} passed, {counts['FAILED']} failed, {counts['skipped']} skipped, "
        f"{counts['not applicable']} not applicable, in {time.monotonic() - start:.0f} s"
    )
    return 1 if counts["FAILED"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())

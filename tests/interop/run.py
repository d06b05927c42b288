#!/usr/bin/env python3
"""Tries every pair of peers with every case, over TCP, local sockets, TLS and RabbitMQ, in simple and route mode.

    run.py --peer build/dev/tests/interop_peer
    run.py --pairs plain-library,library-plain --only notif

A pair is SERVER-CLIENT. The peers are `cpp` (the program under test), `plain` (python_peer.py) and `library`
(library_peer.py on the Python library, which is found at $COMMUNICA_PY). EMULATOR=wine runs a `cpp` of another system,
which takes --transports tcp. INTEROP_PATIENCE=5 makes all deadlines five times as long, for programs that a sanitizer slows
down. RabbitMQ is a node of this program's own, where Debian's packages rabbitmq-server and python3-pamqp are installed, for
the Python library python3-aiormq as well.
"""
import argparse
import asyncio
import fcntl
import importlib.util
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

DEBIANS_PYTHON = "/usr/bin/python3"  # for which Debian's packages are


def has(package):
    return importlib.util.find_spec(package) is not None


if not has("pamqp") and sys.executable != DEBIANS_PYTHON:
    with suppress(OSError):
        if subprocess.run([DEBIANS_PYTHON, "-c", "import pamqp"], stderr=subprocess.DEVNULL).returncode == 0:
            os.execv(DEBIANS_PYTHON, [DEBIANS_PYTHON, *sys.argv])

import rabbitmq_cases  # adds to CASES
from bench import Bench, Combination
from cases import CASES
from expect import CHECK_PERIOD, EMULATOR, PATIENCE

HERE = Path(__file__).resolve().parent
BROKER = HERE.parent / "support" / "rabbitmq_broker"
CASE_DEADLINE = 45 * PATIENCE
PAIRS_UNDER_TEST = "cpp-cpp,cpp-plain,plain-cpp,cpp-library,library-cpp"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, metavar="PATH", help="the program under test")
    parser.add_argument("--certificates", type=Path, metavar="PATH", help="the program that makes certificates, for TLS")
    parser.add_argument("--without-rabbitmq", action="store_true", help="the program under test does not know RabbitMQ")
    parser.add_argument("--pairs", default=PAIRS_UNDER_TEST, help=f"SERVER-CLIENT,... (default: {PAIRS_UNDER_TEST})")
    parser.add_argument("--transports", default="tcp,local,tls,rabbitmq")
    parser.add_argument("--modes", default="simple,route")
    parser.add_argument("--only", default="", metavar="TEXT", help="only the cases whose name contains this")
    parser.add_argument("--jobs", type=int, default=12 * os.cpu_count(), help="combinations at a time: they wait for most of it")
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


@asynccontextmanager
async def alone():
    """One combination at a time is in here. Under a sanitizer 16 MiB of JSON take seconds; for all at once, minutes."""
    with open(Path(tempfile.gettempdir(), "alone"), "w") as turn:
        await asyncio.to_thread(fcntl.flock, turn, fcntl.LOCK_EX)
        yield


async def try_case(case, bench):
    """Returns the word and the detail of a verdict."""
    if reason := case.known_fault(bench.combination):
        return "not applicable", f": {reason}"
    async with alone() if case.is_large else nullcontext():
        return await try_now(case, bench)


async def try_now(case, bench):
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


@contextmanager
def broker():
    """A node of RabbitMQ for as long as this lasts; gives its URL."""
    with subprocess.Popen([BROKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
        said = node.stdout.readline().strip()
        if not said.startswith("amqp://"):
            raise RuntimeError(f"RabbitMQ did not start: {said}")
        yield said
        node.stdin.close()  # with which it ends


def missing_for_rabbitmq():
    if not has("pamqp"):
        return "python3-pamqp is not installed"
    if not os.access("/usr/lib/rabbitmq/bin/rabbitmq-server", os.X_OK):
        return "rabbitmq-server is not installed"


def why_skipped(combination, missing):
    """What is missing for a combination, or None."""
    peers = (combination.server, combination.client)
    over = (f"{peer} over {combination.transport}" for peer in peers)
    return next((missing[part] for part in (combination.transport, *peers, *over) if part in missing), None)


def try_all(options, commands, directory, missing):
    """Runs all, prints what comes out, returns how often each word did, and how many were skipped for which reason."""
    counts, skipped, running = Counter(), Counter(), []
    # Python 3.14's own choice, a server that forks, keeps files in the directory of this run until after that is removed.
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("fork")) as workers:
        # The longest begin first.
        for combination in sorted(combinations(options), key=lambda combination: combination.transport != "rabbitmq"):
            if reason := why_skipped(combination, missing):
                skipped[reason] += len(cases_of(combination, options.only))
            else:
                running.append(workers.submit(work, combination, options.only, commands, directory))
        for verdicts in as_completed(running):
            for verdict in verdicts.result():
                counts[verdict.word] += 1
                if verdict.word == "FAILED" or not options.quiet:
                    print(verdict, flush=True)
    return counts, skipped


def main():
    options, start, missing = arguments(), time.monotonic(), {}
    commands = {"plain": [sys.executable, str(HERE / "python_peer.py")]}
    if options.peer:
        commands["cpp"] = [*filter(None, [EMULATOR]), str(options.peer.resolve())]
    if library := os.environ.get("COMMUNICA_PY"):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (library, os.environ.get("PYTHONPATH"))))
        commands["library"] = [sys.executable, str(HERE / "library_peer.py")]
    else:
        missing["library"] = "COMMUNICA_PY is not set, for the Python library"
    if not has("aiormq"):
        missing["library over rabbitmq"] = "python3-aiormq is not installed, for the Python library over RabbitMQ"
    if options.without_rabbitmq:
        missing["cpp over rabbitmq"] = "the program under test was built without rabbitmq-c"
    if not options.certificates:
        missing["tls"] = "--certificates is not given, for TLS"

    with ExitStack() as open_things:
        directory = open_things.enter_context(tempfile.TemporaryDirectory(prefix="interop-"))
        os.environ["TMPDIR"] = tempfile.tempdir = directory  # where local sockets are
        if options.certificates:
            os.environ["COMMUNICA_CERTIFICATES"] = directory
            subprocess.run([options.certificates.resolve(), directory], check=True)
        if reason := missing_for_rabbitmq():
            missing["rabbitmq"] = reason
        elif "rabbitmq" in options.transports:
            os.environ["COMMUNICA_RMQ_CHECK_PERIOD"] = str(CHECK_PERIOD)
            os.environ["INTEROP_BROKER"] = open_things.enter_context(broker())
        counts, skipped = try_all(options, commands, directory, missing)
    for reason, number in skipped.items():
        print(f"{number} skipped: {reason}")
    print(
        f"{counts['passed']} passed, {counts['FAILED']} failed, {skipped.total()} skipped, "
        f"{counts['not applicable']} not applicable, in {time.monotonic() - start:.0f} s"
    )
    return 1 if counts["FAILED"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())

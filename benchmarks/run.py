#!/usr/bin/env python3
"""Runs the benchmarks. `./dev bench` builds them and calls this.

run.py BUILD_DIR [--quick] [--only REGEX] [--output DIR]     measure, write results.json, table.md and the charts
run.py BUILD_DIR --instructions [--record]                   count instructions; fail above what is recorded
run.py BUILD_DIR --compile                                   what compiling an example costs

Client and server are processes of their own, pinned to one core together. A machine may change its speed from one minute
to the next, so the cases that are compared, those of a group, run one after the other, in a new random order each time.
Figures are medians, and so are ratios of cases, of what each repetition gives. To add a peer, write bench_NAME.cpp on top of
harness.hpp, add it to CMakeLists.txt, and name it in cases.py.
"""
import argparse
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import counting
import report
from cases import ASIO, CHARTS, LIMITS, PEERS, TARGETS, Target, cases

HERE = Path(__file__).resolve().parent
PATIENCE = 60  # seconds that one run may take beside measuring


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pin_to(cores):
    """For a process that is about to run a program."""
    available = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, available[-cores:])


def run_case(programs, case, seconds, directory):
    """One client and one server; gives what the client printed, or raises CalledProcessError."""
    program = str(programs / f"bench_{case.program}")
    address = str(free_port()) if case.options.get("transport") == "tcp" else f"{directory}/s{random.getrandbits(32):x}"
    options = [f"--{name}" if value is True else f"--{name}={value}" for name, value in case.options.items()]
    options += [f"--address={address}", f"--seconds={seconds}"]
    pin = pin_to(case.cores)
    server = subprocess.Popen([program, "server", *options], stdout=subprocess.PIPE, preexec_fn=pin)
    try:
        if server.stdout.readline() != b"READY\n":
            raise subprocess.CalledProcessError(server.wait(PATIENCE), [program, "server", *options])
        client = subprocess.run([program, "client", *options, f"--server-pid={server.pid}"], stdout=subprocess.PIPE,
                                preexec_fn=pin, timeout=seconds + PATIENCE, check=True)
        return json.loads(client.stdout)
    finally:
        server.kill()
        server.wait()
        Path(address).unlink(missing_ok=True)


def measure(programs, selected, repetitions, seconds):
    """For each repetition the runs by the case's key, and the keys of the cases that failed with the reason."""
    runs, failed = [], {}
    groups = dict.fromkeys(case.group for case in selected)
    with tempfile.TemporaryDirectory(prefix="bench.") as directory:
        for repetition in range(repetitions):
            done = {}
            for group in shuffled(groups):
                for case in shuffled(case for case in selected if case.group == group):
                    if case.key in failed:
                        continue
                    try:
                        done[case.key] = run_case(programs, case, seconds, directory)
                    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                        failed[case.key] = str(error)
                        print(f"{case.key}: {error}", file=sys.stderr)
            runs.append({case.key: done[case.key] for case in selected if case.key in done})
            print(f"repetition {repetition + 1} of {repetitions} is done", file=sys.stderr, flush=True)
    return runs, failed


def shuffled(items):
    items = list(items)
    return random.sample(items, len(items))


def medians(runs):
    """Of each case's figures, by its key."""
    by_case = {}
    for repetition in runs:
        for key, run in repetition.items():
            by_case.setdefault(key, []).append(run)
    return {key: {name: median(run[name] for run in all_runs) for name in all_runs[0]}
            for key, all_runs in by_case.items()}


def median_of(figure, runs):
    """Of what `figure` gives for each repetition; None where a case that it needs was not run."""
    values = [value for value in map(figure, runs) if value is not None]
    return median(values) if values else None


def against_asio(runs):
    """The CPU time of each case against that of Asio's coroutines in its group, None where these are not in it."""
    keys = dict.fromkeys(key for repetition in runs for key, run in repetition.items() if "cpu_us" in run)
    targets = {key: Target("", "cpu_us", key, f"{key.split('/')[0]}/{ASIO}", 1) for key in keys}
    return {key: median_of(target.ratio, runs) for key, target in targets.items()}


def check_targets(runs):
    """Rows of what is to be reached: text, against what, bound, what it is, whether it holds."""
    rows = []
    for target in TARGETS:
        ratio = median_of(target.ratio, runs)
        if ratio is not None:
            sign = ">=" if target.at_least else "<="
            rows.append({"case": target.text, "against": target.baseline.split("/")[1],
                         "to_reach": f"{sign} {target.bound:g} x", "reached": f"{ratio:.2f} x",
                         "holds": target.holds(ratio)})
    for limit in LIMITS:
        value = median_of(limit.value, runs)
        if value is not None:
            rows.append({"case": limit.text, "against": "", "to_reach": f"<= {limit.bound:g} {limit.unit}",
                         "reached": f"{value:.2f} {limit.unit}", "holds": value <= limit.bound})
    return rows


def run_benchmarks(arguments):
    programs = arguments.build / "benchmarks"
    absent = [label for program, label in PEERS.items() if not (programs / f"bench_{program}").exists()]
    selected = [case for case in cases()
                if (programs / f"bench_{case.program}").exists() and re.search(arguments.only, case.key)]
    repetitions = arguments.repeat or (3 if arguments.quick else 5)
    seconds = arguments.seconds or (0.2 if arguments.quick else 1.0)
    runs, failed = measure(programs, selected, repetitions, seconds)
    results = {
        "machine": report.describe_machine(), "versions": report.versions(), "date": report.today(),
        "repetitions": repetitions, "seconds": seconds, "absent": absent, "failed": failed,
        "targets": check_targets(runs), "medians": medians(runs), "against_asio": against_asio(runs), "runs": runs,
    }
    if not arguments.only:
        results["targets"] += counting.deadline_rows(programs)
        results["added_instructions"] = counting.added_instructions(programs)
        if not arguments.quick:  # it takes a minute
            results["targets"] += counting.compile_rows(HERE.parent)
    text = report.table(results)
    print(text)
    if arguments.output:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "results.json").write_text(json.dumps(results, indent=1) + "\n")
        (arguments.output / "table.md").write_text(text)
        for name, what in CHARTS.items():
            (arguments.output / name).write_text(report.chart(results, *what))
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--quick", action="store_true", help="under two minutes: less exact, nothing is compiled")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose GROUP/LABEL match")
    parser.add_argument("--repeat", type=int, metavar="N")
    parser.add_argument("--seconds", type=float, metavar="S", help="for one run of one case")
    parser.add_argument("--output", type=Path, metavar="DIR")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--record", action="store_true", help="make what is counted now the figure to compare with")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    if arguments.instructions:
        return counting.check_instructions(arguments.build / "benchmarks", HERE / "instructions.json",
                                           arguments.record)
    if arguments.compile:
        for row in counting.compile_rows(HERE.parent):
            print(f"{row['case']}: {row['reached']} (to reach {row['to_reach']})")
        return 0
    return run_benchmarks(arguments)


if __name__ == "__main__":
    sys.exit(main())

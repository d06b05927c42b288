#!/usr/bin/env python3
"""Measures the library through a RabbitMQ broker against the Python library through the same one, in random order.

    rabbitmq.py BUILD [--seconds N] [--rounds N] [--output FILE]

With the environment's COMMUNICA_PY, the path of the Python library; without, that one is named as absent.
"""
import argparse
import json
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
from datetime import date

HERE = pathlib.Path(__file__).resolve().parent
BROKER = HERE.parent / "tests/support/rabbitmq_broker"
DEPTHS = {1: "one at a time", 64: "64 at once on one connection"}


def run(command, url, depth, seconds, environment):
    """Client and server as processes of their own; the client's figures."""
    options = [f"--address={url}", "--size=64"]
    with subprocess.Popen([*command, "server", *options], stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            if server.stdout.readline() != "READY\n":
                raise RuntimeError(f"{command[-1]} does not serve")
            options += [f"--depth={depth}", f"--seconds={seconds}", f"--server-pid={server.pid}"]
            client = subprocess.run([*command, "client", *options], stdout=subprocess.PIPE, text=True, env=environment,
                                    check=True, timeout=60 + seconds)
            return json.loads(client.stdout)
        finally:
            server.kill()


def table(figures):
    lines = ["| 64 B, through one broker | | requests/s | p50 | p99 | CPU us a request, client and server |", "|---|---|---|---|---|---|"]
    for depth, how in DEPTHS.items():
        for name, rows in figures.items():
            of_depth = rows[depth]
            median = {key: statistics.median(row[key] for row in of_depth) for key in of_depth[0]}
            lines.append(f"| {how} | {name} | {median['per_second']:,.0f} | {median['p50_us'] / 1000:.2f} ms | "
                         f"{median['p99_us'] / 1000:.2f} ms | {median['cpu_us']:.0f} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=pathlib.Path)
    options = parser.parse_args()

    programs = {"communica": ([str(options.build / "benchmarks/bench_rabbitmq")], None)}
    library = os.environ.get("COMMUNICA_PY")
    if library:
        environment = {**os.environ, "PYTHONPATH": library}
        programs["the Python library"] = (["/usr/bin/python3", str(HERE / "rabbitmq_library.py")], environment)
    else:
        print("Absent: the Python library (COMMUNICA_PY names its path)")

    figures = {name: {depth: [] for depth in DEPTHS} for name in programs}
    with subprocess.Popen([BROKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as broker:
        url = broker.stdout.readline().strip()
        runs = [(name, depth) for name in programs for depth in DEPTHS] * options.rounds
        random.shuffle(runs)
        for name, depth in runs:
            command, environment = programs[name]
            figures[name][depth].append(run(command, url, depth, options.seconds, environment))
            print(".", end="", flush=True, file=sys.stderr)
        broker.stdin.close()
    print(file=sys.stderr)

    text = table(figures)
    print(text)
    if options.output:
        options.output.write_text(
            f"# Through a RabbitMQ broker\n\nMeasured on {date.today()} by `./dev bench --rabbitmq`, {platform.system()} on "
            f"{os.cpu_count()} cores, which client, server and broker share; medians of {options.rounds} runs of "
            f"{options.seconds:g} s in random order.\n\n{text}")


if __name__ == "__main__":
    main()

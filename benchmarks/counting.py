"""What does not depend on how busy the machine is: instructions of a scripted run, and the cost of compiling."""
import json
import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

from cases import ASIO_SCRIPTS, COMPILE_BOUND, DEADLINE_BOUND, SCRIPTS

ALLOWED = 1.05  # times the figure recorded


def count_instructions(programs, variant, depth, requests):
    """Instructions a request, of client and server together, the kernel's not."""
    with tempfile.NamedTemporaryFile(prefix="callgrind.") as output:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=measured", f"--callgrind-out-file={output.name}",
             str(programs / "bench_instructions"), variant, str(depth), str(requests)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        found = re.search(r"Collected : (\d+)", run.stdout)
        if run.returncode != 0 or not found:
            raise RuntimeError(f"callgrind failed:\n{run.stdout}")
        return int(found[1]) / requests


def tools():
    """What the figures depend on besides the library."""
    def first_line(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]

    compiler = os.environ.get("CXX", "c++")
    versions = subprocess.run([compiler, "-std=c++20", "-xc++", "-E", "-P", "-"], capture_output=True, text=True,
                              check=True, input="#include <asio/version.hpp>\n"
                                                "#include <nlohmann/detail/abi_macros.hpp>\nfound ASIO_VERSION\n")
    return {"compiler": first_line(compiler, "--version"), "asio": versions.stdout.split()[-1],
            "libc": first_line("getconf", "GNU_LIBC_VERSION")}


def check_instructions(programs, recorded_file, record):
    counted = {name: round(count_instructions(programs, *script), 1) for name, script in SCRIPTS.items()}
    if record:
        recorded_file.write_text(json.dumps({"tools": tools(), "instructions": counted}, indent=2) + "\n")
        print(f"recorded in {recorded_file}")
    recorded = json.loads(recorded_file.read_text())
    comparable = recorded["tools"] == tools()
    if not comparable:
        print(f"Not comparable: recorded with {recorded['tools']}, this is {tools()}")
    worse = []
    for name, count in counted.items():
        ratio = count / recorded["instructions"][name]
        if ratio > ALLOWED:
            worse.append(name)
        print(f"{name:40} {count:9.0f} instructions a request, {ratio:.3f} x the {recorded['instructions'][name]:.0f} "
              f"recorded{'  TOO MANY' if ratio > ALLOWED else ''}")
    if worse and comparable:
        print(f"More than {ALLOWED} x what is recorded: {', '.join(worse)}")
        return 1
    return 0


def added_instructions(programs):
    """Instructions a request of each script, and of the same exchange on Asio coroutines."""
    try:
        alone = {depth: count_instructions(programs, *script) for depth, script in ASIO_SCRIPTS.items()}
        return [{"script": name, "instructions": round(count_instructions(programs, *script)),
                 "asio": round(alone[script[1]])}
                for name, script in SCRIPTS.items() if script[0] != "notify"]
    except FileNotFoundError:
        return []  # no valgrind here


def deadline_rows(programs):
    """The cost of the default deadline, as rows of what is to be reached."""
    rows = []
    for name in ("one at a time", "64 at once"):
        try:
            ratio = (count_instructions(programs, *SCRIPTS[name]) /
                     count_instructions(programs, *SCRIPTS[f"{name}, no deadline"]))
        except FileNotFoundError:
            return []  # no valgrind here
        rows.append({"case": f"deadlines, {name}, instructions", "against": "no deadline",
                     "to_reach": f"<= {DEADLINE_BOUND} x", "reached": f"{ratio:.3f} x",
                     "holds": ratio <= DEADLINE_BOUND})
    return rows


def compile_cost(project, source, repetitions, *flags):
    """Seconds of CPU time and MB of memory at most, the least of all repetitions."""
    command = [*shlex.split(os.environ.get("CXX", "c++")), "-std=c++20", "-O2", "-pthread",
               f"-I{project / 'include'}", *flags, "-c", str(source), "-o", os.devnull]
    costs = []
    for _ in range(repetitions):
        process = subprocess.Popen(command)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{source} does not compile")
        costs.append((usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))
    return min(seconds for seconds, _ in costs), min(memory for _, memory in costs)


def compile_rows(project, repetitions=3):
    example = project / "examples" / "simple_client.cpp"
    baseline = compile_cost(project, Path(__file__).parent / "compile_baseline.cpp", repetitions)
    rows = []
    for how, flags in (("headers alone", ()), ("the library compiled once", ("-DCOMMUNICA_SEPARATE_COMPILATION",))):
        ours = compile_cost(project, example, repetitions, *flags)
        for what, mine, other, unit in zip(("compile time", "compile memory"), ours, baseline, ("s", "MB")):
            rows.append({"case": f"{what} of simple_client.cpp, {how}", "against": "a hand-written echo",
                         "to_reach": f"<= {COMPILE_BOUND} x", "holds": mine <= COMPILE_BOUND * other,
                         "reached": f"{mine / other:.2f} x ({mine:.1f} {unit} to {other:.1f} {unit})"})
    return rows

"""Lets GDB stop in `shown`, and compares what debugging/communica_gdb.py shows.

    run.py GDB PRINTERS PROGRAM
"""
import re
import subprocess
import sys

gdb, printers, program = sys.argv[1:]

WANTED = {
    "server": r'RouteServer, listening, 1 client connected = {\["ann"\] = "?connected, '
              r'0 requests wait for their answers, 2 at work"?}',
    "client": r'RouteClient "ann", connected, 2 requests wait for their answers, 0 at work = {waits: "never" = 2}',
    "lonely": r'RouteClient "bob", connecting, \d+ attempts? failed, 1 request waits for its answer, '
              r"1 of them and of notifications not sent yet, 0 at work = {waits: no route, or not sent yet = 1}",
    "buffer": r'9 bytes "a \\"text\\"\\n"',
    "value": r"result = {value = 7}",
    "error": r'result = {error = {.*"too late".*}}',
    "nothing": r"result",
}

commands = ["set width 0", "set print frame-info location", "break look", "run", *(f"print {name}" for name in WANTED)]
command = [gdb, "--batch", "-nx", "-iex", "set debuginfod enabled off", "-x", printers]
for text in commands:
    command += ["-ex", text]
ran = subprocess.run([*command, program], capture_output=True, text=True, timeout=110)
shown = re.findall(r"^\$\d+ = (?:\(.*?&\) @0x\w+: )?(.*)$", ran.stdout, re.MULTILINE)

wrong = [f"{name}: wanted {pattern}\n  got {got}" for (name, pattern), got in zip(WANTED.items(), shown)
         if not re.fullmatch(pattern, got)]
if len(shown) != len(WANTED):
    if "ptrace" in ran.stderr or "Couldn't get registers" in ran.stderr:
        print("skipped: GDB may not trace processes here")
        sys.exit()
    wrong.append(f"{len(shown)} of {len(WANTED)} were shown")
if wrong:
    sys.exit("\n".join([*wrong, ran.stdout, ran.stderr]))
print("\n".join(shown))

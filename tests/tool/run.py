"""Runs the tool against running servers, over each transport, as a user would.

    run.py --tool PROGRAM --examples DIRECTORY --programs DIRECTORY [--certificates PROGRAM] [CASE...]

The programs are slow_server, types and versions.
"""

import argparse
import fcntl
import json
import os
import pathlib
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 30  # seconds for what has to happen


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process that says when it listens; ended when the `with` is left."""

    def __init__(self, *command, says="listening on", user=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT, user=user)
        self.said = ""
        self.read_until(says)

    def read_until(self, text, times=1):
        """Its output up to the line with which it contains the text so many times."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.said[:self.said.rfind("\n") + 1].count(text) >= times:
                return self.said
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                more = os.read(self.process.stdout.fileno(), 65536).decode()
                if not more:
                    break
                self.said += more
        raise AssertionError(f"{self.process.args} did not say {text!r}, but {self.said!r}")

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.stdout.close()


def tool(*arguments, code=0, stdin=None, program=None, user=None):
    """What it says, once it has ended with this code."""
    done = subprocess.run([program or TOOL, *arguments], user=user, input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                          capture_output=True, text=True, timeout=PATIENCE, env=ENVIRONMENT)
    said = done.stdout + done.stderr
    assert done.returncode == code, f"{arguments} ended with {done.returncode} instead of {code}: {said}"
    return said


def skipped(reason):
    """Says why what follows in a case is not tried; `./dev test` repeats it."""
    SKIPPED.append(reason)
    print(f"  skipped: {reason}", flush=True)


def example(name, state):
    return Server(EXAMPLES / name, json.dumps(state))


def local(name):
    return {"type": "LocalConnector", "name": name}


def equal(got, expected):
    assert got == expected, f"expected {expected!r}, got {got!r}"


def has(text, part):
    assert part in text, f"{part!r} is not in {text!r}"


OPERANDS = '{"left": 1, "right": 2}'

# ---- the cases: every function that begins with `case_` --------------------------------------------------------------


def case_calls():
    with example("calculator_server", local("calculator")):
        equal(tool("call", "local:calculator", "divide", OPERANDS), "0.5\n")
        equal(tool("call", json.dumps(local("calculator")), "sum", "-", stdin=OPERANDS), "3.0\n")
        equal(tool("call", "local:calculator", "sum", OPERANDS, "--repeat", "3"), "3.0\n" * 3)
        has(tool("call", "local:calculator", "divide", '{"left": 1, "right": 0}', code=7), "division by zero (400)")
        has(tool("call", "local:calculator", "divide", '{"left": "x"}', code=9), "/left: expected number")
        has(tool("call", "local:calculator", "divide", "{", code=9), "JSON")
        error = json.loads(tool("call", "local:calculator", "none", "--json", code=7))["error"]
        equal(error["exit"], 7)
        has(error["message"], "none")
        equal(tool("notify", "local:calculator", "sum", OPERANDS), "")
    has(tool("call", "local:nobody", "sum", code=3), "nobody")
    for address in ("calculator", "tcp:localhost", "tcp:localhost:70000", "amqp://localhost"):
        has(tool("call", address, "sum", code=2), "is no address")
    tool("call", code=2)


def case_look():
    with example("calculator_server", local("calculator")), example("stream_server", local("shop")):
        (pathlib.Path(ENVIRONMENT["XDG_RUNTIME_DIR"]) / "communica/stale.sock").unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(ENVIRONMENT["XDG_RUNTIME_DIR"] + "/communica/stale.sock")
        listed = {entry["name"]: entry for entry in json.loads(tool("ls", "--json"))}
        equal({name: entry["state"] for name, entry in listed.items()}, {"calculator": "alive", "shop": "alive", "stale": "stale"})
        has(tool("ls"), "divide, sum, summarize")
        said = json.loads(tool("describe", "local:calculator", "--json"))
        equal([route["route"] for route in said["routes"]], ["divide", "sum", "summarize"])
        equal(said["routes"][0]["argument"]["$defs"]["Operands"]["required"], ["left", "right"])
        equal((said["name"], said["version"], said["connected"]), ("calculator", "1.0", 1))
        tool("call", "local:calculator", "sum", OPERANDS, "--repeat", "3")
        tool("call", "local:calculator", "divide", '{"left": 1, "right": 0}', code=7)
        counters = [route["counters"] for route in json.loads(tool("describe", "local:calculator", "--json"))["routes"]]
        equal([(route["requests"], route["errors"]) for route in counters], [(1, 1), (3, 0), (0, 0)])
        equal([sum(count for _, count in route["times"]) for route in counters], [1, 3, 0])
        equal("counters" in tool("contract", "save", "local:calculator"), False)
        described = tool("describe", "local:calculator")
        has(described, "divide(Operands) -> number")
        has(described, "Divides left by right")
        has(described, "summarize([number...]) -> Summary")
        has(tool("describe", "local:shop"), "countdown  stream")


def case_users():
    """Whom a server lets in may ask it, and inspect it only as its own user, or root."""
    if os.geteuid() != 0:
        return skipped("only root can be several users")
    nobody, owner = 65534, 1234
    place = pathlib.Path(ENVIRONMENT["XDG_RUNTIME_DIR"])
    place.chmod(0o755)
    program, server = (shutil.copy(one, place) for one in (TOOL, EXAMPLES / "calculator_server"))  # where everybody may read
    sockets = place / "sockets"
    sockets.mkdir()
    os.chown(sockets, owner, owner)
    state = json.dumps(local("calculator") | {"directory": str(sockets), "users": [0, nobody, owner]})
    with Server(server, state, user=owner):
        for user in (0, nobody, owner):
            equal(tool("call", state, "sum", OPERANDS, program=program, user=user), "3.0\n")
        for user in (0, owner):
            has(tool("describe", state, program=program, user=user), f"uid {user}\n")
        has(tool("describe", state, program=program, user=nobody, code=7), "403")


class Impostor(threading.Thread):
    """A server that answers everybody's inspection with this text."""

    def __init__(self, name, inspection):
        super().__init__(daemon=True)
        self.inspection = inspection.encode()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(ENVIRONMENT["XDG_RUNTIME_DIR"] + f"/communica/{name}.sock")
        self.listener.listen()
        self.start()

    def run(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            with client, client.makefile("rb") as read:
                while read.read(1) not in (b"\0", b""):
                    pass
                client.sendall(b'{"hello": "hello", "communica": {"session": "0123456789abcdef", "max_message": 1000000, '
                               b'"extensions": ["inspect"]}}\0')
                while head := read.read(4):
                    frame = read.read(int.from_bytes(head, "big"))
                    if frame[0] == 10:  # a message
                        size = int.from_bytes(frame[1:5], "big") - 4
                        answer = json.dumps({"id": json.loads(frame[5:5 + size])["id"], "type": 11}).encode()
                        client.sendall(struct.pack(">IBI", 5 + len(answer) + len(self.inspection), 10, 4 + len(answer)) +
                                       answer + self.inspection)


def case_malformed_inspections():
    with example("calculator_server", local("calculator")):
        for number, inspection in enumerate(['{"routes": "none"}', "[1]", '{"routes": [7]}', '{"routes": [], "connected": "many"}',
                                             '{"mode": "routes", "routes": [], "limits": 1, "counters": {"at_work": "x"}}']):
            Impostor(f"broken{number}", inspection)
        lines = {line.split()[0]: line for line in tool("ls").splitlines()}
        has(lines["calculator"], "divide, sum, summarize")
        equal(sum("alive  its inspection is malformed: " in line for line in lines.values()), 4)
        for name in ("broken0", "broken1", "broken2", "broken3", "broken4"):
            has(tool("describe", f"local:{name}", code=6), "its inspection is malformed")
        has(tool("top", "local:broken4", code=6), "its inspection is malformed")
        has(tool("contract", "save", "local:broken0", code=6), "its inspection is malformed")


def on_terminal(*arguments, without=()):
    """What the tool says if its output is a terminal."""
    main, terminal = os.openpty()
    environment = {name: value for name, value in ENVIRONMENT.items() if name not in without}
    with subprocess.Popen([TOOL, *arguments], stdin=terminal, stdout=terminal, env=environment) as process:
        os.close(terminal)
        said = b""
        while select.select([main], [], [], PATIENCE)[0]:
            try:
                more = os.read(main, 65536)
            except OSError:  # the end, on Linux
                break
            if not more:
                break
            said += more
        process.wait(PATIENCE)
    os.close(main)
    return said.decode()


def case_colours():
    with example("calculator_server", local("calculator")):
        has(on_terminal("ls", without=("NO_COLOR",)), "\033[32malive\033[0m")
        has(on_terminal("describe", "local:calculator", without=("NO_COLOR",)), "\033[34mdivide\033[0m")
        for said in (on_terminal("ls"), on_terminal("ls", "--json", without=("NO_COLOR",)), tool("ls")):
            has(said, "alive")
            assert "\033" not in said, said


def case_json():
    """Every command prints JSON alone if it is told to."""
    record = ENVIRONMENT["XDG_RUNTIME_DIR"] + "/calls.jsonl"
    contract = ENVIRONMENT["XDG_RUNTIME_DIR"] + "/contract.json"
    with example("calculator_server", local("calculator")), example("stream_server", local("shop")):
        with Server(TOOL, "tap", "local:front", "local:calculator", "--record", record, "--json", says='{"listening"') as tap:
            equal(json.loads(tool("call", "local:front", "sum", OPERANDS, "--json")), 3.0)
            for line in tap.said.splitlines():
                json.loads(line)
        with Server(TOOL, "tap", "local:front", "local:calculator", "--json", says='{"listening"') as tap:
            tool("call", "local:front", "sum", OPERANDS, "--header", "place=here")
            lines = [json.loads(line) for line in tap.read_until("the server is gone").splitlines()]
            equal([(line["from"], line["body"]) for line in lines if "from" in line], [("client", OPERANDS), ("server", "3.0")])
            request = next(line for line in lines if line.get("from") == "client")
            equal(json.loads(request["metadata"])["headers"], {"place": "here"})
        with Server(TOOL, "serve", "local:cat", "--exec", "cat", "--json", says='{"listening"') as server:
            equal(json.loads(server.said), {"listening": ENVIRONMENT["XDG_RUNTIME_DIR"] + "/communica/cat.sock"})
        for command in (["ls"], ["describe", "local:calculator"], ["top", "local:calculator", "--interval", "0.05"],
                        ["bench", "local:calculator", "sum", OPERANDS, "--time", "0.1"], ["replay", record, "local:calculator"],
                        ["contract", "save", "local:calculator"]):
            json.loads(tool(*command, "--json"))
        equal(json.loads(tool("notify", "local:calculator", "sum", OPERANDS, "--json")), {"confirmed": True})
        equal([json.loads(line) for line in tool("watch", "local:shop", "countdown", "3", "--json").splitlines()], [3, 2, 1])
        pathlib.Path(contract).write_text(tool("contract", "save", "local:calculator"))
        equal(json.loads(tool("contract", "check", contract, contract, "--json")), [])
    for command, code in (["ls", "more"], 2), (["call", "--json"], 2), (["call", "local:nobody", "sum"], 3), \
            (["describe", "local:nobody"], 3), (["tap", "local:front", "nowhere"], 2), (["contract", "check", record, record], 2):
        equal(json.loads(tool(*command, "--json", code=code))["error"]["exit"], code)


def case_other_exit_codes():
    with example("calculator_server", local("calculator")):  # makes the directory
        Impostor("small", "null")  # takes messages of a megabyte
        has(tool("call", "local:small", "any", "-", stdin='"' + "x" * 1_100_000 + '"', code=10), "up to 1000000 bytes")
    record = pathlib.Path(ENVIRONMENT["XDG_RUNTIME_DIR"]) / "calls.jsonl"
    request = {"c": 1, "from": "client", "body": OPERANDS}
    lines = [{"communica_tap": 1}] + [request | {"t": 2 * number, "metadata": json.dumps({"id": str(number), "type": 1, "route": route})}
                                      for number, route in enumerate(["sum", "none"])]
    record.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with example("calculator_server", local("calculator")):
        said = json.loads(tool("replay", record, "local:calculator", "--speed", "10", "--json", code=1))
        equal((said["requests"], said["answered"], len(said["errors"])), (2, 1, 1))
        assert 0.2 <= said["seconds"] < 1.9, said  # 2 s, ten times as fast


def case_tcp():
    port = free_port()
    with example("calculator_server", {"type": "TcpConnector", "host": "127.0.0.1", "port": port, "ssl": False}):
        equal(tool("call", f"tcp:127.0.0.1:{port}", "sum", OPERANDS), "3.0\n")
        has(tool("describe", f"tcp:127.0.0.1:{port}", code=7), "403")
    has(tool("call", f"tcp:127.0.0.1:{port}", "sum", code=3), "refused")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp:127.0.0.1:{silent.getsockname()[1]}"
        tool("call", address, "sum", "--connect-timeout", "0.2", code=4)


def case_streams():
    with example("stream_server", local("shop")):
        equal(tool("watch", "local:shop", "countdown", "3"), "3\n2\n1\n")
        equal(tool("watch", "local:shop", "countdown", "1000", "--count", "2", "--reopen"), "1000\n999\n")
        has(tool("watch", "local:shop", "none", code=7), "none")
        has(tool("call", "local:shop", "countdown", "3", code=7), "stream")


def case_reopen():
    server = example("stream_server", local("shop"))
    with subprocess.Popen([TOOL, "watch", "local:shop", "countdown", "1000", "--reopen"], stdout=subprocess.PIPE, text=True,
                          env=ENVIRONMENT) as watch:
        equal([watch.stdout.readline() for _ in range(2)], ["1000\n", "999\n"])
        server.kill()
        with example("stream_server", local("shop")):
            while watch.stdout.readline() != "1000\n":
                assert watch.poll() is None, "watch has ended with its server"
            watch.terminate()


def case_topic():
    """A subscription continues after its last item. Where a new server does not know what was missed, the item says so."""
    def publish(value):
        tool("call", "local:store", "set", json.dumps(["k", value]))

    def watched(watch, value):
        return [(item["value"], item["missed"]) for item in map(json.loads, watch.read_until(f"k = {value}").splitlines())]

    with example("key_value_server", local("store")) as store:
        publish("a")
        with Server(TOOL, "tap", "local:front", "local:store") as tap, \
                Server(TOOL, "watch", "local:front", "changes", "--reopen", "--header", "place=here", says="k = a") as watch:
            publish("b")
            items = [("k = a", 0), ("k = b", 0)]
            equal(watched(watch, "b"), items)
            tap.kill()
            publish("c")
            publish("d")
            with Server(TOOL, "tap", "local:front", "local:store"):
                publish("e")
                items += [("k = c", 0), ("k = d", 0), ("k = e", 0)]
                equal(watched(watch, "e"), items)
                store.kill()
                with example("key_value_server", local("store")) as new_store:
                    publish("f")
                    equal(watched(watch, "f"), items + [("k = f", -1)])
                    new_store.kill()  # it would wait for its subscriber


def case_shared_memory():
    with Server(TOOL, "serve", "shm:memory", "--exec", "cat"):
        equal(tool("call", "shm:memory", "-", "[1]"), "[1]\n")
        state = json.dumps({"type": "SharedMemoryConnector", "name": "memory"})
        equal(tool("call", state, "-", "2"), "2\n")
        listed = json.loads(tool("ls", "--json"))
        equal([(entry["name"], entry["state"]) for entry in listed], [("shm:memory", "alive")])
        has(tool("describe", "shm:memory"), "without routes")
    tool("call", "shm:memory", "-", code=3)


def case_top():
    with example("calculator_server", local("calculator")):
        tool("call", "local:calculator", "sum", OPERANDS)
        idle = json.loads(tool("top", "local:calculator", "--json", "--interval", "0.1"))
        equal([(route["route"], route["requests_per_second"], route["p50"]) for route in idle["routes"]],
              [("divide", 0, None), ("sum", 0, None), ("summarize", 0, None)])
        equal((idle["name"], idle["clients"], idle["at_work"]), ("calculator", 0, 0))
        with subprocess.Popen([TOOL, "top", "local:calculator", "--json", "--interval", "1.5"], stdout=subprocess.PIPE,
                              env=ENVIRONMENT) as top:
            deadline = time.monotonic() + PATIENCE
            while json.loads(tool("describe", "local:calculator", "--json"))["connected"] < 2:
                assert time.monotonic() < deadline, "top does not connect"
            while top.poll() is None:
                tool("call", "local:calculator", "sum", OPERANDS)
                tool("call", "local:calculator", "divide", '{"left": 1, "right": 0}', code=7)
            routes = {route["route"]: route for route in json.loads(top.stdout.read())["routes"]}
        assert routes["sum"]["requests_per_second"] > 0 and routes["sum"]["errors_per_second"] == 0, routes
        assert routes["divide"]["errors_per_second"] == routes["divide"]["requests_per_second"] > 0, routes
        assert 0 < routes["sum"]["p50"] <= routes["sum"]["p100"] < PATIENCE, routes
        counted = json.loads(tool("describe", "local:calculator", "--json"))["routes"][1]["counters"]
        equal((counted["errors"], sum(count for _, count in counted["times"])), (0, counted["requests"]))
    with example("stream_server", local("shop")):
        has(tool("top", "local:shop", code=11), "counts nothing")


def screen_of_top(address, rows, columns):
    """The last picture of two, on a terminal of this size."""
    main, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with subprocess.Popen([TOOL, "top", address, "--interval", "0.05"], stdin=terminal, stdout=terminal, env=ENVIRONMENT) as top:
        said = ""
        deadline = time.monotonic() + PATIENCE
        while said.count("\033[2J") < 3:
            assert time.monotonic() < deadline, said
            if select.select([main], [], [], 0.1)[0]:
                said += os.read(main, 65536).decode()
        top.terminate()
    os.close(main)
    os.close(terminal)
    return said.split("\033[H\033[2J")[2].replace("\r", "").splitlines()


def case_screen():
    with example("calculator_server", local("calculator")):
        whole = screen_of_top("local:calculator", 24, 80)
        equal(len(whole), 5)
        equal([line.split()[0] for line in whole], ["calculator:", "route", "divide", "sum", "summarize"])
        small = screen_of_top("local:calculator", 5, 30)
        equal(len(small), 4)
        assert all(len(line) <= 30 for line in small), small
        equal(small[3], "and 2 more routes")


def case_control_characters():
    with Server(TOOL, "serve", "local:evil", "--exec", "printf 'a\\033[2J\\nb' >&2; exit 3", "--name", "evil\033[2J\u009bx\ny"):
        has(tool("describe", "local:evil"), r"evil\x1b[2J\x9bx\x0ay at ")
        equal(json.loads(tool("describe", "local:evil", "--json"))["name"], "evil\033[2J\u009bx\ny")
        has(tool("call", "local:evil", "-", code=8), "a\\x1b[2J\nb (3)")
        described = tool("describe", "local:evil", "--client-id", "me\033[2J")
        has(described, r"me\x1b[2J ")
        assert "\033" not in described, described
        for line in described.partition("\nlimits\n")[2].splitlines():
            equal(len(line.split()), 2)
    error = json.loads(tool("describe", b"local:\xff", "--json", code=3))["error"]
    has(error["message"], "No such file")


def case_long_times():
    with Server(TOOL, "serve", "local:upper", "--exec", "tr a-z A-Z"):
        for time_ in ("1e10", "1e300"):
            equal(tool("call", "local:upper", "-", '"a"', "--timeout", time_, "--connect-timeout", time_), '"A"\n')


def case_serve():
    command = 'read value; test "$value" != fail || { echo "no such luck" >&2; exit 3; }; echo "\\"$COMMUNICA_ROUTE $value\\""'
    with Server(TOOL, "serve", "local:shell", "--exec", command):
        equal(tool("call", "local:shell", "a", "7"), '"a 7"\n')
        equal(tool("call", "local:shell", "fail", '"x"'), '"fail "x""\n')
        has(tool("describe", "local:shell"), "one handler for all")
    with Server(TOOL, "serve", "local:failing", "--exec", "echo no such luck >&2; exit 3"):
        has(tool("call", "local:failing", "-", code=8), "no such luck (3)")
    with Server(TOOL, "serve", "local:slow", "--exec", "sleep 60"):
        said = tool("call", "local:slow", "-", "--timeout", "0.2", code=4)
        assert "no answer within 200 ms" in said or "(504)" in said, said  # by the clock of this side, or of the server
    with Server(TOOL, "serve", "local:lines", "--lines", "--exec", "n=0; while read -r line; do n=$((n + 1)); echo \"[$line, $n]\"; done"):
        equal(tool("call", "local:lines", "-", "7", "--repeat", "3"), "[7, 1]\n[7, 2]\n[7, 3]\n")
    has(tool("serve", "local:no/name", "--exec", "true", code=2), "name")


def ended(process):
    """Whether the process with this number has."""
    try:
        os.kill(process, 0)
        return False
    except ProcessLookupError:
        return True


def wait_until(what, condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"
        select.select([], [], [], 0.02)


def greet(client, server):
    """Connects this socket to that local server."""
    client.connect(f"{ENVIRONMENT['XDG_RUNTIME_DIR']}/communica/{server}.sock")
    client.sendall(b'{"client_id": "raw"}\0')


def request_frame(number):
    metadata = json.dumps({"id": str(number), "type": 1}).encode()
    return struct.pack(">IBI", 6 + len(metadata), 10, 4 + len(metadata)) + metadata + b"1"


def case_processes():
    """The process of a request is killed if nobody waits for it any more: its deadline has passed, its requester has
    closed, or the connection is lost."""
    started = pathlib.Path(ENVIRONMENT["XDG_RUNTIME_DIR"]) / "started"

    def take_process():
        wait_until("the command begins", started.exists)
        process = int(started.read_text())
        started.unlink()
        return process

    with Server(TOOL, "serve", "local:slow", "--exec", f"echo $$ > {started}.new; mv {started}.new {started}; exec sleep 60"):
        tool("call", "local:slow", "-", "--timeout", "0.5", code=4)
        process = take_process()
        wait_until("the command is killed", lambda: ended(process))
        with socket.socket(socket.AF_UNIX) as requester:
            greet(requester, "slow")
            requester.sendall(request_frame(1))
            process = take_process()
            requester.sendall(struct.pack(">IB", 1, 20))  # a close, in order
            began = time.monotonic()
            wait_until("the command is killed", lambda: ended(process))
            assert time.monotonic() - began < 9, "as late as if the connection were lost"
        with Server(TOOL, "tap", "local:front", "local:slow") as tap, \
                subprocess.Popen([TOOL, "call", "local:front", "-"], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as call:
            try:
                process = take_process()
                equal(ended(process), False)
                tap.kill()
                said = call.communicate(timeout=PATIENCE)[1]
            finally:
                call.kill()
            equal((call.returncode, "lost" in said), (6, True))
            wait_until("the command is killed", lambda: ended(process))  # once its requester may not come back


def case_jobs():
    directory = pathlib.Path(ENVIRONMENT["XDG_RUNTIME_DIR"])
    (directory / "jobs").mkdir()
    command = f'cd {directory}/jobs; touch $$; while test -e ../jobs -a ! -e ../go; do sleep 0.02; done; ls | wc -l; sleep 0.1; rm $$'
    with Server(TOOL, "serve", "local:jobs", "--jobs", "2", "--exec", command):
        calls = [subprocess.Popen([TOOL, "call", "local:jobs", "-"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
                 for _ in range(4)]
        try:
            wait_until("all requests are there", lambda: sum(
                client["at_work"] for client in json.loads(tool("describe", "local:jobs", "--json"))["clients"]) == 4)
            wait_until("two commands run", lambda: len(list((directory / "jobs").iterdir())) == 2)
            (directory / "go").touch()
            at_a_time = [int(call.communicate(timeout=PATIENCE)[0]) for call in calls]
        finally:
            for call in calls:
                call.kill()
                call.wait()
                call.stdout.close()
        equal(max(at_a_time), 2)


def case_formats():
    with Server(TOOL, "serve", "local:packed", "--exec", "cat"):
        equal(tool("call", "local:packed", "-", '{"a": [1, 2.5, null]}', "--msgpack"), '{"a":[1,2.5,null]}\n')
        equal(tool("call", "local:packed", "-", '{"a": [1, 2.5, null]}', "--format", "cbor"), '{"a":[1,2.5,null]}\n')


def case_headers_and_keys():
    directory = pathlib.Path(ENVIRONMENT["XDG_RUNTIME_DIR"])
    (directory / "key").write_text("0123456789abcdef\n")
    (directory / "other").write_text("fedcba9876543210\n")
    with Server(TOOL, "serve", "local:keyed", "--exec", "cat", "--key-file", directory / "key"):
        equal(tool("call", "local:keyed", "-", "1", "--key-file", directory / "key", "--header", "a=b"), "1\n")
        tool("call", "local:keyed", "-", "1", "--key-file", directory / "other", code=5)
        tool("call", "local:keyed", "-", "1", code=5)
        tool("call", "local:keyed", "-", "1", "--header", "a", code=2)


def case_tls():
    if CERTIFICATES is None:
        return skipped("no TLS without OpenSSL")
    directory = pathlib.Path(ENVIRONMENT["XDG_RUNTIME_DIR"])
    subprocess.run([CERTIFICATES, directory], check=True, timeout=PATIENCE)
    address = f"tls:127.0.0.1:{free_port()}"
    trust = ("--ca-file", directory / "authority.pem")
    with Server(TOOL, "serve", address, "--exec", "cat", "--cert", directory / "peer.pem"):
        equal(tool("call", address, "-", "1", *trust, "--server-name", "localhost"), "1\n")
        equal(tool("call", address, "-", "1", "--insecure"), "1\n")
        tool("call", address, "-", "1", code=5)  # an authority that nobody trusts
        state = {"type": "TcpConnector", "host": "127.0.0.1", "port": int(address.rpartition(":")[2]), "ssl": True}
        equal(tool("call", json.dumps(state), "-", "1", *trust, "--server-name", "localhost"), "1\n")
        with Server(TOOL, "tap", "local:front", address, *trust, "--server-name", "localhost"):
            equal(tool("call", "local:front", "-", "[2]"), "[2]\n")


def case_own_certificate():
    """A server that wants to see a certificate of its clients."""
    if CERTIFICATES is None:
        return skipped("no TLS without OpenSSL")
    directory = pathlib.Path(ENVIRONMENT["XDG_RUNTIME_DIR"])
    subprocess.run([CERTIFICATES, directory], check=True, timeout=PATIENCE)
    ENVIRONMENT["COMMUNICA_CERTIFICATES"] = str(directory)
    port = free_port()
    state = json.dumps({"type": "TcpConnector", "host": "127.0.0.1", "port": port, "ssl": True})
    peer = HERE.parent / "interop/python_peer.py"
    pem = (directory / "peer.pem").read_text()
    key_at = pem.index("-----BEGIN PRIVATE KEY")
    (directory / "cert.pem").write_text(pem[:key_at])
    (directory / "key.pem").write_text(pem[key_at:])
    call = ("call", f"tls:127.0.0.1:{port}", "echo", '{"v": 1}', "--ca-file", directory / "authority.pem")
    with Server(sys.executable, peer, "server", "--connector", state, "--mode", "route", says="READY"):
        equal(tool(*call, "--cert", directory / "peer.pem"), "1\n")
        equal(tool(*call, "--cert", directory / "cert.pem", "--cert-key", directory / "key.pem"), "1\n")
        tool(*call, code=5)
        for files in (("--cert", directory / "cert.pem"), ("--cert", directory / "none.pem")):  # without its key, and none at all
            has(tool(*call, *files, code=2), f"can't use {files[1]}")


def case_bench():
    with Server(TOOL, "serve", "local:bench", "--lines", "--exec", "cat"):
        measured = json.loads(tool("bench", "local:bench", "--time", "0.2", "--depth", "4", "--size", "1KiB", "--raw", "--json"))
        equal([one["name"] for one in measured], ["communica", "raw Asio, local socket"])
        for one in measured:
            assert one["requests"] > 0 and 0 < one["p50"] <= one["p99"] <= one["max"] < 2, one
            equal(sum(count for _, count in one["histogram"]), one["requests"])
            equal(one["histogram"], sorted(one["histogram"]))
            assert one["cpu_seconds"] > 0, one
        assert measured[1]["p50"] < measured[0]["p50"], measured  # an echo alone, and one by a shell command's pipes
        has(tool("bench", "local:bench", "--time", "0.1"), "99.9 %")
        tool("bench", "local:bench", "--size", "1 pint", code=2)
    tool("bench", "local:nobody", code=3)
    address = f"tcp:127.0.0.1:{free_port()}"
    with Server(TOOL, "serve", address, "--lines", "--exec", "cat"):
        for size in ("1", "1MiB"):
            measured = json.loads(tool("bench", address, "--time", "0.1", "--depth", "4", "--size", size, "--raw", "--json"))
            equal(measured[1]["name"], "raw Asio, TCP")
            assert measured[1]["requests"] > 0, measured


def case_tap_and_replay():
    record = ENVIRONMENT["XDG_RUNTIME_DIR"] + "/calls.jsonl"
    with example("calculator_server", local("calculator")):
        with Server(TOOL, "tap", "local:front", "local:calculator") as tap:
            equal(tool("call", "local:front", "divide", OPERANDS), "0.5\n")
            tool("call", "local:front", "none", code=7)
            has(tool("describe", "local:front"), "divide(Operands)")  # the extensions are those of the server behind it
            shown = tap.read_until("> inspect")
            has(shown, f"> request      divide {OPERANDS}")
            assert re.search(r"< answer       after [0-9.]+ [um]s 0\.5\n", shown), shown
            has(shown, "< error ")
        with Server(TOOL, "tap", "local:front", "local:calculator", "--record", record):
            tool("call", "local:front", "divide", OPERANDS, "--repeat", "5")
            tool("notify", "local:front", "sum", OPERANDS)
        lines = [json.loads(line) for line in open(record)]
        equal(lines[0], {"communica_tap": 1})
        equal([line["body"] for line in lines if line.get("from") == "server"][:5], ["0.5"] * 5)
        said = json.loads(tool("replay", record, "local:calculator", "--speed", "0", "--json"))
        equal((said["requests"], said["answered"], said["notifications"]), (5, 5, 1))
        has(tool("replay", record, "local:calculator", "--speed", "100"), "5 requests, 5 answered")
        has(tool("replay", __file__, "local:calculator", code=2), "no recording")
    with example("stream_server", local("shop")), Server(TOOL, "tap", "local:front", "local:shop"):
        equal(tool("watch", "local:front", "countdown", "3"), "3\n2\n1\n")
    with Server(TOOL, "tap", "local:front", "local:nobody"):
        tool("call", "local:front", "sum", code=5)


def kilobytes_of(process, what="VmRSS"):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(what + r":\s*(\d+) kB", status)[1])


def case_memory_of_tap():
    """Megabytes go through it, and do not stay."""
    if not pathlib.Path("/proc/self/status").exists():
        return skipped("the memory of a process is read in /proc")
    with Server(TOOL, "serve", "local:cat", "--lines", "--exec", "cat"):
        with Server(TOOL, "tap", "local:front", "local:cat", "--record", "/dev/null") as tap:
            sizes = []
            for _ in range(2):  # 12 MiB each, there and back
                tool("call", "local:front", "-", '"' + "x" * (64 << 10) + '"', "--repeat", "100")
                sizes.append(kilobytes_of(tap.process))
            assert sizes[1] - sizes[0] < 3000, sizes


def case_tap_of_silent_reader():
    """Who reads nothing of what he asks for loses his connection, before it costs the tap much memory."""
    with Server(TOOL, "serve", "local:large", "--exec", "head -c 8000000 /dev/zero"), \
            Server(TOOL, "tap", "local:front", "local:large", "--width", "10") as tap, \
            socket.socket(socket.AF_UNIX) as silent:
        greet(silent, "front")
        for number in range(9):
            silent.sendall(request_frame(number))  # one after the other: the server refuses what would be too much for it at once
            tap.read_until("< answer ", number + 1)
        tap.read_until("the other side does not read: 64 MiB wait for it")
        if pathlib.Path("/proc/self/status").exists():
            most = kilobytes_of(tap.process, "VmHWM")
            assert 60_000 < most < 150_000, most
        tool("call", "local:front", "-", "1")


def case_contract():
    with example("calculator_server", local("calculator")):
        old = json.loads(tool("contract", "save", "local:calculator"))
    directory = pathlib.Path(ENVIRONMENT["XDG_RUNTIME_DIR"])

    def check(change, code):
        new = json.loads(json.dumps(old))
        change(new["routes"])
        (directory / "old.json").write_text(json.dumps(old))
        (directory / "new.json").write_text(json.dumps(new))
        return tool("contract", "check", directory / "old.json", directory / "new.json", code=code)

    def operands(routes):
        return routes["divide"]["argument"]["$defs"]["Operands"]

    equal(check(lambda routes: None, 0), "")
    integer = {"type": "integer", "minimum": -128, "maximum": 127}
    has(check(lambda routes: operands(routes)["properties"].update(left=integer), 12),
        "divide: argument /left: number -> integer in -128..127: old clients that send 0.5 are refused\n")
    equal(check(lambda routes: operands(routes)["properties"].update(note={"anyOf": [{"type": "string"}, {"type": "null"}]}), 0),
          "divide: argument /note: a new optional field: safe\n")
    has(check(lambda routes: routes["divide"].update(result=integer), 13), "divide: result: number -> integer in -128..127: "
        "new clients do not read 0.5 of old servers\n")
    has(check(lambda routes: routes.pop("sum"), 12), "sum: is gone: old clients that ask for it are refused\n")
    has(check(lambda routes: routes.update(more=routes["sum"]), 13), "more: a new route")
    has(tool("contract", "check", __file__, directory / "new.json", code=2), "no JSON")


# The values of each route of types.cpp: what fits, and what does not.
VALUES = {
    "bool": ([True, False], [1, None]),
    "int8": ([-128, 127], [128, -129, 0.5, "1"]),
    "uint64": ([0, 2**64 - 1], [-1, 2**64]),
    "float": ([0.5, -1], ["0.5", None]),
    "double": ([1e300, 7], ["7", True]),
    "string": (["", "\u00fc"], [7, None]),
    "bytes": (["", "AAEC"], [7, ["AAEC"]]),
    "four bytes": (["AAECAw=="], ["AAEC", "AAECAwQFBgc="]),
    "enum": (["red", "green"], ["blue", "", 0]),
    "optional": ([5, None], [200, "5"]),
    "duration": ([90, -1], [2**31, "90"]),
    "time": (["2026-01-02T03:04:05+00:00"], [5, None]),
    "vector": ([[], [1, -1]], [[1, 200], {"0": 1}]),
    "array": ([[True, False]], [[True], [True, False, True]]),
    "tuple": ([[1, "a"]], [[1], ["a", 1], [1, "a", 2]]),
    "two values": ([[1, "a"]], [[1], ["a", 1], 1]),
    "map": ([{}, {"a": True}], [{"a": 1}, [["a", True]]]),
    "map of numbers": ([[], [[1, True]]], [[[200, True]], [[1]]]),
    "variant": ([5, "a"], [200, None, [5]]),
    "tagged variant": ([{"kind": "circle", "r": 2.5}, {"kind": "square", "side": 2.5}],
                       [{"kind": "circle", "side": 2.5}, {"kind": "line", "r": 2.5}, {"r": 2.5}]),
    "model": ([{"name": "a", "colour": "red", "parts": [{"name": "b", "colour": "green", "weight": 255, "parts": []}]}],
              [{"name": "a"}, {"name": "a", "colour": "red", "more": 1}, {"name": "a", "colour": "red", "weight": 256},
               {"name": "a", "colour": "red", "parts": [{"name": "b"}]}]),
    "converter": ([8080], [65536, "8080"]),
}


def case_schemas():
    """A validator takes for each type what the server takes, and refuses what it refuses."""
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        return skipped("no validator of JSON Schema (Debian: python3-jsonschema)")
    with Server(PROGRAMS / "types", "types"):
        routes = {route["route"]: route for route in json.loads(tool("describe", "local:types", "--json"))["routes"]}
        equal(sorted(routes), sorted(VALUES))
        has(tool("describe", "local:types"), "two values([number: integer in -128..127, text: string]) -> [integer")
        has(tool("call", "local:types", "two values", '["a", 1]', code=9), "argument 1, number: expected integer")
        for name, (fitting, others) in VALUES.items():
            validators = []
            for schema in (routes[name]["argument"], routes[name]["result"]):
                Draft202012Validator.check_schema(schema)
                validators.append(Draft202012Validator(schema))
            for value in fitting:
                answer = json.loads(tool("call", "local:types", name, json.dumps(value)))
                equal((name, answer), (name, value))
                for validator in validators:
                    equal((name, list(validator.iter_errors(value))), (name, []))
            for value in others:
                tool("call", "local:types", name, json.dumps(value), code=9)
                equal((name, value, validators[0].is_valid(value)), (name, value, False))


def case_versions():
    """Two programs with different types talk to each other: they refuse what the comparison of their contracts says."""
    versions = PROGRAMS / "versions"
    directory = pathlib.Path(ENVIRONMENT["XDG_RUNTIME_DIR"])
    refused = {}
    with Server(versions, "old", "serve", "old"), Server(versions, "new", "serve", "new"):
        for name in ("old", "new"):
            (directory / f"{name}.json").write_text(tool("contract", "save", f"local:{name}"))
        for client, server in ("old", "new"), ("new", "old"):
            done = subprocess.run([versions, client, "ask", server], capture_output=True, text=True, timeout=PATIENCE, env=ENVIRONMENT)
            equal((done.returncode, done.stderr), (0, ""))
            for said in map(json.loads, done.stdout.splitlines()):
                for direction in ("put", "get"):
                    refused[client, f"{direction} {said['change']}"] = said[direction]
        # A tap hands the comparison at connect on, and adds nothing to it.
        with Server(TOOL, "tap", "local:front", "local:new"):
            for server in "new", "front":
                done = subprocess.run([versions, "old", "compare", server], capture_output=True, text=True, timeout=PATIENCE, env=ENVIRONMENT)
                has(done.stdout, "the contracts differ: hello: argument: number -> integer in -128..127: old clients that send 0.5 are refused")
    said = json.loads(tool("contract", "check", directory / "old.json", directory / "new.json", "--json", code=12))
    foretold = {(client, change["sentence"].partition(":")[0]) for client in ("old", "new") for change in said
                if change[f"breaks_{client}_clients"]}
    changes = sum(client == "old" and route.startswith("put") for client, route in refused)
    assert changes >= 60, changes
    wrong = [question for question, is_refused in refused.items() if is_refused != (question in foretold)]
    equal(wrong, [])
    breaking = sum(refused.values())
    assert 60 <= breaking <= len(refused) - 60, (breaking, len(refused))
    print(f"  {changes} changes: {breaking} of {len(refused)} combinations refuse values", flush=True)


def case_python_peer():
    port = free_port()
    state = json.dumps({"type": "TcpConnector", "host": "127.0.0.1", "port": port, "ssl": False})
    peer = HERE.parent / "interop/python_peer.py"
    with Server(sys.executable, peer, "server", "--connector", state, "--mode", "route", says="READY"):
        equal(tool("call", f"tcp:127.0.0.1:{port}", "echo", '{"v": [1, "x"]}'), '[1, "x"]\n')
        has(tool("call", f"tcp:127.0.0.1:{port}", "err", '{"kind": "resp", "message": "no", "code": 5}', code=8), "no (5)")
        tool("describe", f"tcp:127.0.0.1:{port}", code=11)
        has(tool("notify", f"tcp:127.0.0.1:{port}", "note", '{"v": 1}'), "does not say")
        with Server(TOOL, "tap", "local:front", f"tcp:127.0.0.1:{port}"):
            equal(tool("call", "local:front", "echo", '{"v": [1, "x"]}'), '[1, "x"]\n')
    with Server(sys.executable, peer, "server", "--connector", json.dumps(local("python")), "--mode", "route", says="READY"):
        equal(tool("call", "local:python", "echo", '{"v": 1}'), "1\n")
        has(tool("ls"), "python  alive")


def case_rabbitmq():
    """With brokers of its own: a test of its own, which names this case."""
    with subprocess.Popen([HERE.parent / "support/rabbitmq_broker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as broker:
        url = broker.stdout.readline().strip()
        address = f"{url}#shell"
        with Server(TOOL, "serve", address, "--exec", "cat"):
            equal(tool("call", address, "-", "[1]"), "[1]\n")
            equal(tool("call", json.dumps({"type": "RABBITMQ", "url": url, "address": "shell"}), "-", "[1]"), "[1]\n")
            has(tool("describe", address, code=7), "403")
            with Server(TOOL, "tap", "local:front", address):
                equal(tool("call", "local:front", "-", "[2]"), "[2]\n")
        broker.stdin.close()
    if CERTIFICATES is None:
        return skipped("no TLS without OpenSSL")
    directory = pathlib.Path(ENVIRONMENT["XDG_RUNTIME_DIR"])
    subprocess.run([CERTIFICATES, directory], check=True, timeout=PATIENCE)
    with subprocess.Popen([HERE.parent / "support/rabbitmq_broker", "--tls", directory / "peer.pem", directory / "peer.pem", directory / "authority.pem"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as broker:
        url = broker.stdout.readline().split()[1]
        trust = ("--ca-file", directory / "authority.pem", "--server-name", "localhost")
        with Server(TOOL, "serve", f"{url}#shell", "--exec", "cat", *trust):
            equal(tool("call", f"{url}#shell", "-", "[1]", "--insecure"), "[1]\n")
            equal(tool("call", f"{url}#shell", "-", "[1]", *trust), "[1]\n")
            tool("call", f"{url}#shell", "-", "[1]", code=5)  # an authority that nobody trusts
        broker.stdin.close()


def case_completion():
    script = HERE.parents[1] / "tools/communica/completion/communica.bash"

    def complete(line):
        command = f'source "{script}"; COMP_LINE="$1"; COMP_POINT=${{#1}}; COMP_WORDS=(x); COMP_CWORD=0; _communica; ' \
                  'printf "%s\\n" "${COMPREPLY[@]}"'
        environment = ENVIRONMENT | {"PATH": f"{TOOL.parent}:{ENVIRONMENT['PATH']}"}
        return subprocess.run(["bash", "-c", command, "bash", line], capture_output=True, text=True, timeout=PATIENCE,
                              check=True, env=environment).stdout.split()

    equal(complete("communica n"), ["notify"])
    has(complete("communica call --ti"), "--timeout")
    with example("calculator_server", local("calculator")):
        equal(complete("communica call local:calculator su"), ["sum", "summarize"])
        has(complete("communica describe lo"), "local:calculator")


def case_zsh_completion():
    if not shutil.which("zsh"):
        return skipped("zsh is not installed")
    place = HERE.parents[1] / "tools/communica/completion"
    environment = ENVIRONMENT | {"PATH": f"{TOOL.parent}:{ENVIRONMENT['PATH']}", "TERM": "vt100", "PS1": "> "}
    main, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    with example("calculator_server", local("calculator")), \
            subprocess.Popen(["zsh", "-f", "-i"], stdin=terminal, stdout=terminal, stderr=terminal, env=environment,
                             start_new_session=True) as shell:
        os.close(terminal)

        def says(keys, *words):
            os.write(main, keys.encode())
            said = ""
            deadline = time.monotonic() + PATIENCE
            while not all(word in said for word in words):
                assert time.monotonic() < deadline, f"{keys!r} gives {said!r}"
                if select.select([main], [], [], 0.1)[0]:
                    said += os.read(main, 65536).decode(errors="replace")
            return said

        try:
            says(f"fpath=({place} $fpath); autoload -U compinit; compinit -u -D; echo rea''dy\n", "ready")
            says("communica n\t", "communica notify")
            says("\x15communica describe loc\t", "describe local:calculator")
            says("\x15communica call local:calculator su\t", "call local:calculator sum")
            says("\t", "summarize")
            says("\x15communica call --ti\t", "--timeout")
        finally:
            shell.kill()
    os.close(main)


def case_manual():
    manual = (HERE.parents[1] / "tools/communica/communica.1").read_text().replace("\\-", "-")
    commands = (HERE.parents[1] / "tools/communica/commands.hpp").read_text()
    for code in re.findall(r"= (\d+),", commands[commands.index("enum Exit"):commands.index("struct Common")]):
        has(manual, f"\n{code}|")
    completions = [(HERE.parents[1] / "tools/communica/completion" / name).read_text() for name in ("communica.bash", "_communica")]
    for command in ("ls", "describe", "top", "call", "notify", "watch", "bench", "serve", "tap", "replay"):
        for option in re.findall(r"--[a-z-]+", tool(command, "--help")):
            for text in (manual, *completions):
                assert option == "--help" or option in text, f"{option} of {command} is not in {text[:40]!r}"


def transcripts(page):
    """The commands of a page of docs/, each with what it prints, by sections."""
    sections = [[]]
    for line in (HERE.parents[1] / "docs" / page).read_text().splitlines():
        if line.startswith("## "):
            sections.append([])
        elif line.startswith("    $ "):
            sections[-1].append((line[6:], []))
        elif sections[-1] and line.startswith("    "):
            sections[-1][-1][1].append(line[4:])
    return [section for section in sections if section]


def shell_of_page():
    directory = ENVIRONMENT["XDG_RUNTIME_DIR"] + "/work"
    os.mkdir(directory)
    path = f"{TOOL.parent}:{EXAMPLES}:{PROGRAMS}:{ENVIRONMENT['PATH']}"
    return {"cwd": directory, "env": ENVIRONMENT | {"PATH": path}}


def output_of(command, shell):
    return subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=PATIENCE, **shell).stdout


def end_all(processes):
    for process in processes:
        process.terminate()
        process.wait(PATIENCE)


def case_document():
    """The transcripts of docs/tool.md, run one after the other: what comes is what stands there, but for numbers and places."""
    shell = shell_of_page()
    behind = []
    try:
        for command, expected in sum(transcripts("tool.md"), []):
            if command.endswith(" &"):
                behind.append(subprocess.Popen(["bash", "-c", "exec " + command.removesuffix(" &")], **shell))
                wait_for_socket(command)
                continue
            if "grep" in command:  # what a tap writes when the client has gone
                output_of("timeout 20 bash -c 'until grep -q \"server is gone\" taps; do sleep 0.05; done'", shell)
            equal(shape_of(output_of(command, shell)), shape_of("".join(line + "\n" for line in expected)))
    finally:
        end_all(behind)


def case_slow_server():
    """The transcripts of docs/debugging.md, against a server that is slow indeed. What runs behind ends with its section."""
    shell = shell_of_page()
    servers = []
    try:
        for section in transcripts("debugging.md"):
            behind = []
            try:
                for command, expected in section:
                    if command.endswith(" &"):
                        started = subprocess.Popen(["bash", "-c", "exec " + command.removesuffix(" &")], **shell)
                        (behind if "bench" in command or "call" in command else servers).append(started)
                        continue
                    expected = shape_of("".join(line + "\n" for line in expected))
                    deadline = time.monotonic() + PATIENCE
                    while shape_of(said := output_of(command, shell)) != expected:  # until the servers and requests are there
                        assert time.monotonic() < deadline, f"{command} says {said!r}"
            finally:
                end_all(behind)
        said = {name: json.loads(tool("bench", "local:shop", route, "--depth", depth, "--time", "0.5", "--json"))[0]
                for name, route, depth in (("alone", "render", "1"), ("together", "render", "4"), ("stock", "stock", "1"),
                                           ("reports", "report", "4"))}
        assert said["alone"]["p50"] > 0.1 and said["together"]["p50"] > 3 * said["alone"]["p50"], said
        assert said["reports"]["p50"] < 2 * said["alone"]["p50"], said
        assert said["stock"]["p50"] < 0.02, said
        tool("call", "local:shop", "none", code=7)
        metrics = json.loads(tool("call", "local:shop", "metrics"))
        has(metrics, 'communica_failures_total{server="shop",route="none"')
        if not shutil.which("promtool"):
            return skipped("no promtool to check metrics (Debian: prometheus)")
        done = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True, timeout=PATIENCE)
        equal((done.returncode, done.stdout + done.stderr), (0, ""))
    finally:
        end_all(servers)


def wait_for_socket(command):
    """Of the server that the command starts, an example or the tool; without one there is nothing to wait for."""
    of_tool = re.search(r"(?:serve|tap) local:(\w+)", command)
    of_example = {"calculator_server": "calculator", "stream_server": "shop"}.get(command.split()[0])
    if not of_tool and not of_example:
        return
    name = of_tool[1] if of_tool else of_example
    socket = pathlib.Path(ENVIRONMENT["XDG_RUNTIME_DIR"]) / "communica" / f"{name}.sock"
    deadline = time.monotonic() + PATIENCE
    while not socket.exists():
        assert time.monotonic() < deadline, f"{name} does not listen"
        os.sched_yield()


def shape_of(text):
    """Without what differs from run to run: times, rates, ids, directories. Of the counters and limits there may be any."""
    text = re.sub(r"\ncounters\n.*\nlimits\n", "\ncounters\nlimits\n", text, flags=re.DOTALL)
    text = re.sub(r"\nlimits\n.*", "\nlimits\n", text, flags=re.DOTALL)
    text = re.sub(r"/\S+/(\w+\.sock)", r"\1", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "ID", text)
    text = re.sub(r"\d+(\.\d+)? (us|ms|s)\b", "TIME", text)
    text = re.sub(r"[\d.]+/s|\d\d:\d\d:\d\d\.\d+|(?<=pid )\d+|(?<=uid )\d+", "N", text)
    return re.sub(r"\n\n+", "\n", re.sub(r" +", " ", text))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", type=pathlib.Path, required=True)
    parser.add_argument("--examples", type=pathlib.Path, required=True)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--certificates", type=pathlib.Path)
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    TOOL, EXAMPLES, CERTIFICATES = options.tool.resolve(), options.examples.resolve(), options.certificates
    PROGRAMS = options.programs.resolve()
    failed, SKIPPED = [], []
    for name, case in [(name, case) for name, case in globals().items() if name.startswith("case_")]:
        if name.removeprefix("case_") not in options.cases if options.cases else name == "case_rabbitmq":
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as runtime:
            temporary = pathlib.Path(runtime) / "tmp"
            temporary.mkdir()
            ENVIRONMENT = os.environ | {"XDG_RUNTIME_DIR": runtime, "TMPDIR": str(temporary), "NO_COLOR": "1"}
            try:
                case()
                result = "ok"
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed.append(name)
                result = f"FAILED: {error}"
        print(f"{name:28} {time.monotonic() - began:6.2f} s  {result}", flush=True)
    print(f"{len(failed)} failed, {len(SKIPPED)} not tried, or in part")
    sys.exit(1 if failed else 0)

"""What a case works with: processes of the peers under test, and the driver's own ends of connections.

Every wait has a deadline. Whatever a case has opened is closed behind it, processes by their own id.
"""
import asyncio
import itertools
import json
import os
import random
import signal
import socket
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import python_peer
from interop_program import operations

PATIENCE = int(os.environ.get("INTEROP_PATIENCE", 1))
DEADLINE = 20 * PATIENCE  # seconds for any one event
_numbers = itertools.count(1)


def fresh(name):
    """A name that no one else has."""
    return f"{name}-{os.getpid()}-{next(_numbers)}"


async def within(awaitable, what, seconds=DEADLINE):
    try:
        return await asyncio.wait_for(awaitable, seconds)
    except asyncio.TimeoutError:
        raise AssertionError(f"waited {seconds} s in vain for {what}") from None


def equal(got, expected, what="the answer"):
    """Compares as JSON text, for which 1, 1.0 and true are three things; the order of keys does not count."""
    texts = [json.dumps(value, sort_keys=True, ensure_ascii=False) for value in (got, expected)]
    if texts[0] != texts[1]:
        shown = [text if len(text) < 300 else f"{text[:300]}... ({len(text)} characters)" for text in texts]
        raise AssertionError(f"{what} is {shown[0]}, not {shown[1]}")


@dataclass(frozen=True)
class Combination:
    server: str
    client: str
    transport: str
    mode: str

    def __str__(self):
        return f"{self.server + '-' + self.client:<16} {self.transport:<5} {self.mode:<6}"


class Process:
    """A peer under test, in a process of its own."""

    def __init__(self, process, name, log):
        self.process, self.name, self.log = process, name, log

    @classmethod
    async def start(cls, name, command, environment, log):
        with open(log, "wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *command, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE, stderr=stderr
            )
        return cls(process, name, log)

    async def ready(self):
        line = await within(self.process.stdout.readline(), f"READY of the {self.name}")
        if not line:
            raise AssertionError(f"the {self.name} ended with {await self.exit_code()} before it was ready")
        equal(line.decode().strip(), "READY", f"the first line of the {self.name}")
        return self

    def is_running(self):
        return self.process.returncode is None

    async def terminate(self):
        """Asks it to close in order; returns its exit code."""
        self.signal(signal.SIGTERM)
        return await self.exit_code()

    async def kill(self):
        self.signal(signal.SIGKILL)
        await self.exit_code()

    def signal(self, number):
        if self.is_running():
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self.process.pid, number)

    async def exit_code(self):
        return await within(self.process.wait(), f"the end of the {self.name}")

    def last_words(self):
        lines = Path(self.log).read_text(errors="replace").splitlines()
        return " | ".join(lines[-4:])


class Raw:
    """The driver's end of one connection, byte by byte."""

    def __init__(self, reader, writer, mode, client_id=None):
        self.reader, self.writer, self.mode, self.client_id, self.chunks = reader, writer, mode, client_id, []

    def send(self, data):
        self.writer.write(data)

    async def hello(self):
        text = await within(self.reader.readuntil(b"\x00"), "a hello")
        return json.loads(text[:-1])

    async def frame(self):
        """Returns (code, payload)."""
        code, payload = await within(python_peer.read_frame(self.reader), "a frame")
        return code, bytes(payload)

    async def message(self):
        """Returns (metadata, body as JSON) of the next message, whole or in chunks."""
        while True:
            if message := python_peer.unpack_message(self.chunks, *await self.frame()):
                return message[0], json.loads(message[1])

    async def end(self, when="now"):
        """Waits for the end of the stream; a close notify may come first, nothing else."""
        with suppress(ConnectionError):
            rest = await within(self.reader.read(), f"the end of the stream {when}")
            if rest not in (b"", python_peer.pack_frame(python_peer.CLOSE_NOTIFY)):
                raise AssertionError(f"before the end of the stream {when} came {rest!r}")

    def request(self, op, args, id="r", **metadata):
        """The frame of a request."""
        return self.packed(*self.parts(op, args, id, **metadata))

    def parts(self, op, args, id="r", **metadata):
        metadata = {"id": id, "type": 1, **metadata}
        if self.mode == "route":
            return {**metadata, "route": op}, python_peer.dumps(args)
        return metadata, python_peer.dumps({"op": op, **args})

    def packed(self, metadata, body):
        """One frame of a message."""
        (frame,) = python_peer.pack_message(metadata, body)
        return frame

    async def ask(self, op, args):
        """Sends a request, returns the answer."""
        self.send(self.request(op, args, id="ask"))
        metadata, answer = await self.message()
        equal((metadata["id"], metadata["type"]), ("ask", 11), "the metadata's id and type")
        return answer

    async def be_asked(self, op, args):
        """Makes the other side ask us back; returns the metadata and body of what it asks."""
        call = {"client_id": self.client_id, "do": op, "args": args}
        self.send(self.request("call", call, id="be_asked"))
        return await self.message()

    async def outcome(self):
        """What became of the request that `be_asked` made the other side send."""
        metadata, outcome = await self.message()
        equal((metadata["id"], metadata["type"]), ("be_asked", 11), "the metadata's id and type")
        return outcome

    def drop(self):
        """Ends the connection without a word."""
        self.writer.close()


class RawServer:
    """A listener of the driver's, to which a client under test connects."""

    def __init__(self, bench, state):
        self.bench, self.state, self.arrived = bench, state, asyncio.Queue()

    async def start(self):
        address = python_peer.StreamConnector(json.loads(self.state))
        arrive = lambda *stream: self.arrived.put_nowait(Raw(*stream, self.bench.mode))
        self.listener = await address.serve(arrive, **address.address)
        return self

    async def accept(self):
        raw = await within(self.arrived.get(), "a client's connection")
        self.bench.open.callback(raw.drop)
        return raw

    async def welcome(self):
        """Accepts the next client and shakes hands."""
        raw = await self.accept()
        raw.send(b'{"hello": "hello"}\x00')
        await raw.hello()
        return raw

    def close(self):
        self.listener.close()


class Pair:
    """A server and a client process, and the driver as the server's second client.

    The driver asks the server; what the server asks of the client and the client of the server, it makes
    them ask by the operation `call`."""

    def __init__(self, server, client, driver, client_id):
        self.server, self.client, self.driver, self.client_id = server, client, driver, client_id

    async def ask(self, op, args):
        return await within(self.driver.request(op, args), f"the server's answer to {op}")

    async def server_asks(self, op, args, client_id="", throw=False):
        """Makes the server ask the client process, or whom `client_id` names."""
        target = self.client_id if client_id == "" else client_id
        call = {"client_id": target, "do": op, "args": args, "throw": throw}
        return unwrap(await self.ask("call", call))

    async def client_asks(self, op, args, throw=False):
        """Makes the client process ask its server."""
        return unwrap(await self.server_asks("call", {"client_id": None, "do": op, "args": args, "throw": throw}))

    @property
    def directions(self):
        return self.server_asks, self.client_asks

    def is_usable(self):
        return self.server.is_running() and self.client.is_running() and self.driver.session.connection


def unwrap(outcome):
    if "error" in outcome:
        raise python_peer.PeerError(**outcome["error"])
    return outcome["ok"]


async def failure(awaitable):
    """Returns kind, code and message of the error in which a request must end."""
    try:
        answer = await awaitable
    except python_peer.PeerError as error:
        return [error.kind, error.code, error.message]
    raise AssertionError(f"it was answered: {answer!r}")


class Bench:
    """All of one combination. A case opens what it needs; a pair is kept for the cases after it."""

    def __init__(self, combination, commands, directory):
        self.combination, self.commands, self.directory = combination, commands, directory
        self.mode, self.transport = combination.mode, combination.transport
        self.open, self.kept, self.pairs = AsyncExitStack(), AsyncExitStack(), {}
        self.processes = []

    # Addresses

    def address(self):
        """The state of a connector to a place where nobody listens."""
        if self.transport in ("tcp", "tls"):
            tls = self.transport == "tls"
            return json.dumps({"type": "TcpConnector", "host": "127.0.0.1", "port": free_port(), "ssl": tls})
        return json.dumps({"type": "LocalConnector", "name": fresh("interop")})

    def socket_path(self, state):
        return Path(python_peer.StreamConnector(json.loads(state)).address["path"])

    # Processes under test

    async def process(self, role, state, *options, stack=None, max_chunk=None):
        name = getattr(self.combination, role)
        command = [*self.commands[name], role, "--connector", state, "--mode", self.mode, *options]
        environment = {"COMMUNICA_MAX_CHUNK": str(max_chunk)} if max_chunk else {}
        log = os.path.join(self.directory, fresh(role) + ".log")
        process = await Process.start(f"{role} ({name})", command, environment, log)
        self.processes.append(process)
        (stack or self.open).push_async_callback(process.kill)
        return process

    async def server(self, state, **how):
        return await (await self.process("server", state, **how)).ready()

    async def client(self, state, client_id="client", **how):
        return await (await self.process("client", state, "--client-id", client_id, **how)).ready()

    # The driver's ends

    async def driver(self, state, stack=None, max_chunk=None):
        """A client in this process, connected."""
        connector = python_peer.StreamConnector(json.loads(state))
        connector.max_chunk = max_chunk or connector.max_chunk
        driver = python_peer.Client(connector, self.mode, operations(lambda: driver, python_peer.PeerError), "driver")
        (stack or self.open).push_async_callback(driver.close)
        await within(driver.start(), "the driver's connection")
        return driver

    async def connect(self, state):
        """A raw connection to a server, before the handshake."""
        address = python_peer.StreamConnector(json.loads(state))
        raw = Raw(*await within(address.open(**address.address), "a connection"), self.mode)
        self.open.callback(raw.drop)
        return raw

    async def join(self, state, client_id=None):
        """A raw connection to a server, after the handshake."""
        raw = await self.connect(state)
        raw.client_id = client_id or fresh("raw")
        raw.send(python_peer.dumps({"client_id": raw.client_id}) + b"\x00")
        await raw.hello()
        return raw

    async def raw_server(self, state=None):
        """A listener of the driver's."""
        server = await RawServer(self, state or self.address()).start()
        self.open.callback(server.close)
        return server

    # What most cases begin with

    async def new_pair(self, state=None, client_id="client", stack=None, **how):
        state = state or self.address()
        server = await self.server(state, stack=stack, **how)
        client = await self.client(state, client_id, stack=stack, **how)
        driver = await self.driver(state, stack=stack, **how)
        pair = Pair(server, client, driver, client_id)
        pair.state = state
        await pair.server_asks("echo", {"v": None})
        return pair

    async def pair(self, max_chunk=None):
        """The pair that all cases share which leave it as they found it."""
        if max_chunk not in self.pairs or not self.pairs[max_chunk].is_usable():
            self.pairs[max_chunk] = await self.new_pair(stack=self.kept, max_chunk=max_chunk)
        return self.pairs[max_chunk]

    async def raw(self, role):
        """A raw connection to a peer in that role, after the handshake."""
        if role == "server":
            return await self.join((await self.pair()).state)
        listener = await self.raw_server()
        client = await self.process("client", listener.state, "--client-id", "client")
        raw = await listener.welcome()
        await client.ready()
        raw.listener = listener
        return raw

    # Ends

    def last_words(self):
        """What the processes of this case wrote last, for a case that has failed."""
        said = (f"{process.name}: {words}" for process in self.processes if (words := process.last_words()))
        return "\n    ".join(said) or "no process has written anything"

    async def close_case(self):
        await self.open.aclose()
        self.processes = [process for process in self.processes if process.is_running()]

    async def close(self):
        await self.open.aclose()
        await self.forget_pairs()

    async def forget_pairs(self):
        self.pairs.clear()
        await self.kept.aclose()


RESERVED = []


def free_port():
    """A port for a server of this program, and for nobody else as long as the program runs.

    It is outside the range from which the kernel takes ports for outgoing connections: a client that tries a port of that
    range while nobody listens may by chance connect to itself. A socket that is bound to it, and does not listen, keeps
    others away that look for one; a server, which asks for SO_REUSEADDR, may bind beside it."""
    while True:
        port = random.randrange(16384, 32768)
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", port))
        except OSError:
            holder.close()
            continue
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        RESERVED.append(holder)
        return port

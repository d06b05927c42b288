"""What a case works with: processes of the peers under test, and the driver's own ends of connections.

Every wait has a deadline. Whatever a case has opened is closed behind it, processes by their own id.
"""
import asyncio
import json
import os
import random
import signal
import socket
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import python_peer
from expect import EMULATOR, equal, fresh, within
from interop_program import named, operations
from raw import RawStream, RawStreamListener
from raw_rabbitmq import RawRabbit, RawRabbitListener


@dataclass(frozen=True)
class Combination:
    server: str
    client: str
    transport: str
    mode: str

    def __str__(self):
        return f"{self.server + '-' + self.client:<16} {self.transport:<8} {self.mode:<6}"


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
        rabbitmq = self.transport == "rabbitmq"
        self.raw_end, self.raw_listener = (RawRabbit, RawRabbitListener) if rabbitmq else (RawStream, RawStreamListener)
        self.open, self.kept, self.pairs = AsyncExitStack(), AsyncExitStack(), {}
        self.processes = []

    # Addresses

    def address(self):
        """The state of a connector to a place where nobody listens."""
        if self.transport in ("tcp", "tls"):
            tls = self.transport == "tls"
            return json.dumps({"type": "TcpConnector", "host": "127.0.0.1", "port": free_port(), "ssl": tls})
        if self.transport == "rabbitmq":
            state = {"type": "RABBITMQ", "url": os.environ["INTEROP_BROKER"], "address": fresh("interop")}
            return json.dumps({**state, "client_id": None, "exchange_name": None})
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
        connector = python_peer.connector(named(json.loads(state), "driver"))
        if max_chunk:
            connector.max_chunk = max_chunk
        driver = python_peer.Client(connector, self.mode, operations(lambda: driver, python_peer.PeerError), "driver")
        (stack or self.open).push_async_callback(driver.close)
        await within(driver.start(), "the driver's connection")
        return driver

    async def connect(self, state, client_id=None):
        """A raw connection to a server, before the handshake."""
        connecting = self.raw_end.connect(json.loads(state), self.mode, client_id or fresh("raw"))
        raw = await within(connecting, "a connection")
        self.open.push_async_callback(raw.leave)
        return raw

    async def join(self, state, client_id=None):
        """A raw connection to a server, after the handshake."""
        raw = await self.connect(state, client_id)
        await raw.shake_hands({"client_id": raw.client_id})
        raw.next_connection = lambda: self.join(state, raw.client_id)
        return raw

    async def raw_server(self, state=None):
        """A listener of the driver's."""
        listener = self.raw_listener(state or self.address(), self.mode, self.open.push_async_callback)
        await listener.start()
        self.open.callback(listener.close)
        return listener

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
    others away that look for one; a server, which asks for SO_REUSEADDR, may bind beside it. One of Windows asks for the
    port alone: there the socket goes."""
    while True:
        port = random.randrange(16384, 32768)
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", port))
        except OSError:
            holder.close()
            continue
        if EMULATOR:
            holder.close()
        else:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            RESERVED.append(holder)
        return port

#!/usr/bin/env python3
"""A communica peer in plain Python, and a tour of the protocol.

Written from the protocol's description alone, it shares no code with any other implementation, so that
it can judge them. Read it from the top: each section needs only those above it.
"""
import asyncio, certificates, json, os, random, struct, sys, tempfile, uuid
from contextlib import suppress

from rabbitmq_transport import RabbitConnector

# --- 1. Frames: a byte stream becomes (code, payload) ------------------------------------------------
# A frame is a length (of all that follows it), a code of one byte, and a payload. Integers are big-endian.
MESSAGE, CHUNK, CLOSE_NOTIFY = 10, 11, 20
U32 = struct.Struct("!I")
MAX_FRAME = 256 << 20  # our own limit; the format has none below 4 GiB


def pack_frame(code, *payload):
    payload = b"".join(payload)
    return U32.pack(1 + len(payload)) + bytes([code]) + payload


async def read_frame(reader):
    (length,) = U32.unpack(await reader.readexactly(U32.size))
    if not 1 <= length <= MAX_FRAME:
        raise ValueError(f"a frame of {length} bytes")
    frame = memoryview(await reader.readexactly(length))
    return frame[0], frame[1:]


# --- 2. Messages: metadata and a body, in one frame or in chunks -------------------------------------
# Metadata is a JSON object that always has a "type". A body is any bytes, here JSON as well.
CHUNK_HEADER = struct.Struct("!III")  # index, total, size of the metadata
MAX_CHUNK = 2**32 - 1 - 5


def dumps(value):
    return json.dumps(value, ensure_ascii=False).encode()


def pack_whole(head, body):
    return pack_frame(MESSAGE, U32.pack(U32.size + len(head)), head, body)  # this size counts itself


def pack_message(metadata, body, max_chunk=MAX_CHUNK):
    """Yields the frames of a message: one, or chunks where metadata and body exceed `max_chunk` bytes."""
    head = dumps(metadata)
    if len(head) + len(body) <= max_chunk:
        yield pack_whole(head, body)
        return
    room = max_chunk - CHUNK_HEADER.size
    first = max(room - len(head), 0)
    pieces = [body[:first], *(body[at : at + room] for at in range(first, len(body), room))]
    for index, piece in enumerate(pieces):
        yield pack_frame(CHUNK, CHUNK_HEADER.pack(index, len(pieces), len(head)), head, piece)
        head = b""  # only the first chunk carries the metadata


def cut(payload, start, end):
    if not start <= end <= len(payload):
        raise ValueError("metadata that does not fit its frame")
    return payload[start:end], payload[end:]


def unpack_message(chunks, code, payload):
    """Returns (metadata, body) where this frame completes a message, else None. `chunks` holds those of
    the message in work: one at a time, in order, but whole messages may come between them."""
    if code == MESSAGE:
        pieces = [cut(payload, U32.size, U32.unpack_from(payload)[0])]
    elif code == CHUNK:
        index, total, size = CHUNK_HEADER.unpack_from(payload)
        if index == 0 or chunks:  # else its message began before we listened
            chunks.append(cut(payload, CHUNK_HEADER.size, CHUNK_HEADER.size + size))
        if len(chunks) < total:
            return None
        pieces, chunks[:] = chunks[:], []
    else:
        raise ValueError("an unknown code")
    return json.loads(bytes(pieces[0][0])), b"".join(body for _, body in pieces)


# --- 3. Connection: the handshake, then messages -----------------------------------------------------
# The stream's end, or bytes that nobody can read: either costs the other side its connection, no more.
LOST = (EOFError, OSError, struct.error, ValueError, TypeError, LookupError, RecursionError)


class StreamConnection:
    """Messages over a byte stream. A connection of any other transport has these same five operations."""

    def __init__(self, reader, writer, max_chunk=MAX_CHUNK):
        self.reader, self.writer, self.max_chunk, self.chunks = reader, writer, max_chunk, []

    async def handshake(self, hello):
        """Both sides send their hello at once, ended by 00, then read the other's; there is no further word.
        Who refuses sends 04 and a JSON object with the reason, gets the same back, and closes."""
        try:
            self.writer.write(dumps(hello) + b"\x00")
            answer = await asyncio.wait_for(self.reader.readuntil(b"\x00"), timeout=10)
            return json.loads(answer[:-1])
        except (*LOST, asyncio.LimitOverrunError, asyncio.TimeoutError) as error:
            _, refusal, reason = getattr(error, "partial", b"").partition(b"\x04")
            self.writer.write(refusal + reason)
            await self.close(notify=False)
            raise ConnectionError(f"the handshake failed: {reason or error!r}") from None

    async def send(self, metadata, body):
        for frame in pack_message(metadata, body, self.max_chunk):
            self.writer.write(frame)
            await self.writer.drain()

    async def receive(self):
        """Returns the next (metadata, body), or None after a close notify."""
        while (frame := await read_frame(self.reader))[0] != CLOSE_NOTIFY:
            if message := unpack_message(self.chunks, *frame):
                return message

    async def close(self, notify=True):
        with suppress(OSError, asyncio.TimeoutError):
            self.writer.write(pack_frame(CLOSE_NOTIFY) if notify else b"")
            self.writer.close()
            await asyncio.wait_for(self.writer.wait_closed(), timeout=2)

    def drop(self):
        self.writer.close()


# --- 4. Connectors: where connections come from ------------------------------------------------------
class StreamConnector:
    """Made from its state, the JSON object that one process hands to another. `connect` gives a
    connection, `listen` calls `accept` with each that comes in: rabbitmq_transport.py does the same."""

    def __init__(self, state):
        self.max_chunk = int(os.environ.get("COMMUNICA_MAX_CHUNK", MAX_CHUNK))
        if state["type"] == "TcpConnector":
            self.open, self.serve = certificates.streams(with_tls=state["ssl"])
            self.address = {"host": state["host"], "port": state["port"]}
        else:
            self.open, self.serve = asyncio.open_unix_connection, asyncio.start_unix_server
            directory = os.path.join(tempfile.gettempdir(), "communica")
            os.makedirs(directory, mode=0o700, exist_ok=True)
            self.address = {"path": os.path.join(directory, state["name"].lower() + ".sock")}

    async def connect(self):
        return StreamConnection(*await self.open(**self.address), self.max_chunk)

    async def listen(self, accept):
        await self.serve(lambda *stream: accept(StreamConnection(*stream, self.max_chunk)), **self.address)


CONNECTORS = {"TcpConnector": StreamConnector, "LocalConnector": StreamConnector, "RABBITMQ": RabbitConnector}


def connector(state):
    return CONNECTORS[state["type"]](state)


# --- 5. Session: requests and answers, both ways -----------------------------------------------------
REQUEST, NOTIFICATION, OK = 1, 2, 11  # types below 11 ask, the others answer
TYPES = {"unknown": 30, "req": 41, "data": 42, "resp": 51}
KINDS = {type: kind for kind, type in TYPES.items()}


class PeerError(Exception):
    """A failure that crosses the wire: the fault of the requester (req) or the responder (resp), a body
    that does not load (data, the only kind without a code), or anything else that was raised (unknown)."""

    def __init__(self, kind, message, code=None):
        self.kind, self.message, self.code = kind, message, code


class Session:
    """What is left when a connection breaks: open requests, handlers at work, messages not yet written.
    Whoever comes back under the same client id finds them on the new connection. Nothing is sent twice."""

    def __init__(self, mode, ops):
        self.mode, self.ops, self.connection, self.writing = mode, ops, None, None
        self.unsent_queue, self.pending, self.handlers = asyncio.Queue(), {}, set()

    async def request(self, op, args, throw=False):
        metadata = {"id": "", "type": NOTIFICATION} if throw else {"id": uuid.uuid1().hex, "type": REQUEST}
        if self.mode == "route":
            metadata["route"] = op
        self.unsent_queue.put_nowait((metadata, dumps(args if self.mode == "route" else {"op": op, **args})))
        if throw:
            return None
        self.pending[metadata["id"]] = answer = asyncio.get_running_loop().create_future()
        try:
            type, body = await answer
        finally:
            del self.pending[metadata["id"]]
        data = json.loads(body)
        if type == OK:
            return data
        raise PeerError(KINDS.get(type, "unknown"), data["message"], data.get("code"))

    async def run(self, connection):
        """Serves one connection to its end. A newer one takes over from an older one."""
        if self.connection:
            self.writing.cancel()
            self.connection.drop()
        self.connection, self.writing = connection, asyncio.create_task(self.write(connection))
        try:
            while message := await connection.receive():
                self.dispatch(*message)
        finally:
            if self.connection is connection:
                self.writing.cancel()
                self.connection = None
            await connection.close(notify=False)  # a close notify is not answered

    async def write(self, connection):
        with suppress(OSError):
            while True:
                await connection.send(*await self.unsent_queue.get())

    def dispatch(self, metadata, body):
        if metadata["type"] >= OK:
            answer = self.pending.get(str(metadata.get("id")))
            if answer and not answer.done():  # else it answers a request of an earlier life
                answer.set_result((metadata["type"], body))
        elif self.mode == "simple" or "route" in metadata:
            handler = asyncio.create_task(self.answer(metadata, body))  # they run side by side
            self.handlers.add(handler)
            handler.add_done_callback(self.handlers.discard)

    async def answer(self, metadata, body):
        try:
            type, data = OK, await self.handle(metadata, body)
        except PeerError as error:
            code = {} if error.kind == "data" else {"code": error.code}
            type, data = TYPES[error.kind], {**code, "message": error.message}
        except Exception as error:
            type, data = TYPES["unknown"], {"code": None, "message": repr(error)}
        if metadata["type"] == REQUEST:
            self.unsent_queue.put_nowait(({**metadata, "type": type}, dumps(data)))  # the rest is echoed

    async def handle(self, metadata, body):
        if self.mode == "route" and metadata["route"] not in self.ops:
            raise PeerError("req", f'Route "{metadata["route"]}" is not defined')
        try:
            args = json.loads(body)
        except ValueError as error:
            raise PeerError("data", repr(error)) from None
        op = metadata["route"] if self.mode == "route" else args["op"]
        if op not in self.ops:
            raise PeerError("req", f'Unknown op "{op}"', 400)
        return await self.ops[op](args)

    async def close(self):
        if self.connection:
            await self.connection.close()


# --- 6. Entities: the client and the server ----------------------------------------------------------
class Client:
    def __init__(self, connector, mode, ops, client_id):
        self.connector, self.client_id, self.session = connector, client_id, Session(mode, ops)
        self.connected = asyncio.Event()

    async def start(self):
        self.keeper = asyncio.create_task(self.keep_connected())
        await self.connected.wait()

    async def keep_connected(self):
        while True:
            with suppress(*LOST):
                connection = await self.connector.connect()
                await connection.handshake({"client_id": self.client_id})
                self.connected.set()
                await self.session.run(connection)
            await asyncio.sleep(random.uniform(0.1, 0.3))

    async def request(self, op, args, client_id=None, throw=False):
        return await self.session.request(op, args, throw)

    async def close(self):
        self.keeper.cancel()
        await self.session.close()


class Server:
    def __init__(self, connector, mode, ops):
        self.connector, self.new_session = connector, lambda: Session(mode, ops)
        self.sessions = {}

    async def start(self):
        self.next_client = asyncio.get_running_loop().create_future()
        await self.connector.listen(self.accept)

    async def accept(self, connection):
        with suppress(*LOST):
            client_id = (await connection.handshake({"hello": "hello"}))["client_id"]
            serving = self.session(client_id).run(connection)
            self.next_client.set_result(client_id)
            self.next_client = asyncio.get_running_loop().create_future()
            return await serving
        await connection.close(notify=False)

    def session(self, client_id):
        return self.sessions.setdefault(client_id, self.new_session())

    async def request(self, op, args, client_id=None, throw=False):
        """Asks the client of that id as soon as it is there, or without an id any client."""
        if client_id is None:
            connected = [id for id, session in self.sessions.items() if session.connection]
            client_id = random.choice(connected) if connected else await asyncio.shield(self.next_client)
        return await self.session(client_id).request(op, args, throw)

    async def close(self):
        await asyncio.gather(*(session.close() for session in self.sessions.values()))


if __name__ == "__main__":
    from interop_program import main
    main(Server, Client, PeerError, CONNECTORS)

"""The driver's own end of a connection, on which a case says and hears every word itself."""
import asyncio
import json
from contextlib import suppress

import python_peer
from expect import equal, within


class Raw:
    """What is the same over every transport. A transport adds

    send(*messages)         sends what `packed` and `packed_text` made, one after the other, without waiting
    packed_text(head, body) a message with metadata of this very text
    hello(), message()      wait for the other side's hello; for (metadata, body as JSON) of its next message
    shake_hands(hello)      sends it, and waits for whatever makes a connection of it
    drop()                  ends the connection without a word
    leave()                 ends it as its transport wants, if it is not ended yet

    `next_connection` is what waits for the other side again, when this one has ended.
    """

    def __init__(self, mode, client_id=None):
        self.mode, self.client_id = mode, client_id

    def parts(self, op, args, id="r", **metadata):
        metadata = {"id": id, "type": 1, **metadata}
        if self.mode == "route":
            return {**metadata, "route": op}, python_peer.dumps(args)
        return metadata, python_peer.dumps({"op": op, **args})

    def packed(self, metadata, body):
        return self.packed_text(python_peer.dumps(metadata), body)

    def request(self, op, args, id="r", **metadata):
        """A packed request."""
        return self.packed(*self.parts(op, args, id, **metadata))

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


class RawStream(Raw):
    """Over a byte stream: frame by frame, or byte by byte."""

    def __init__(self, reader, writer, mode, client_id=None):
        super().__init__(mode, client_id)
        self.reader, self.writer, self.chunks = reader, writer, []

    @classmethod
    async def connect(cls, state, mode, client_id):
        address = python_peer.StreamConnector(state)
        return cls(*await address.open(**address.address), mode, client_id)

    def send(self, *data):
        self.writer.write(b"".join(data))

    def packed_text(self, head, body):
        return python_peer.pack_whole(head, body)

    async def hello(self):
        text = await within(self.reader.readuntil(b"\x00"), "a hello")
        return json.loads(text[:-1])

    async def shake_hands(self, hello):
        self.send(python_peer.dumps(hello) + b"\x00")
        return await self.hello()

    async def frame(self):
        """Returns (code, payload)."""
        code, payload = await within(python_peer.read_frame(self.reader), "a frame")
        return code, bytes(payload)

    async def message(self):
        while True:
            if message := python_peer.unpack_message(self.chunks, *await self.frame()):
                return message[0], json.loads(message[1])

    async def end(self, when="now"):
        """Waits for the end of the stream; a close notify may come first, nothing else."""
        with suppress(ConnectionError):
            rest = await within(self.reader.read(), f"the end of the stream {when}")
            if rest not in (b"", python_peer.pack_frame(python_peer.CLOSE_NOTIFY)):
                raise AssertionError(f"before the end of the stream {when} came {rest!r}")

    def drop(self):
        self.writer.close()

    async def leave(self):
        self.drop()


class RawListener:
    """The driver's place, to which clients under test connect. A transport adds `start`, which puts what connects
    into `arrived`, and `close`."""

    def __init__(self, state, mode, keep):
        """`keep` is given what is to be awaited in the end."""
        self.state, self.mode, self.keep, self.arrived = state, mode, keep, asyncio.Queue()

    async def accept(self):
        raw = await within(self.arrived.get(), "a client's connection")
        self.keep(raw.leave)
        return raw

    async def welcome(self):
        """Accepts the next client and shakes hands."""
        raw = await self.accept()
        await raw.shake_hands({"hello": "hello"})
        raw.next_connection = self.welcome
        return raw


class RawStreamListener(RawListener):
    async def start(self):
        address = python_peer.StreamConnector(json.loads(self.state))
        arrive = lambda *stream: self.arrived.put_nowait(RawStream(*stream, self.mode))
        self.listener = await address.serve(arrive, **address.address)

    def close(self):
        self.listener.close()

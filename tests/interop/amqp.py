"""As much of AMQP 0-9-1 as the peer in Python and the cases need, on the frames of pamqp (Debian: python3-pamqp).

Whatever ends a connection or a channel, every call on it that waits, and every later one, ends in a ConnectionError
that says why. What had been delivered before can still be taken.
"""
import asyncio
import struct
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

try:
    from pamqp import commands, frame
    from pamqp.body import ContentBody
    from pamqp.header import ContentHeader, ProtocolHeader
    from pamqp.heartbeat import Heartbeat
except ModuleNotFoundError as error:  # one can speak of it, but not speak it
    MISSING = error
else:
    MISSING = None

FRAME_HEADER = struct.Struct("!BHI")  # type, channel, size
FRAME_OVERHEAD = FRAME_HEADER.size + 1  # each frame ends in a byte of its own
MAX_FRAME = 131072  # what RabbitMQ proposes
MAX_MESSAGE = 128 << 20


class Mailbox(asyncio.Queue):
    """A queue with an end: once it is failed, what is in it still comes out, then the error, again and again."""

    def fail(self, error):
        self.put_nowait(error)

    async def take(self):
        item = await self.get()
        if isinstance(item, Exception):
            self.put_nowait(item)
            raise ConnectionError(*item.args)
        return item


@dataclass(frozen=True)
class Delivery:
    tag: int
    type: str
    reply_to: str
    body: bytes


class Channel:
    """One channel, of which at most one queue is consumed."""

    def __init__(self, connection, number):
        self.connection, self.number, self.calling = connection, number, asyncio.Lock()
        self.answers, self.deliveries = Mailbox(), Mailbox()
        self.arriving, self.pieces, self.missing = None, [], 0

    # What one asks of the broker

    async def call(self, method):
        async with self.calling:
            await self.connection.write(self.number, method)
            answer = await self.answers.take()
        if answer.name not in method.valid_responses:
            raise ConnectionError(f"{answer.name} is no answer to {method.name}")
        return answer

    async def declare_exchange(self, name):
        await self.call(commands.Exchange.Declare(exchange=name, exchange_type="direct", durable=True))

    async def look_for_exchange(self, name):
        """Costs the channel if it is not there."""
        await self.call(commands.Exchange.Declare(exchange=name, passive=True))

    async def declare_queue(self, exchange, name="", exclusive=False):
        """Durable, or for this connection alone and as long as it is consumed. It is bound by its own name, which for
        an empty one is the broker's choice. Returns the name."""
        declare = commands.Queue.Declare(
            queue=name, durable=not exclusive, exclusive=exclusive, auto_delete=exclusive
        )
        name = (await self.call(declare)).queue
        await self.call(commands.Queue.Bind(queue=name, exchange=exchange, routing_key=name))
        return name

    async def look_at(self, queue):
        """Gives `message_count`, of those that wait, and `consumer_count`. A queue that is not there costs the channel."""
        return await self.call(commands.Queue.Declare(queue=queue, passive=True))

    async def consume(self, queue, no_ack=False):
        await self.call(commands.Basic.Consume(queue=queue, no_ack=no_ack))

    async def take(self):
        """The next message of the queue that is consumed."""
        return await self.deliveries.take()

    def ack(self, delivery):
        self.connection.send(self.number, commands.Basic.Ack(delivery_tag=delivery.tag))

    async def publish(self, *what, **how):
        self.post(*what, **how)
        await self.connection.writer.drain()

    def post(self, exchange, key, type, body=b"", reply_to=None):
        room = MAX_FRAME - FRAME_OVERHEAD
        pieces = (ContentBody(body[at : at + room]) for at in range(0, len(body), room))
        properties = commands.Basic.Properties(message_type=type, reply_to=reply_to)
        head = ContentHeader(body_size=len(body), properties=properties)
        self.connection.send(self.number, commands.Basic.Publish(exchange=exchange, routing_key=key), head, *pieces)

    def hush(self):
        """Nothing more is taken: what was delivered and not acknowledged goes back into its queue, for others."""
        while not self.deliveries.empty():
            self.deliveries.get_nowait()
        self.deliveries.fail(ConnectionError("the channel was closed here"))

    async def close(self):
        self.hush()
        with suppress(ConnectionError):
            await self.call(commands.Channel.Close(reply_code=200, class_id=0, method_id=0))
        self.end(ConnectionError("the channel was closed here"))

    # What the broker sends

    def end(self, error):
        self.connection.channels.pop(self.number, None)
        self.answers.fail(error)
        self.deliveries.fail(error)

    def on_frame(self, received):
        if isinstance(received, commands.Basic.Deliver):
            self.arriving = received
        elif isinstance(received, ContentHeader):
            self.head, self.pieces, self.missing = received, [], received.body_size
            if self.missing > MAX_MESSAGE:
                raise ValueError(f"a message of {self.missing} bytes")
            self.complete()
        elif isinstance(received, ContentBody):
            self.pieces.append(received.value)
            self.missing -= len(received.value)
            self.complete()
        elif isinstance(received, commands.Channel.Close):
            self.connection.send(self.number, commands.Channel.CloseOk())
            self.end(ConnectionError(f"the broker closed the channel: {received.reply_text}"))
        elif isinstance(received, commands.Basic.Cancel):
            self.deliveries.fail(ConnectionError("the queue was deleted"))
        else:
            self.answers.put_nowait(received)

    def complete(self):
        if self.missing == 0:
            properties = self.head.properties
            self.deliveries.put_nowait(
                Delivery(
                    self.arriving.delivery_tag, properties.message_type, properties.reply_to, b"".join(self.pieces)
                )
            )


class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer, self.channels, self.last_channel = reader, writer, {}, 0
        self.ended = None  # by which error

    async def channel(self):
        self.last_channel += 1
        channel = self.channels[self.last_channel] = Channel(self, self.last_channel)
        if self.ended:
            channel.end(self.ended)
        await channel.call(commands.Channel.Open())
        return channel

    def send(self, channel, *frames):
        if self.ended:
            raise ConnectionError(*self.ended.args)
        if channel and channel not in self.channels:
            raise ConnectionError("the channel is closed")
        self.writer.write(b"".join(frame.marshal(each, channel) for each in frames))

    async def write(self, channel, *frames):
        self.send(channel, *frames)
        await self.writer.drain()

    async def read_frame(self):
        head = await self.reader.readexactly(FRAME_HEADER.size)
        _, _, size = FRAME_HEADER.unpack(head)
        if size > MAX_FRAME:
            raise ValueError(f"a frame of {size} bytes")
        _, channel, received = frame.unmarshal(head + await self.reader.readexactly(size + 1))
        return channel, received

    async def open(self, user, password, virtual_host):
        """The broker speaks first, and every word of it has its one place."""
        self.writer.write(ProtocolHeader(0, 9, 1).marshal())
        await self.read_frame()  # Start
        wishes = {"capabilities": {"consumer_cancel_notify": True}}
        self.send(0, commands.Connection.StartOk(wishes, "PLAIN", f"\0{user}\0{password}", "en_US"))
        tune = (await self.read_frame())[1]
        if not isinstance(tune, commands.Connection.Tune):
            raise ConnectionError(f"the broker refused: {getattr(tune, 'reply_text', tune)}")
        self.send(0, commands.Connection.TuneOk(tune.channel_max, MAX_FRAME, heartbeat=0))
        self.send(0, commands.Connection.Open(virtual_host=virtual_host))
        opened = (await self.read_frame())[1]
        if not isinstance(opened, commands.Connection.OpenOk):
            raise ConnectionError(f"the broker refused: {getattr(opened, 'reply_text', opened)}")
        self.reading = asyncio.create_task(self.read())

    async def read(self):
        try:
            while True:
                number, received = await self.read_frame()
                if isinstance(received, commands.Connection.Close):
                    self.send(0, commands.Connection.CloseOk())
                    raise ConnectionError(f"the broker closed the connection: {received.reply_text}")
                if isinstance(received, commands.Connection.CloseOk):
                    raise ConnectionError("the connection was closed here")
                channel = self.channels.get(number)
                if channel and not isinstance(received, Heartbeat):
                    channel.on_frame(received)
        except Exception as error:  # whatever it is, no one must go on waiting
            self.end(ConnectionError(f"the connection to the broker ended: {error!r}"))

    def end(self, error):
        self.ended = self.ended or error
        for channel in list(self.channels.values()):
            channel.end(self.ended)
        self.writer.close()

    async def close(self):
        """In order: the broker has all that was published."""
        with suppress(OSError, asyncio.TimeoutError):
            self.send(0, commands.Connection.Close(200, "done", 0, 0))
            await asyncio.wait_for(asyncio.shield(self.reading), timeout=2)
        self.drop()

    def drop(self):
        """Without a word."""
        if hasattr(self, "reading"):
            self.reading.cancel()
        self.end(ConnectionError("the connection was dropped here"))


async def connect(url):
    """To the broker at amqp://user:password@host:port/virtual-host."""
    if MISSING:
        raise MISSING
    parts = urlsplit(url)
    connection = Connection(*await asyncio.open_connection(parts.hostname, parts.port or 5672))
    try:
        user, password = (unquote(text or "guest") for text in (parts.username, parts.password))
        await asyncio.wait_for(connection.open(user, password, unquote(parts.path[1:]) or "/"), timeout=10)
    except BaseException as error:
        connection.drop()
        if isinstance(error, asyncio.TimeoutError):
            raise ConnectionError("the broker does not answer") from None
        raise
    return connection

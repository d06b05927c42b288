"""Connections of the peer in Python over RabbitMQ, written from the protocol's description as python_peer.py is.

The two sides never meet: each publishes to the other's queues, through one exchange, and what a message is stands in
its property `type`. A client has two lasting queues, by its name; for the handshake each side makes one of its own.
"""
import asyncio
import json
import os
from contextlib import suppress

import amqp

# The types of messages. A connection is asked for and given ...
CONNECT, CONNECT_OK = "communica_client_connect", "communica_client_connect_ok"
# ... then agreed upon: a hello of each side and the server's connect id, or the reason why not ...
HELLO, AGREED, REFUSED = "communica_handshake_next", "communica_handshake_done", "communica_handshake_fail"
# ... and used. A server with nothing to say says that it is listening. `close` has the connect id of what it ends.
MESSAGE, LISTENING, CLOSE = "message", "listening", "close"

HANDSHAKE_TIMEOUT = 10
MAX_NAME = 224  # of the address and the client's name


class Refused(ConnectionError):
    """By the other side; with what it said."""


class RabbitConnection:
    """One side of a connection. `inbox` is a channel that consumes this side's queue for the handshake, `their_inbox`
    the name of the other's; `client` is the name by which the lasting queues are found."""

    def __init__(self, connector, broker, inbox, their_inbox, client):
        self.connector, self.broker, self.inbox = connector, broker, inbox
        self.their_inbox, self.client = their_inbox, client
        self.connect_id, self.in_hand, self.clock = None, None, asyncio.get_running_loop().time

    async def handshake(self, hello):
        """Both sides send their hello at once, then read the other's. The server then makes the lasting queues and
        tells the connect id. Who refuses says why, and hears the same back."""
        try:
            return await asyncio.wait_for(self.shake_hands(hello), HANDSHAKE_TIMEOUT)
        except (OSError, ValueError, TypeError, asyncio.TimeoutError) as error:
            ours = json.dumps({"reason": repr(error)}).encode()
            with suppress(ConnectionError):
                await self.tell(REFUSED, error.args[0] if isinstance(error, Refused) else ours)
            await self.close()
            raise ConnectionError(f"the handshake failed: {error!r}") from None

    async def shake_hands(self, hello):
        await self.tell(HELLO, json.dumps(hello, ensure_ascii=False).encode())
        theirs = json.loads(await self.hear(HELLO))
        await self.agree()
        return theirs

    async def tell(self, type, body):
        """A word of the handshake."""
        await self.inbox.publish(self.connector.exchange, self.their_inbox, type, body)

    async def hear(self, type):
        said = await self.inbox.take()
        if said.type == REFUSED:
            raise Refused(said.body)
        if said.type != type:
            raise ConnectionError(f"instead of {type} came {said.type}: {said.body}")
        return said.body

    async def begin(self, channel, connect_id, takes, sends):
        self.channel, self.connect_id, self.takes, self.sends = channel, connect_id, takes, sends
        self.said_at = self.clock()
        await channel.consume(takes)

    async def say(self, type, body=b""):
        self.said_at = self.clock()
        await self.channel.publish(self.connector.exchange, self.sends, type, body)

    async def send(self, metadata, body):
        await self.say(MESSAGE, json.dumps(metadata, ensure_ascii=False).encode() + b"\x00" + body)

    async def take(self):
        """The next message of any type. It is acknowledged when it has been dealt with, so when the next is taken."""
        self.settle()
        self.in_hand = await self.channel.take()
        return self.in_hand

    def settle(self):
        if self.in_hand:
            self.channel.ack(self.in_hand)
            self.in_hand = None

    async def receive(self):
        """Returns the next (metadata, body), or None after a `close`."""
        while True:
            taken = await self.take()
            if taken.type == CLOSE and taken.body == self.connect_id:  # others are of an earlier connection
                self.settle()
                self.connect_id = None
                return None
            if taken.type == MESSAGE:
                head, separator, body = taken.body.partition(b"\x00")
                if not separator:
                    raise ValueError("a message without an end of its metadata")
                return json.loads(head), body
            if taken.type not in (CLOSE, LISTENING):
                raise ValueError(f"a message of type {taken.type}")

    async def close(self, notify=True):
        """There is no end of the stream here: who leaves always says so, unless the other side has."""
        if connect_id := self.connect_id:
            self.connect_id = None
            with suppress(ConnectionError):
                self.settle()  # also what could not be read: it would only come again
                await self.say(CLOSE, connect_id)
        await self.leave()


class ClientConnection(RabbitConnection):
    """The client has a connection to the broker for each of its own."""

    async def agree(self):
        connect_id = await self.hear(AGREED)
        await self.inbox.close()
        to_client, to_server = self.connector.queues(self.client)
        await self.begin(await self.broker.channel(), connect_id, takes=to_client, sends=to_server)

    async def take(self):
        """Who has not heard of the server for one and a half periods takes it to be gone."""
        silence = 1.5 * self.connector.check_period
        try:
            return await asyncio.wait_for(super().take(), silence)
        except asyncio.TimeoutError:
            raise ConnectionError(f"nothing was heard for {silence} s") from None

    async def leave(self):
        await self.broker.close()

    def drop(self):
        self.broker.drop()


class ServerConnection(RabbitConnection):
    """All those of a server share its connection to the broker."""

    async def agree(self):
        channel = await self.broker.channel()
        names = self.connector.queues(self.client)
        for name in names:
            await channel.declare_queue(self.connector.exchange, name)
        connect_id = self.new_connect_id()
        await self.tell(AGREED, connect_id)
        await self.inbox.close()
        to_client, to_server = names
        await self.begin(channel, connect_id, takes=to_server, sends=to_client)
        self.keeping_alive = asyncio.create_task(self.keep_alive())

    def new_connect_id(self):
        return os.urandom(16)

    async def keep_alive(self):
        with suppress(ConnectionError):
            while True:
                quiet = self.clock() - self.said_at
                if quiet >= self.connector.check_period:
                    await self.say(LISTENING)
                else:
                    await asyncio.sleep(self.connector.check_period - quiet)

    async def leave(self):
        if keeping_alive := getattr(self, "keeping_alive", None):
            keeping_alive.cancel()
            await self.channel.close()
        else:
            await self.inbox.close()

    def drop(self):
        """Another connection consumes the same queue from now on: what has not been taken is for that one."""
        if self.connect_id:
            self.connect_id = None
            with suppress(ConnectionError):
                self.settle()
            self.channel.hush()
        self.leaving = asyncio.create_task(self.leave())


class RabbitConnector:
    """Made from {"type": "RABBITMQ", "url", "address", "client_id", "exchange_name"}; the last two may be null."""

    def __init__(self, state):
        self.url, self.address, self.client = state["url"], state["address"], state.get("client_id")
        self.exchange = state.get("exchange_name") or "communica"
        self.check_period = float(os.environ.get("COMMUNICA_RMQ_CHECK_PERIOD", 20))  # seconds
        self.door = f"communica.{self.address}.connect.server"

    def queues(self, client):
        return f"communica.{self.address}.toClient.{client}", f"communica.{self.address}.toServer.{client}"

    async def open_inbox(self, broker):
        """A channel that consumes a queue of this connection to the broker alone, and the queue's name."""
        channel = await broker.channel()
        name = await channel.declare_queue(self.exchange, exclusive=True)
        await channel.consume(name, no_ack=True)
        return channel, name

    async def connect(self):
        """Waits for a server as long as there is none: the request is kept in the door's queue. So that it is also
        kept before there was ever a server, the client makes that queue, too."""
        broker = await amqp.connect(self.url)
        try:
            await self.make_door(await broker.channel())
            inbox, name = await self.open_inbox(broker)
            await inbox.publish(self.exchange, self.door, CONNECT, json.dumps(self.client).encode(), reply_to=name)
            answer = await inbox.take()
            if answer.type != CONNECT_OK or not answer.reply_to:
                raise ConnectionError(f"the request to connect was answered by {answer}")
            return ClientConnection(self, broker, inbox, answer.reply_to, self.client)
        except BaseException:
            broker.drop()
            raise

    async def listen(self, accept):
        await self.open_door()
        self.serving = asyncio.create_task(self.serve(accept))

    async def open_door(self):
        self.broker = await amqp.connect(self.url)
        self.requests = await self.broker.channel()
        await self.make_door(self.requests)
        await self.requests.consume(self.door)

    async def make_door(self, channel):
        await channel.declare_exchange(self.exchange)
        await channel.declare_queue(self.exchange, self.door)

    async def serve(self, accept):
        arriving = set()
        while True:
            with suppress(OSError, asyncio.TimeoutError):
                if self.broker.ended:
                    await self.open_door()
                while True:
                    arrival = asyncio.create_task(self.answer(await self.requests.take(), accept))
                    arriving.add(arrival)
                    arrival.add_done_callback(arriving.discard)
            await asyncio.sleep(1)  # the broker was lost

    async def answer(self, request, accept):
        """Each in a task of its own: who does not go on with the handshake keeps nobody waiting."""
        with suppress(ConnectionError):
            if connection := await self.welcome(request):
                await accept(connection)

    async def welcome(self, request):
        """Answers a request to connect, or drops it if it cannot be one."""
        client = self.read_request(request)
        if client is None:
            self.requests.ack(request)
            return None
        inbox, name = await self.open_inbox(self.broker)
        await inbox.publish(self.exchange, request.reply_to, CONNECT_OK, reply_to=name)
        self.requests.ack(request)
        return ServerConnection(self, self.broker, inbox, request.reply_to, client)

    def read_request(self, request):
        """Returns the name of the client, or None."""
        try:
            client = json.loads(request.body)
        except (ValueError, RecursionError):
            return None
        fits = isinstance(client, str) and len((self.address + client).encode()) <= MAX_NAME
        return client if fits and request.type == CONNECT and request.reply_to else None

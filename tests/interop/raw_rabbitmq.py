"""The driver's own end of a connection over RabbitMQ."""
import asyncio
import json

import rabbitmq_transport as transport
from expect import DEADLINE, equal, within
from raw import Raw, RawListener


async def until(question, is_so, what):
    """Asks the broker again and again; each question takes as long as the broker does."""

    async def ask():
        while not is_so(await question()):
            pass

    await within(ask(), what)


def _nobody(queue):
    return queue.consumer_count == 0


class RawRabbit(Raw):
    """Its handshake is that of the peer in Python; from there on every message is a case's own."""

    def __init__(self, connection, mode, client_id=None):
        super().__init__(mode, client_id)
        self.connection = connection

    @classmethod
    async def connect(cls, state, mode, client_id):
        connector = transport.RabbitConnector({**state, "client_id": client_id})
        return cls(await connector.connect(), mode, client_id)

    # The handshake

    async def hello(self):
        return json.loads(await within(self.connection.hear(transport.HELLO), "a hello"))

    async def shake_hands(self, hello):
        return await within(self.connection.handshake(hello), "the handshake")

    # Messages

    @property
    def connect_id(self):
        return self.connection.connect_id

    def post(self, type, body=b""):
        """Sends a message of any type."""
        connection = self.connection
        connection.channel.post(connection.connector.exchange, connection.sends, type, body)

    def send(self, *messages):
        for message in messages:
            self.post(transport.MESSAGE, message)

    def packed_text(self, head, body):
        return head + b"\x00" + body

    async def next(self, what="a message", seconds=DEADLINE):
        """Returns (type, body) of the next message of any type."""
        channel = self.connection.channel
        delivery = await within(channel.take(), what, seconds)
        channel.ack(delivery)
        return delivery.type, delivery.body

    async def next_of_use(self, what):
        """The next that is neither a sign of life nor the end of an earlier connection."""
        while True:
            type, body = await self.next(what)
            if type != transport.LISTENING and (type != transport.CLOSE or body == self.connect_id):
                return type, body

    async def message(self):
        type, body = await self.next_of_use("a message")
        equal(type, transport.MESSAGE, "the type")
        head, separator, body = body.partition(b"\x00")
        equal(separator.hex(), "00", "what ends the metadata")
        return json.loads(head), json.loads(body)

    async def end(self, when="now"):
        """Waits for the other side's `close`; nothing else may come first."""
        type, body = await self.next_of_use(f"the other side's close {when}")
        equal([type, body.hex()], [transport.CLOSE, self.connect_id.hex()], f"what came {when}")
        self.connection.connect_id = None  # which needs no answer
        await self.leave()

    # Queues

    async def kept_for_them(self):
        """How many messages wait for the other side."""
        return (await self.connection.channel.look_at(self.connection.sends)).message_count

    async def gone(self):
        """Waits until the other side takes nothing any more from its queue."""
        await until(lambda: self.connection.channel.look_at(self.connection.sends), _nobody, "the other side to leave")

    async def said_nothing(self):
        """That nothing is left of what the other side has said until now."""
        await self.connection.channel.look_at(self.connection.takes)  # which comes behind all that was delivered
        left = self.connection.channel.deliveries
        equal(str(left.get_nowait()) if left.qsize() else None, None, "what the other side has said")

    def be_silent(self):
        """As a server that does not say that it listens."""
        self.connection.keeping_alive.cancel()

    def drop(self):
        self.connection.drop()

    async def leave(self):
        await self.connection.close()


class RawRabbitListener(RawListener):
    async def start(self):
        self.connector = transport.RabbitConnector(json.loads(self.state))
        await self.connector.open_door()
        self.taking = asyncio.create_task(self.take_all())

    async def take_all(self):
        """Answers every request to connect; the handshake is left to the case."""
        while True:
            if connection := await self.connector.welcome(await self.connector.requests.take()):
                self.arrived.put_nowait(RawRabbit(connection, self.mode))

    def close(self):
        """As a server that is killed."""
        self.taking.cancel()
        self.connector.broker.drop()

"""A client on Python's standard library (3.9 or newer), to be copied: route_client.py uses it.

It follows docs/protocol.md. Not here: reconnecting, extensions, and chunks, which messages under 4 GiB do not need.
"""
import asyncio
import json
import os
import struct
import tempfile
import uuid

REQUEST, NOTIFICATION, OK, UNKNOWN_ERROR, REQUESTER_ERROR = 1, 2, 11, 30, 41
MESSAGE, CLOSE = 10, 20


class RequestError(Exception):
    def __init__(self, type, message, code=None):  # type is 30, 41, 42 or 51, code an integer or None
        super().__init__(message)
        self.type, self.code = type, code


def socket_path(name):
    temporary = tempfile.gettempdir()
    runtime = os.environ.get("XDG_RUNTIME_DIR", temporary)
    places = f"{runtime}/communica", f"{temporary}/communica", f"{temporary}/communica-{os.getuid()}"
    paths = [f"{place}/{name.lower()}.sock" for place in places]
    return next(filter(os.path.exists, paths), paths[0])


class Client:
    def __init__(self):
        self.handlers, self.answers, self.tasks = {}, {}, set()

    async def connect(self, type, host=None, port=None, name=None, **_):
        over_tcp = type == "TcpConnector"
        opening = asyncio.open_connection(host, port) if over_tcp else asyncio.open_unix_connection(socket_path(name))
        self.reader, self.writer = await opening
        self.writer.write(b'{"client_id": "%s"}\0' % uuid.uuid4().hex.encode())
        try:
            await asyncio.wait_for(self.reader.readuntil(b"\0"), 10)  # the server's hello
        except asyncio.IncompleteReadError as error:  # a refusal is the byte 4 and JSON, without a 0
            raise ConnectionError(f"Refused: {error.partial[1:].decode()}") from None
        self.reading = asyncio.create_task(self.read())

    async def request(self, route, value=None, timeout=30):
        id, answer = uuid.uuid4().hex, asyncio.get_running_loop().create_future()
        self.answers[id] = answer
        try:
            await self.send({"id": id, "type": REQUEST, "route": route}, json.dumps(value))
            await asyncio.wait({answer, self.reading}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.answers.pop(id, None)
        if answer.done():
            return answer.result()
        raise ConnectionError("The connection is lost") if self.reading.done() else TimeoutError(route)

    async def notify(self, route, value=None):
        await self.send({"id": "", "type": NOTIFICATION, "route": route}, json.dumps(value))

    async def close(self):
        self.writer.write(struct.pack(">IB", 1, CLOSE))
        self.writer.write_eof()
        await self.reading

    async def send(self, metadata, text):
        head, body = json.dumps(metadata).encode(), text.encode()
        # The length of the metadata counts its own four bytes.
        self.writer.write(struct.pack(">IBI", 5 + len(head) + len(body), MESSAGE, 4 + len(head)) + head + body)
        await self.writer.drain()

    async def read(self):
        try:
            while True:
                length, code = struct.unpack(">IB", await self.reader.readexactly(5))
                frame = await self.reader.readexactly(length - 1)
                if code != MESSAGE:  # the server closes
                    break
                end = struct.unpack_from(">I", frame)[0]
                self.take(json.loads(frame[4:end]), json.loads(frame[end:]))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # what still waits for an answer is told by request
        finally:
            self.writer.close()

    def take(self, metadata, value):
        if metadata["type"] < OK:
            task = asyncio.create_task(self.handle(metadata, value))
            self.tasks.add(task)  # asyncio itself does not keep it
            task.add_done_callback(self.tasks.discard)
        elif answer := self.answers.pop(metadata["id"], None):  # else it comes too late
            if metadata["type"] == OK:
                answer.set_result(value)
            else:
                answer.set_exception(RequestError(metadata["type"], value["message"], value.get("code")))

    async def handle(self, metadata, value):
        try:
            if metadata["route"] not in self.handlers:
                raise RequestError(REQUESTER_ERROR, f'Route "{metadata["route"]}" is not defined')
            type, text = OK, json.dumps(await self.handlers[metadata["route"]](value))
        except Exception as error:
            known = error if isinstance(error, RequestError) else RequestError(UNKNOWN_ERROR, repr(error))
            type, text = known.type, json.dumps({"code": known.code, "message": str(known)})
        if metadata["type"] == REQUEST:
            await self.send({**metadata, "type": type}, text)  # the metadata of the request, with another type

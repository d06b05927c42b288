"""A client on Python's standard library (3.9 or newer): a writer for route_server, as route_client.cpp is.

It follows docs/protocol.md. Not here: reconnecting, extensions, and chunks, which messages under 4 GiB do not need.
"""
import asyncio
import json
import os
import struct
import sys
import tempfile
import uuid

REQUEST, NOTIFICATION, OK, UNKNOWN_ERROR, REQUESTER_ERROR = 1, 2, 11, 30, 41
MESSAGE, CLOSE = 10, 20


class RequestError(Exception):
    def __init__(self, type, message, code=None, **_):  # type is 30, 41, 42 or 51, code an integer or None
        super().__init__(message)
        self.type, self.message, self.code = type, message, code


class Client:
    async def connect(self, state, handlers):
        self.handlers, self.answers, self.tasks = handlers, {}, set()
        if state["type"] == "TcpConnector":
            self.reader, self.writer = await asyncio.open_connection(state["host"], state["port"])
        else:
            temporary = tempfile.gettempdir()
            runtime = os.environ.get("XDG_RUNTIME_DIR", temporary)
            places = f"{runtime}/communica", f"{temporary}/communica", f"{temporary}/communica-{os.getuid()}"
            paths = [f"{place}/{state['name'].lower()}.sock" for place in places]
            self.reader, self.writer = await asyncio.open_unix_connection(next(filter(os.path.exists, paths), paths[0]))
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
            return await asyncio.wait_for(asyncio.shield(answer), timeout)
        finally:
            self.answers.pop(id, None)

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
                if code != MESSAGE:
                    raise ConnectionError("The server closes the connection")
                end = struct.unpack_from(">I", frame)[0]
                metadata, value = json.loads(frame[4:end]), json.loads(frame[end:])
                if metadata["type"] < OK:
                    task = asyncio.create_task(self.handle(metadata, value))
                    self.tasks.add(task)  # asyncio itself does not keep it
                    task.add_done_callback(self.tasks.discard)
                elif answer := self.answers.pop(metadata["id"], None):  # else it comes too late
                    if metadata["type"] == OK:
                        answer.set_result(value)
                    else:
                        answer.set_exception(RequestError(metadata["type"], **value))
        except Exception as error:  # the connection is lost
            for answer in self.answers.values():
                answer.set_exception(error)
        self.writer.close()

    async def handle(self, metadata, value):
        try:
            if metadata["route"] not in self.handlers:
                raise RequestError(REQUESTER_ERROR, f'Route "{metadata["route"]}" is not defined')
            type, text = OK, json.dumps(await self.handlers[metadata["route"]](self, value))
        except Exception as error:
            told = error if isinstance(error, RequestError) else RequestError(UNKNOWN_ERROR, repr(error))
            type, text = told.type, json.dumps({"code": told.code, "message": told.message})
        if metadata["type"] == REQUEST:
            await self.send({**metadata, "type": type}, text)  # the metadata of the request, with another type


async def write_about(client, subject):
    print("asked to write about", subject)
    return f"Did you know that {await client.request('get_facts_about', subject)}?"


async def main(state='{"type": "LocalConnector", "name": "editor"}'):
    client = Client()
    await client.connect(json.loads(state), {"write_about": write_about})
    await client.notify("get_facts_about", "tea")  # the server prints that it was asked, and answers nothing
    written = await client.request("give_work", "Ann")
    print("done, with", written, "articles")
    assert written == 2
    try:
        assert not await client.request("get_facts_about", "unicorns")
    except RequestError as error:
        print(f"no facts: {error}, type {error.type}, code {error.code}")
        assert (error.type, error.code) == (REQUESTER_ERROR, 404)
    await client.close()


asyncio.run(main(*sys.argv[1:]))

"""A client of communica on Python's standard library (3.9 or newer): a writer for route_server, as route_client.cpp is.

It follows docs/protocol.md. Not here: connecting again, extensions, and chunks, which messages under 4 GiB do not need.
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
    """What is answered instead of a result, with one of the types 30, 41, 42 and 51."""

    def __init__(self, type, message, code=None, **_):
        super().__init__(message)
        self.type, self.message, self.code = type, message, code


async def open_stream(state):
    if state["type"] == "TcpConnector":
        return await asyncio.open_connection(state["host"], state["port"])
    temporary = tempfile.gettempdir()
    places = [f"{temporary}/communica", f"{temporary}/communica-{os.getuid()}"]
    if "XDG_RUNTIME_DIR" in os.environ:
        places.insert(0, os.environ["XDG_RUNTIME_DIR"] + "/communica")
    paths = [f"{place}/{state['name'].lower()}.sock" for place in places]
    return await asyncio.open_unix_connection(next(filter(os.path.exists, paths), paths[0]))


class Client:
    def __init__(self, routes):
        self.routes, self.answers, self.at_work = routes, {}, set()

    async def connect(self, connector_state):
        self.reader, self.writer = await open_stream(json.loads(connector_state))
        self.writer.write(json.dumps({"client_id": uuid.uuid4().hex}).encode() + b"\0")
        try:
            await asyncio.wait_for(self.reader.readuntil(b"\0"), 10)
        except asyncio.IncompleteReadError as error:  # a refusal is the byte 4 and JSON, without a 0
            raise ConnectionError(f"Refused: {error.partial[1:].decode()}") from None
        self.reading = asyncio.create_task(self._read())

    async def request(self, route, value=None, timeout=30):
        id = uuid.uuid4().hex
        answer = self.answers[id] = asyncio.get_running_loop().create_future()
        try:
            await self._send({"id": id, "type": REQUEST, "route": route}, json.dumps(value))
            return await asyncio.wait_for(answer, timeout)
        finally:
            del self.answers[id]

    async def notify(self, route, value=None):
        await self._send({"id": "", "type": NOTIFICATION, "route": route}, json.dumps(value))

    async def close(self):
        self.writer.write(struct.pack(">IB", 1, CLOSE))
        self.writer.write_eof()
        await self.reading
        self.writer.close()

    async def _send(self, metadata, body):
        head, body = json.dumps(metadata).encode(), body.encode()
        # The length of the metadata counts its own four bytes.
        self.writer.write(struct.pack(">IBI", 5 + len(head) + len(body), MESSAGE, 4 + len(head)) + head + body)
        await self.writer.drain()

    async def _read(self):
        try:
            while True:
                length, code = struct.unpack(">IB", await self.reader.readexactly(5))
                frame = await self.reader.readexactly(length - 1)
                if code != MESSAGE:
                    return  # the other side closes
                end = struct.unpack_from(">I", frame)[0]
                self._take(json.loads(frame[4:end]), frame[end:])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # it closed without a word
        finally:
            for answer in self.answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionError("The connection is lost"))

    def _take(self, metadata, body):
        if metadata["type"] < OK:
            task = asyncio.create_task(self._handle(metadata, body))
            self.at_work.add(task)  # asyncio itself does not keep it
            task.add_done_callback(self.at_work.discard)
            return
        answer = self.answers.get(metadata["id"])
        if answer is None or answer.done():
            return  # it came too late
        if metadata["type"] == OK:
            answer.set_result(json.loads(body))
        else:
            answer.set_exception(RequestError(metadata["type"], **json.loads(body)))

    async def _handle(self, metadata, body):
        try:
            handler = self.routes.get(metadata["route"])
            if handler is None:
                raise RequestError(REQUESTER_ERROR, f'Route "{metadata["route"]}" is not defined')
            type, answer = OK, json.dumps(await handler(self, json.loads(body)))
        except RequestError as error:
            type, answer = error.type, json.dumps({"code": error.code, "message": error.message})
        except Exception as error:
            type, answer = UNKNOWN_ERROR, json.dumps({"code": None, "message": repr(error)})
        if metadata["type"] == REQUEST:
            await self._send({**metadata, "type": type}, answer)  # the metadata of the request, with another type


async def write_about(client, subject):
    print("asked to write about", subject)
    return f"Did you know that {await client.request('get_facts_about', subject)}?"


async def main(connector_state):
    client = Client({"write_about": write_about})
    await client.connect(connector_state)
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


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else '{"type": "LocalConnector", "name": "editor"}'))

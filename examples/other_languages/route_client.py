"""A writer for route_server, as route_client.cpp is."""
import asyncio
import json
import sys

from communica_client import REQUESTER_ERROR, Client, RequestError

client = Client()


async def write_about(subject):
    print("asked to write about", subject)
    return f"Did you know that {await client.request('get_facts_about', subject)}?"


async def main(state='{"type": "LocalConnector", "name": "editor"}'):
    client.handlers["write_about"] = write_about
    await client.connect(**json.loads(state))
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

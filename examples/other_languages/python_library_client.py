"""A writer for route_server by the Python library communica 0.4, as route_client.cpp is one by this library."""
import asyncio
import json
import sys

try:
    from communica import LocalConnector, RouteClient, TcpConnector
    from communica.exceptions import ReqError
except ImportError:
    print("skipped: the Python library communica is not installed")
    sys.exit()

state = sys.argv[1] if len(sys.argv) > 1 else '{"type": "LocalConnector", "name": "editor"}'
connectors = {"TcpConnector": TcpConnector, "LocalConnector": LocalConnector}
client = RouteClient(connectors[json.loads(state)["type"]].from_state(state))


@client.routes.handler("write_about")
async def write_about(subject):
    print("asked to write about", subject)
    return f"Did you know that {await client.request('get_facts_about', subject)}?"


async def main():
    async with client:
        await client.throw("get_facts_about", "tea")  # notify in C++
        written = await asyncio.wait_for(client.request("give_work", "Ann"), 30)  # it has no deadline of its own
        print("done, with", written, "articles")
        assert written == 2
        try:
            assert not await client.request("get_facts_about", "unicorns")
        except ReqError as error:  # RequesterError in C++
            print(f"no facts: {error.message}, code {error.code}")
            assert error.code == 404


asyncio.run(main())

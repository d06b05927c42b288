"""The program that every interop peer is: the operations it offers and its command line.

    PEER server --connector JSON --mode simple|route
    PEER client --connector JSON --mode simple|route --client-id ID

It prints READY when it listens or is connected, and on SIGTERM closes in order and exits with 0.
What speaks the protocol is handed in: entities with `start`, `request` and `close`, and the exception by which
failures come and go, with `kind`, `message` and `code`.
"""
import argparse
import asyncio
import json
import signal
import uuid


def operations(entity, PeerError):
    """What one process can ask of the other; `entity` is a function, for it is made after its operations."""
    notes, this_run = [], uuid.uuid4().hex

    async def echo(args):
        return args["v"]

    async def len_(args):
        return len(args["v"])

    async def big(args):
        return "b" * args["n"]

    async def slow(args):
        await asyncio.sleep(args["ms"] / 1000)
        return args["v"]

    async def err(args):
        if args["kind"] == "unknown":
            raise RuntimeError(args["message"])
        raise PeerError(args["kind"], args["message"], args["code"])

    async def note(args):
        notes.append(args["v"])

    async def noted(args):
        taken = notes.copy()
        notes.clear()
        return taken

    async def who(args):
        return this_run

    async def call(args):
        try:
            answer = entity().request(args["do"], args["args"], args.get("client_id"), args.get("throw", False))
            return {"ok": await answer}
        except PeerError as error:
            return {"error": {"kind": error.kind, "code": error.code, "message": error.message}}

    handlers = (echo, len_, big, slow, err, note, noted, who, call)
    return {handler.__name__.rstrip("_"): handler for handler in handlers}


async def run(make_entity, PeerError):
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    entity = make_entity(operations(lambda: entity, PeerError))

    async def start():
        await entity.start()
        print("READY", flush=True)

    starting, stopping = asyncio.create_task(start()), asyncio.create_task(stopped.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        starting.result()  # or why it could not start
        await stopping
    await entity.close()


def named(state, client_id):
    """The state as a client uses it: where a name for it is left open, with its own."""
    return {**state, "client_id": client_id} if state.get("client_id", "") is None else state


def main(make_server, make_client, PeerError, connectors):
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("server", "client"))
    parser.add_argument("--connector", required=True, type=json.loads, metavar="JSON")
    parser.add_argument("--mode", required=True, choices=("simple", "route"))
    parser.add_argument("--client-id", metavar="ID")
    options = parser.parse_args()
    state = named(options.connector, options.client_id)
    connector = connectors[state["type"]](state)
    make, who = (make_server, ()) if options.role == "server" else (make_client, (options.client_id,))
    asyncio.run(run(lambda ops: make(connector, options.mode, ops, *who), PeerError))

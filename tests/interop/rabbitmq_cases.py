"""The cases of RabbitMQ alone: handshake, signs of life, the end of a connection, and what queues keep."""
import asyncio
import json
import os
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import amqp
import cases
import rabbitmq_transport as transport
from cases import MIB, NOT_APPLICABLE
from expect import CHECK_PERIOD, equal, fresh, within
from raw_rabbitmq import RawRabbit, until

GOLDEN = json.loads((Path(__file__).resolve().parent.parent / "golden.json").read_text())
VECTORS = {vector["name"]: bytes.fromhex(vector["hex"]) for vector in GOLDEN if vector["transport"] == "rabbitmq"}

case = partial(cases.case, transports=("rabbitmq",))
raw_case = partial(cases.raw_case, transports=("rabbitmq",))

_BLOCKED = "a request to connect that it cannot read stays unacknowledged, and keeps all others waiting"
_STOPS = "it stops reading, without a close"
_NO_DOOR = "it does not declare the server's queue, so that its request is lost where there never was a server"
_NO_REFUSAL = "it ends the handshake without a word"

NOT_APPLICABLE.update(
    {
        ("a_request_to_connect_that_cannot_be_read_holds_up_nobody", "server", "library"): _BLOCKED,
        ("metadata_that_cannot_be_read_ends_the_connection", "server", "library"): _STOPS,
        ("metadata_that_cannot_be_read_ends_the_connection", "client", "library"): _STOPS,
        ("a_client_may_be_there_before_there_ever_was_a_server", "client", "library"): _NO_DOOR,
        ("a_hello_that_is_not_json_is_refused_with_a_reason", "server", "library"): _NO_REFUSAL,
    }
)


# --- The handshake -----------------------------------------------------------------------------------


@case(roles=("server",))
async def a_request_to_connect_that_cannot_be_read_holds_up_nobody(bench):
    pair = await bench.pair()
    raw = await bench.join(pair.state)
    connector, inbox = raw.connection.connector, await raw.connection.broker.channel()
    reply_to = await inbox.declare_queue(connector.exchange, exclusive=True)
    ask = partial(inbox.post, connector.exchange, connector.door)
    for body in (b"", b"nope", b'"\xff"', b"[" * 100_000, b"5", b"null", b'{"a": 1}', b'["x"]', b'"%s"' % (b"x" * 225)):
        ask(transport.CONNECT, body, reply_to=reply_to)
    ask(transport.CONNECT, b'"nobody answers me"')
    ask(transport.CONNECT, b'"here"', reply_to="a-queue-that-is-not-there")
    ask("what is this", b'"here"', reply_to=reply_to)
    ask(None, b'"here"', reply_to=reply_to)
    equal(await (await bench.join(pair.state)).ask("echo", {"v": "served"}), "served")
    for asks in pair.directions:
        equal(await asks("echo", {"v": "served"}), "served")


@case(roles=("server",))
async def a_handshake_that_does_not_go_on_holds_up_nobody(bench):
    state = (await bench.pair()).state
    for _ in range(5):
        await bench.connect(state)
    equal(await (await bench.join(state)).ask("echo", {"v": "served"}), "served")


@case(roles=("server",))
async def a_server_that_was_refused_serves_others(bench):
    state = (await bench.pair()).state
    raw = await bench.connect(state, "refuses")
    await raw.connection.tell(transport.REFUSED, b'{"reason": "not you"}')
    equal(await (await bench.join(state)).ask("echo", {"v": "served"}), "served")
    equal(await (await bench.join(state, "refuses")).ask("echo", {"v": "agreed"}), "agreed")


@case(roles=("client",))
async def a_client_that_was_refused_tries_again(bench):
    listener = await bench.raw_server()
    await bench.process("client", listener.state, "--client-id", "client")
    raw = await listener.accept()
    await raw.hello()
    await raw.connection.tell(transport.REFUSED, b'{"reason": "not now"}')
    equal(await (await listener.welcome()).ask("echo", {"v": 1}), 1)


@case(roles=("server",))
async def a_hello_that_is_not_json_is_refused_with_a_reason(bench):
    state = (await bench.pair()).state
    for hello in (b"", b"nope", b'{"client_id": "x"'):
        raw = await bench.connect(state)
        await raw.connection.tell(transport.HELLO, hello)
        while (said := await within(raw.connection.inbox.take(), "a refusal")).type == transport.HELLO:
            pass
        equal(said.type, transport.REFUSED, f"what came after {hello}")
        assert json.loads(said.body)["reason"], said.body


@case(roles=("server",))
async def a_server_takes_any_form_of_hello(bench):
    state = (await bench.pair()).state
    raw = await bench.connect(state)
    raw.client_id = "extra"
    await raw.connection.tell(transport.HELLO, b' {"x":[1,{"y":null}],"client_id":"extra","z":"\\u0000"}\n')
    await raw.hello()
    await raw.connection.agree()
    equal(await raw.ask("echo", {"v": 2}), 2)
    await raw.be_asked("echo", {"v": "back"})


@case(roles=("client",))
async def a_client_takes_any_form_of_hello(bench):
    listener = await bench.raw_server()
    await bench.process("client", listener.state, "--client-id", "client")
    raw = await listener.accept()
    await raw.hello()
    await raw.connection.tell(transport.HELLO, b' {"x":[{}],"hello":"hello"}\n')
    await raw.connection.agree()
    equal(await raw.ask("echo", {"v": 1}), 1)


@case(roles=("client",))
async def a_client_is_found_by_its_connector_and_known_by_its_own_name(bench):
    state = {**json.loads(bench.address()), "client_id": "of-the-connector", "exchange_name": "interop-exchange"}
    listener = await bench.raw_server(json.dumps(state))
    client = await bench.process("client", json.dumps(state), "--client-id", "its own")
    raw = await listener.accept()
    equal(raw.connection.client, "of-the-connector")
    equal((await raw.hello())["client_id"], "its own")
    await raw.connection.tell(transport.HELLO, b"{}")
    await raw.connection.agree()
    await client.ready()
    equal(await raw.ask("echo", {"v": 1}), 1)


@case(roles=("client",))
async def a_client_may_be_there_before_there_ever_was_a_server(bench):
    state = {**json.loads(bench.address()), "exchange_name": fresh("interop")}

    async def has_declared_its_exchange(broker):
        await (await broker.channel()).look_for_exchange(state["exchange_name"])
        return True

    await _client_before_server(bench, json.dumps(state), has_declared_its_exchange)


@case()
async def a_client_waits_in_the_queue_of_a_server_that_is_away(bench):
    state = bench.address()
    await (await bench.server(state)).kill()
    door = transport.RabbitConnector(json.loads(state)).door

    async def has_asked(broker):
        return (await (await broker.channel()).look_at(door)).message_count == 1

    await _client_before_server(bench, state, has_asked)


async def _client_before_server(bench, state, is_trying):
    broker = await amqp.connect(json.loads(state)["url"])
    bench.open.push_async_callback(broker.close)

    async def is_trying_now():
        with suppress(ConnectionError):  # what is looked at is not there yet
            return await is_trying(broker)

    client = await bench.process("client", state, "--client-id", "client")
    await until(is_trying_now, bool, "the client's first try")
    await bench.server(state)
    await client.ready()
    driver = await bench.driver(state)
    call = {"client_id": "client", "do": "echo", "args": {"v": "patient"}}
    equal(await within(driver.request("call", call), "the client"), {"ok": "patient"})


# --- Signs of life -----------------------------------------------------------------------------------


@case(roles=("server",))
async def an_idle_server_says_that_it_listens(bench):
    raw = await bench.join((await bench.pair()).state)
    equal(await raw.ask("echo", {"v": 1}), 1)
    start = time.monotonic()
    for _ in range(3):
        type, body = await raw.next("a sign of life", 2 * CHECK_PERIOD)
        equal([type, body.hex()], [transport.LISTENING, ""], "what an idle server says")
    passed = time.monotonic() - start
    assert passed > 2 * CHECK_PERIOD, f"three signs of life in {passed:.1f} s, with a period of {CHECK_PERIOD} s"


@case(roles=("client",))
async def a_client_stays_while_it_hears_that_the_server_listens(bench):
    raw = await bench.raw("client")
    equal(await raw.ask("echo", {"v": 1}), 1)
    with suppress(AssertionError):  # at the end of the time
        said = await raw.next("nothing", 3 * CHECK_PERIOD)
        raise RuntimeError(f"an idle client said {said}")
    equal(await raw.ask("echo", {"v": 2}), 2)


@case(roles=("client",))
async def a_client_that_hears_nothing_closes_and_comes_back(bench):
    raw = await bench.raw("client")
    raw.be_silent()
    start = time.monotonic()
    equal(await raw.ask("echo", {"v": 1}), 1)
    await raw.end("after silence")
    passed = time.monotonic() - start
    assert CHECK_PERIOD < passed < 3 * CHECK_PERIOD, f"it waited {passed:.1f} s, with a period of {CHECK_PERIOD} s"
    equal(await (await raw.next_connection()).ask("echo", {"v": 2}), 2)


@case(roles=("server",))
async def a_server_does_not_mind_that_its_client_listens(bench):
    raw = await bench.join((await bench.pair()).state)
    raw.post(transport.LISTENING)
    equal(await raw.ask("echo", {"v": 1}), 1)


# --- The end of a connection -------------------------------------------------------------------------


@raw_case()
async def the_close_of_another_connection_is_ignored(bench, raw):
    connect_id = raw.connect_id
    for other in (os.urandom(16), b"", connect_id[:15], connect_id + b"x", bytes(16), connect_id[::-1]):
        raw.post(transport.CLOSE, other)
        equal(await raw.ask("echo", {"v": "still here"}), "still here")


@case(roles=("server",))
async def a_server_takes_no_more_after_a_close_which_it_does_not_answer(bench):
    raw = await bench.join((await bench.pair()).state)
    equal(await raw.ask("echo", {"v": 1}), 1)
    raw.post(transport.CLOSE, raw.connect_id)
    await raw.gone()
    await raw.said_nothing()
    raw.drop()
    equal(await (await raw.next_connection()).ask("echo", {"v": 2}), 2)


@case(roles=("client",))
async def a_client_comes_back_after_a_close_which_it_does_not_answer(bench):
    raw = await bench.raw("client")
    equal(await raw.ask("echo", {"v": 1}), 1)
    raw.post(transport.CLOSE, raw.connect_id)
    await raw.gone()
    await raw.said_nothing()
    raw.drop()
    equal(await (await raw.next_connection()).ask("echo", {"v": 2}), 2)


@case(roles=("server",))
async def a_server_told_to_end_says_so_and_exits_with_0(bench):
    state = bench.address()
    server = await bench.server(state)
    raws = [await bench.join(state) for _ in range(3)]
    for raw in raws:
        equal(await raw.ask("echo", {"v": 1}), 1)
    ending = asyncio.create_task(server.terminate())
    for raw in raws:
        await raw.end("as the server ended")
    equal(await ending, 0, "the exit code")


@case(roles=("client",))
async def a_client_told_to_end_says_so_and_exits_with_0(bench):
    listener = await bench.raw_server()
    client = await bench.process("client", listener.state, "--client-id", "client")
    raw = await listener.welcome()
    await client.ready()
    equal(await raw.ask("echo", {"v": 1}), 1)
    ending = asyncio.create_task(client.terminate())
    await raw.end("as the client ended")
    equal(await ending, 0, "the exit code")


# --- What cannot be read -----------------------------------------------------------------------------

OF_NO_TYPE = {
    "a message without a NUL": (transport.MESSAGE, b'{"id": "x", "type": 1}'),
    "an empty message": (transport.MESSAGE, b""),
    "an unknown type": ("what is this", b'{"id": "x", "type": 1}\0null'),
    "no type": (None, b'{"id": "x", "type": 1}\0null'),
    "a word of the handshake": (transport.CONNECT_OK, b""),
}
MALFORMED = {
    "metadata that is not JSON": b"nope\0null",
    "no metadata": b"\0null",
    "metadata that is no object": b"[1]\0null",
    "metadata without a type": b"{}\0null",
    "a type that is a text": b'{"type": "1"}\0null',
    "metadata nested too deep": b"[" * 100_000 + b"\0null",
}


@raw_case()
async def a_message_of_no_known_form_ends_the_connection_with_a_close(bench, raw):
    await _ends_each(bench, raw, OF_NO_TYPE)


@raw_case()
async def metadata_that_cannot_be_read_ends_the_connection(bench, raw):
    await _ends_each(bench, raw, {what: (transport.MESSAGE, body) for what, body in MALFORMED.items()})


async def _ends_each(bench, raw, messages):
    for what, (type, body) in messages.items():
        equal(await raw.ask("echo", {"v": "there"}), "there")
        raw.post(type, body)
        await raw.end(f"after {what}")
        raw = await raw.next_connection()  # and what was wrong has not been left in its queue
    equal(await raw.ask("echo", {"v": "back"}), "back")


# --- What queues keep --------------------------------------------------------------------------------


@case(roles=("server",))
async def what_was_asked_of_a_server_that_is_away_is_answered_when_it_is_back(bench):
    state = bench.address()
    server = await bench.server(state)
    raw = await bench.join(state, "keeps")
    equal(await raw.ask("echo", {"v": "before"}), "before")
    await server.kill()
    asked = {f"kept-{number}": number for number in range(10)}
    for id, number in asked.items():
        raw.send(raw.request("echo", {"v": number}, id=id))
    await raw.gone()
    kept = await raw.kept_for_them()
    assert kept >= len(asked), f"{kept} messages are kept"  # that of before as well, if it was killed before it said so
    raw.drop()
    await bench.server(state)
    raw, answers = await bench.join(state, "keeps"), {}
    while asked.keys() - answers.keys():
        metadata, answer = await raw.message()
        answers[metadata["id"]] = answer
    equal({id: answers[id] for id in asked}, asked, "the answers")


@case(roles=("client",))
async def what_was_asked_of_a_client_that_is_away_is_answered_when_it_is_back(bench):
    listener = await bench.raw_server()
    client = await bench.process("client", listener.state, "--client-id", "client")
    raw = await listener.welcome()
    equal(await raw.ask("echo", {"v": "before"}), "before")
    await client.kill()
    await raw.gone()
    raw.send(raw.request("echo", {"v": "kept"}, id="kept"))
    raw.drop()
    await bench.process("client", listener.state, "--client-id", "client")
    raw = await listener.welcome()
    metadata, answer = await raw.message()
    while metadata["id"] != "kept":
        metadata, answer = await raw.message()
    equal(answer, "kept")


@case()
async def eight_mebibytes_go_both_ways(bench):
    pair = await bench.pair()
    value = "0123456789abcdef" * (MIB // 2)
    for asks in pair.directions:
        assert await asks("echo", {"v": value}) == value


# --- The vectors -------------------------------------------------------------------------------------


@case(roles=("server",), modes=("simple",))
async def a_server_takes_and_gives_the_bytes_of_the_vectors(bench):
    state = (await bench.pair()).state
    raw = await bench.connect(state, "rs")
    equal(json.dumps("rs"), VECTORS["rmq_connect_request"].decode(), "the request to connect, as it went out")
    await raw.connection.tell(transport.HELLO, VECTORS["rmq_client_hello"])
    equal(
        (await within(raw.connection.hear(transport.HELLO), "a hello")).decode(), VECTORS["rmq_server_hello"].decode()
    )
    await raw.connection.agree()
    equal(len(raw.connect_id), len(VECTORS["rmq_handshake_done"]), "the length of the connect id")

    raw.post(transport.CLOSE, VECTORS["rmq_close"])  # that of another connection
    raw.post(transport.MESSAGE, VECTORS["rmq_throw"])  # not answered
    for name in ("rmq_request", "rmq_request_python"):
        asked = json.loads(VECTORS[name].partition(b"\0")[0])
        raw.post(transport.MESSAGE, VECTORS[name])
        metadata, error = await raw.message()  # there is no such operation
        equal(metadata, {**asked, "type": metadata["type"]}, f"the metadata of the answer to {name}")
        assert metadata["type"] > 11 and error["message"], [metadata, error]
    await _answers_as_the_vectors(raw)


async def _answers_as_the_vectors(raw):
    error = {"kind": "req", "code": 404, "message": "no such data"}
    asked = {"rmq_response": ("echo", {"v": "hi"}), "rmq_response_err_requester": ("err", error)}
    for name, (op, args) in asked.items():
        raw.send(raw.request(op, args, id="r1"))
        type, body = await raw.next_of_use(name)
        equal([type, body.decode()], [transport.MESSAGE, VECTORS[name].decode()])


@case(roles=("client",), modes=("simple",))
async def a_client_takes_and_gives_the_bytes_of_the_vectors(bench):
    state = {**json.loads(bench.address()), "client_id": "rs"}
    connector = transport.RabbitConnector(state)
    bench.open.callback(lambda: connector.broker.drop())
    await connector.open_door()
    await bench.process("client", json.dumps(state), "--client-id", "ent")

    async def comes():
        request = await within(connector.requests.take(), "a request to connect")
        equal([request.type, request.body.decode()], [transport.CONNECT, VECTORS["rmq_connect_request"].decode()])
        return RawRabbit(await connector.welcome(request), "simple")

    async def agrees():
        raw = await comes()
        raw.connection.new_connect_id = lambda: VECTORS["rmq_handshake_done"]
        hello = json.loads(VECTORS["rmq_client_hello"])
        equal({key: value for key, value in (await raw.hello()).items() if key in hello}, hello, "the client's hello")
        await raw.connection.tell(transport.HELLO, VECTORS["rmq_server_hello"])
        await raw.connection.agree()
        bench.open.push_async_callback(raw.leave)
        return raw

    raw = await agrees()
    raw.post(transport.LISTENING, VECTORS["rmq_listening"])
    for name in ("rmq_response", "rmq_response_err_requester"):
        raw.post(transport.MESSAGE, VECTORS[name])  # answers to nothing
    await _answers_as_the_vectors(raw)
    raw.send(raw.request("call", {"client_id": None, "do": "echo", "args": {"v": 1}}))
    head, _, _ = (await raw.next_of_use("a request"))[1].partition(b"\0")
    written = VECTORS["rmq_request_python"].partition(b"\0")[0].decode()
    id = json.loads(written)["id"]
    equal(head.decode(), written.replace(id, json.loads(head)["id"]), "the metadata of a request")

    raw.post(transport.CLOSE, VECTORS["rmq_close"])
    raw.drop()
    refused = await comes()
    await refused.connection.tell(transport.REFUSED, VECTORS["rmq_handshake_fail"])
    equal(await (await agrees()).ask("echo", {"v": "back"}), "back")

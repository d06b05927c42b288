"""The cases. A name is a sentence; a case checks exact values.

`@case` gives a case the bench of a combination (server, client, transport, mode). `@raw_case` gives it,
twice, a raw connection as well: once to the peer in the role of the server, once in that of the client,
for after the handshake the protocol is the same in both directions.
"""
import asyncio
import json
import random
import socket
import sys
from dataclasses import dataclass
from typing import Callable

from bench import Process, failure
from expect import EMULATOR, PATIENCE, equal, within
from python_peer import pack_frame, pack_message, U32

CASES = []
ROLES = ("server", "client")
STREAMS = ("tcp", "local", "tls")
TRANSPORTS = (*STREAMS, "rabbitmq")
MIB = 1 << 20


@dataclass(frozen=True)
class Case:
    name: str
    run: Callable
    roles: tuple  # of which peers it speaks; both may matter
    transports: tuple
    modes: tuple
    is_large: bool = False  # takes the machine so long that no other of its kind runs beside it

    def applies_to(self, combination):
        return combination.transport in self.transports and combination.mode in self.modes

    def known_fault(self, combination):
        """Why the case cannot hold for this combination, or None."""
        for role in self.roles:
            where = (self.run.__name__, role, getattr(combination, role))
            if reason := NOT_APPLICABLE.get(where) or NOT_APPLICABLE.get((*where, combination.transport)):
                return reason


def case(transports=TRANSPORTS, modes=("simple", "route"), roles=ROLES, is_large=False):
    def register(run):
        CASES.append(Case(run.__name__.replace("_", " "), run, roles, transports, modes, is_large))
        return run

    return register


def raw_case(transports=("tcp", "local", "rabbitmq"), modes=("simple", "route"), roles=ROLES):
    def register(run):
        for role in roles:
            name = f"{run.__name__.replace('_', ' ')} ({role})"
            CASES.append(Case(name, _with_raw(run, role), (role,), transports, modes))
        return run

    return register


def _with_raw(run, role):
    async def run_with_raw(bench):
        await run(bench, await bench.raw(role))

    run_with_raw.__name__ = run.__name__
    return run_with_raw


# What cannot be asked of an implementation, a known fault or a choice of its own: (case, role, program), and the
# transport where it is not so with all.
_SILENT = "after a malformed frame the Python library stops reading but never closes the socket"
_TWO_LIVE = "with two live connections of one client_id the Python library answers on the older one"
_WRONG_CHANNEL = "it acknowledges on the wrong channel after a client has come back that had vanished without a close"
_HEARS_FIRST = "it hears the client first, so that a refusal comes where a client looks for it"

NOT_APPLICABLE = {
    ("a_server_closes_a_connection_with_a_malformed_frame", "server", "library"): _SILENT,
    ("a_client_closes_a_connection_with_a_malformed_frame_and_comes_back", "client", "library"): _SILENT,
    ("a_second_connection_of_a_client_takes_over", "server", "library"): _TWO_LIVE,
    ("a_server_says_hello_before_it_hears_one", "server", "cpp"): _HEARS_FIRST,
    ("an_answer_begun_on_one_connection_comes_out_on_the_next", "server", "library", "rabbitmq"): _WRONG_CHANNEL,
}
if sys.version_info < (3, 11, 7):  # found with 3.11.2, not with 3.11.7
    NOT_APPLICABLE["a_connector_is_made_from_any_form_of_its_state", "server", "library", "tls"] = (
        "it exits with an error of this Python's asyncio, which writes to a TLS stream that has ended"
    )
_UNTOLD = "no signal tells a program under an emulator to end"
if EMULATOR:
    NOT_APPLICABLE |= {
        ("a_server_told_to_end_says_so_and_exits_with_0", "server", "cpp"): _UNTOLD,
        ("a_client_told_to_end_says_so_and_exits_with_0", "client", "cpp"): _UNTOLD,
        ("a_connector_is_made_from_any_form_of_its_state", "server", "cpp"): _UNTOLD,
        ("a_client_says_hello_before_it_hears_one", "client", "cpp"): "its arguments are not UTF-8",
        ("a_client_comes_back_after_its_server_was_killed", "server", "cpp"): "Wine keeps a killed program's socket open",
    }


# --- Values ------------------------------------------------------------------------------------------

VALUES = [
    None, True, False, 0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1,
    0.0, -0.0, 1.0, 0.1, -2.5e-3, 1e22, 1.7976931348623157e308, 5e-324,
    "", " ", "plain", 'quotes " and \\ and / and \b\f\n\r\t', "\x00\x01\x04\x1f\x7f", 
    "é ж 漢 😀 \u2028 \ufeff \U0010ffff", [], {}, [[]], [{}], {"": ""}, {"a": {"b": [1, {"c": [None, "d"]}]}},
    {"ключ": "значение", "op": "x", "v": 1, "id": 2},
    [1, "1", 1.5, True, None, [], {}], list(range(1000)), {str(number): number for number in range(300)},
    json.loads("[" * 60 + "]" * 60), "ж" * 100_000,
]  # fmt: skip


@case()
async def echo_returns_every_kind_of_json_value(bench):
    pair = await bench.pair()
    for asks in pair.directions:
        for value in VALUES:
            equal(await asks("echo", {"v": value}), value)


@case()
async def len_counts_code_points(bench):
    pair = await bench.pair()
    for asks in pair.directions:
        for text, length in (("", 0), ("abc", 3), ("жé漢", 3), ("😀", 1), ("e\u0301", 2), ("\x00", 1)):
            equal(await asks("len", {"v": text}), length)


@case()
async def an_answer_of_one_mebibyte_arrives(bench):
    pair = await bench.pair()
    for asks in pair.directions:
        equal(await asks("big", {"n": MIB}), "b" * MIB)


@case()
async def a_request_of_one_mebibyte_arrives(bench):
    pair = await bench.pair()
    for asks in pair.directions:
        equal(await asks("len", {"v": "a" * MIB}), MIB)


# --- Errors ------------------------------------------------------------------------------------------


@case()
async def errors_arrive_with_kind_message_and_code(bench):
    pair = await bench.pair()
    for asks in pair.directions:
        for kind in ("req", "resp"):
            for code, message in ((404, "no such data"), (None, "no code"), (0, ""), (-5, 'ж "quoted"')):
                error = {"kind": kind, "message": message, "code": code}
                equal(await failure(asks("err", error)), [kind, code, message])
        kind, code, message = await failure(asks("err", {"kind": "unknown", "message": "boom", "code": None}))
        equal([kind, code], ["unknown", None])
        assert "boom" in message, message


@case(modes=("simple",))
async def an_unknown_operation_is_a_requester_error(bench):
    pair = await bench.pair()
    for asks in pair.directions:
        kind, code, _ = await failure(asks("no such op", {}))
        equal([kind, code], ["req", 400])


@case(modes=("route",))
async def an_undefined_route_is_a_requester_error(bench):
    pair = await bench.pair()
    for asks in pair.directions:
        for route in ("x", "", "Echo", 'a "quoted" one', "ж"):
            equal(await failure(asks(route, {})), ["req", None, f'Route "{route}" is not defined'])


@raw_case()
async def a_body_that_is_not_json_is_a_data_load_error(bench, raw):
    for body in (b"{bad", b"", b"1 2", b'{"v": 1', b'"\xff"', b"nul"):
        metadata, _ = raw.parts("echo", {"v": 1})
        raw.send(raw.packed(metadata, body))
        answered, error = await raw.message()
        equal(answered, {**metadata, "type": 42}, "the metadata")
        assert isinstance(error["message"], str) and error["message"], error
    equal(await raw.ask("echo", {"v": "still here"}), "still here")


@raw_case()
async def error_bodies_have_code_and_message(bench, raw):
    for kind, type in (("req", 41), ("resp", 51), ("unknown", 30)):
        for code in (None,) if kind == "unknown" else (None, 7):
            raw.send(raw.request("err", {"kind": kind, "message": "why", "code": code}))
            metadata, error = await raw.message()
            equal([metadata["type"], error["code"]], [type, code])
            assert error["message"] == "why" if kind != "unknown" else "why" in error["message"], error


@raw_case()
async def each_type_of_answer_is_understood(bench, raw):
    answers = [
        (11, {"any": "value"}, {"ok": {"any": "value"}}),
        (41, {"code": 404, "message": "m"}, {"error": {"kind": "req", "code": 404, "message": "m"}}),
        (41, {"code": None, "message": "m"}, {"error": {"kind": "req", "code": None, "message": "m"}}),
        (51, {"code": 500, "message": "m"}, {"error": {"kind": "resp", "code": 500, "message": "m"}}),
        (30, {"code": None, "message": "m"}, {"error": {"kind": "unknown", "code": None, "message": "m"}}),
        (42, {"message": "m"}, {"error": {"kind": "data", "code": None, "message": "m"}}),
        (41, {"code": 1, "message": "m", "extra": []}, {"error": {"kind": "req", "code": 1, "message": "m"}}),
    ]
    for type, body, outcome in answers:
        metadata, _ = await raw.be_asked("echo", {"v": 1})
        raw.send(raw.packed({**metadata, "type": type}, json.dumps(body).encode()))
        equal(await raw.outcome(), outcome)


# --- Notifications and concurrency -------------------------------------------------------------------


@case()
async def a_hundred_notifications_arrive_in_order(bench):
    pair = await bench.pair()
    for asks in pair.directions:
        await asks("noted", {})
        for number in range(100):
            equal(await asks("note", {"v": number}, throw=True), None)
        equal(await asks("noted", {}), list(range(100)))
        equal(await asks("noted", {}), [])


@raw_case()
async def a_burst_of_notifications_is_handled_in_order_and_not_answered(bench, raw):
    await raw.ask("noted", {})
    raw.send(*(raw.request("note", {"v": number}, id="", type=2) for number in range(1000)))
    raw.send(raw.request("err", {"kind": "req", "message": "nobody hears", "code": 1}, id="", type=2))
    raw.send(raw.request("no such op", {}, id="", type=2))
    equal(await raw.ask("noted", {}), list(range(1000)))


@case()
async def slow_requests_overlap(bench):
    pair = await bench.pair()

    async def fifty_while_one_waits(asks):
        waiting = asyncio.create_task(asks("slow", {"ms": 2000 * PATIENCE, "v": "the slowest"}))
        answers = await asyncio.gather(*(asks("slow", {"ms": 50 * PATIENCE, "v": n}) for n in range(50)))
        equal(answers, list(range(50)))
        assert not waiting.done(), "fifty times 50 ms took longer than 2 s: one after the other"
        equal(await waiting, "the slowest")

    await asyncio.gather(*map(fifty_while_one_waits, pair.directions))


@case()
async def fifty_requests_are_at_work_at_once_in_each_process(bench):
    """The driver answers none before all fifty have come to it, through the client and the server."""
    pair = await bench.pair()
    all_there, there = asyncio.Event(), []

    async def gate(args):
        there.append(args["v"])
        if len(there) == 50:
            all_there.set()
        await within(all_there.wait(), "all fifty")
        return args["v"] * 10

    pair.driver.session.ops["gate"] = gate
    through = lambda number: {"client_id": "driver", "do": "gate", "args": {"v": number}}
    answers = await asyncio.gather(*(pair.client_asks("call", through(number)) for number in range(50)))
    equal(answers, [{"ok": number * 10} for number in range(50)])
    equal(sorted(there), list(range(50)))


@case()
async def three_hundred_mixed_requests_go_both_ways_at_once(bench):
    pair = await bench.pair()
    order = random.Random(300)

    async def one(number, asks):
        kind = number % 6
        if kind == 0:
            equal(await asks("echo", {"v": {"n": number}}), {"n": number})
        elif kind == 1:
            equal(await asks("len", {"v": "ж" * number}), number)
        elif kind == 2:
            equal(await asks("big", {"n": number * 50}), "b" * (number * 50))
        elif kind == 3:
            equal(await asks("slow", {"ms": number % 40, "v": number}), number)
        elif kind == 4:
            error = {"kind": "resp", "message": f"m{number}", "code": number}
            equal(await failure(asks("err", error)), ["resp", number, f"m{number}"])
        else:
            nested = {"client_id": pair.client_id, "do": "echo", "args": {"v": number}}
            equal(await asks("call", nested), {"ok": number})

    requests = [(number, asks) for number in range(150) for asks in pair.directions]
    order.shuffle(requests)
    await asyncio.gather(*(one(number, asks) for number, asks in requests))


# --- Who asks whom -----------------------------------------------------------------------------------


@case()
async def a_server_asks_its_client_by_id(bench):
    pair = await bench.pair()
    server, client, driver = await asyncio.gather(
        pair.ask("who", {}), pair.server_asks("who", {}), pair.server_asks("who", {}, client_id="driver")
    )
    equal(len({server, client, driver}), 3, "the number of processes")
    equal(await pair.client_asks("who", {}), server)


@case()
async def a_server_without_an_id_asks_any_client(bench):
    pair = await bench.pair()
    clients = {await pair.server_asks("who", {}), await pair.server_asks("who", {}, client_id="driver")}
    answers = [await pair.server_asks("who", {}, client_id=None) for _ in range(60)]
    equal(sorted(set(answers)), sorted(clients))


@case()
async def a_server_waits_for_a_client_that_is_not_there_yet(bench):
    state = bench.address()
    await bench.server(state)
    raw = await bench.join(state)
    raw.send(raw.request("call", {"client_id": "late", "do": "echo", "args": {"v": "at last"}}, id="early"))
    equal(await raw.ask("echo", {"v": 1}), 1)
    await bench.client(state, "late")
    metadata, answer = await raw.message()
    equal([metadata["id"], answer], ["early", {"ok": "at last"}])


@case()
async def both_sides_ask_back_while_they_answer(bench):
    pair = await bench.pair()
    echo = {"do": "echo", "args": {"v": ["deep"]}}
    at_client = {"do": "call", "args": {"client_id": pair.client_id, **echo}}
    at_server = {"do": "call", "args": {"client_id": None, **at_client}}
    answer = await pair.server_asks("call", {"client_id": None, **at_server})
    equal(answer, {"ok": {"ok": {"ok": ["deep"]}}})


# --- Chunks ------------------------------------------------------------------------------------------


@case(transports=STREAMS)
async def messages_in_chunks_of_64_bytes_go_both_ways(bench):
    pair = await bench.pair(max_chunk=64)
    values = ["", "ж" * 500, "😀" * 333, list(range(400)), {"k" * 100: "v" * 100}, "a" * 20_000]
    for asks in pair.directions:
        for value in values:
            equal(await asks("echo", {"v": value}), value)
        answers = await asyncio.gather(*(asks("big", {"n": 1000 + n}) for n in range(20)))
        equal(answers, ["b" * (1000 + n) for n in range(20)])
        equal(await failure(asks("err", {"kind": "req", "message": "m" * 300, "code": 1})), ["req", 1, "m" * 300])


@case(transports=STREAMS, is_large=True)
async def sixteen_mebibytes_go_both_ways_in_chunks_of_65536(bench):
    pair = await bench.pair(max_chunk=65536)
    value = "0123456789abcdef" * MIB
    assert await pair.server_asks("echo", {"v": value}) == value


@case(transports=STREAMS, roles=("server",))
async def an_answer_over_the_limit_comes_in_numbered_chunks(bench):
    raw = await bench.join((await bench.pair(max_chunk=64)).state)
    metadata, body = raw.parts("big", {"n": 500})
    for frame in pack_message(metadata, body, 64):
        raw.send(frame)
    pieces, total = [], 1
    while len(pieces) < total:
        code, payload = await raw.frame()
        equal(code, 11, "the code")
        index, total, size = (U32.unpack_from(payload, at)[0] for at in (0, 4, 8))
        equal([index, size > 0], [len(pieces), index == 0], "index, and whether there is metadata")
        pieces.append(payload[12 + size :])
        head = payload[12 : 12 + size] if index == 0 else head
    assert total > 5, f"{total} chunks"
    equal(json.loads(head), {**metadata, "type": 11}, "the metadata")
    equal(json.loads(b"".join(pieces)), "b" * 500)


@raw_case(transports=("tcp", "local"))
async def chunks_are_put_together_with_whole_messages_between_them(bench, raw):
    metadata, body = raw.parts("echo", {"v": "in four pieces, cut inside of 😀"}, id="chunked")
    head, cuts = json.dumps(metadata).encode(), (0, 0, 3, len(body) - 4, len(body))
    pieces = [body[start:end] for start, end in zip(cuts, cuts[1:])]
    frames = [
        pack_frame(11, U32.pack(index), U32.pack(4), U32.pack(len(head)), head, piece)
        if index == 0
        else pack_frame(11, U32.pack(index), U32.pack(4), U32.pack(0), piece)
        for index, piece in enumerate(pieces)
    ]
    for frame in frames[:-1]:
        raw.send(frame)
        equal(await raw.ask("echo", {"v": "whole"}), "whole")
    raw.send(frames[-1])
    answered, answer = await raw.message()
    equal([answered, answer], [{**metadata, "type": 11}, "in four pieces, cut inside of 😀"])
    raw.send(pack_frame(11, U32.pack(0), U32.pack(1), U32.pack(len(head)), head, body))
    equal((await raw.message())[1], "in four pieces, cut inside of 😀", "the answer to a single chunk")


# --- The handshake -----------------------------------------------------------------------------------


@case(roles=("server",))
async def a_server_says_hello_before_it_hears_one(bench):
    raw = await bench.connect((await bench.pair()).state)
    assert isinstance(await raw.hello(), dict)


@case(roles=("client",))
async def a_client_says_hello_before_it_hears_one(bench):
    listener = await bench.raw_server()
    await bench.process("client", listener.state, "--client-id", "Ж 1")
    equal((await (await listener.accept()).hello())["client_id"], "Ж 1")


@case(transports=STREAMS, roles=("server",))
async def a_server_takes_any_form_of_hello(bench):
    pair = await bench.pair()

    async def joined(name, *packets):
        raw = await bench.connect(pair.state)
        for packet in packets:
            raw.send(packet)
            await raw.writer.drain()
        await raw.hello()
        raw.client_id = name
        return raw

    hello = b'{"client_id": "bytewise"}\x00'
    raw = await joined("bytewise", *(hello[at : at + 1] for at in range(len(hello))))
    equal(await raw.ask("echo", {"v": 1}), 1)

    raw = await joined("extra", b'{"x":[1,{"y":null}],"client_id":"extra","z":"\\u0000"}\x00')
    equal(await raw.ask("echo", {"v": 2}), 2)
    await raw.be_asked("echo", {"v": "back"})

    raw = await bench.connect(pair.state)
    raw.send(b'{"client_id":"one packet"}\x00' + raw.request("echo", {"v": 3}))
    await raw.hello()
    equal((await raw.message())[1], 3)


@case(transports=STREAMS, roles=("client",))
async def a_client_takes_any_form_of_hello(bench):
    """On one client, which comes back after each connection that ends."""
    listener = await bench.raw_server()
    client = await bench.process("client", listener.state, "--client-id", "client")
    hello = b'{"hello": "hello"}\x00'
    bytewise = [hello[at : at + 1] for at in range(len(hello))]
    for packets in (bytewise, [b'{"x":[{}],"hello":"hello"}\x00'], [b"{}\x00"]):
        raw = await listener.accept()
        for packet in packets:
            raw.send(packet)
            await raw.writer.drain()
        await raw.hello()
        equal(await raw.ask("echo", {"v": 1}), 1)
        raw.drop()
    await client.ready()
    raw = await listener.accept()
    raw.send(hello + raw.request("echo", {"v": 2}))
    await raw.hello()
    equal((await raw.message())[1], 2)


@case(transports=STREAMS, roles=("client",))
async def a_refused_client_tries_again(bench):
    listener = await bench.raw_server()
    await bench.process("client", listener.state, "--client-id", "client")
    raw = await listener.accept()
    await raw.hello()
    raw.send(b'\x04{"reason": "not now"}')
    end = raw.writer.write_eof if raw.writer.can_write_eof() else raw.writer.close  # TLS has but one end
    end()
    await within(raw.reader.read(), "the client's end of the connection")
    raw.drop()
    equal(await (await listener.welcome()).ask("echo", {"v": 1}), 1)


# --- Metadata ----------------------------------------------------------------------------------------


@raw_case()
async def metadata_in_any_form_is_echoed(bench, raw):
    forms = {
        "compact": '{"id":"x","type":1%s}',
        "spaced": ' {\n"id" :\t"x" , "type" : 1 %s } ',
        "escaped": '{"\\u0069d": "\\u00e9\\ud83d\\ude00", "type": 1%s}',
        "extra keys, other order, numeric id": '{"zz": [1,{"a":null}], "type": 1, "trace": "t"%s, "id": 7}',
        "id null": '{"id": null, "type": 1%s}',
        "id an object": '{"id": {"a": [1]}, "type": 1%s}',
        "no id": '{"type": 1%s}',
    }
    route = ',"route":"echo"' if bench.mode == "route" else ""
    forms = {form: text % route for form, text in forms.items()}
    if bench.mode == "simple":
        forms["a route that nobody asked for"] = '{"id": "x", "type": 1, "route": "whatever"}'
    _, body = raw.parts("echo", {"v": 1})
    for form, text in forms.items():
        head = text.encode()
        raw.send(raw.packed_text(head, body))
        metadata, answer = await raw.message()
        equal([metadata, answer], [{**json.loads(text), "type": 11}, 1], f"the answer ({form})")


@raw_case()
async def answers_may_carry_metadata_in_any_form(bench, raw):
    forms = (
        lambda metadata: json.dumps(metadata, separators=(",", ":")),
        lambda metadata: json.dumps({"extra": [{}], **dict(reversed(metadata.items())), "more": None}),
        lambda metadata: json.dumps(metadata, indent=2),
    )
    for number, form in enumerate(forms):
        metadata, _ = await raw.be_asked("echo", {"v": 1})
        head = form({**metadata, "type": 11}).encode()
        raw.send(raw.packed_text(head, b" [ %d ] " % number))
        equal(await raw.outcome(), {"ok": [number]})


@raw_case()
async def an_answer_to_nothing_is_dropped(bench, raw):
    metadata, _ = await raw.be_asked("echo", {"v": 1})
    stray = json.dumps("stray").encode()
    for id in ("0" * 32, "", 7, None):
        raw.send(raw.packed({**metadata, "id": id, "type": 11}, stray))
    raw.send(raw.packed({**metadata, "type": 11}, b'"right"'))
    equal(await raw.outcome(), {"ok": "right"})
    raw.send(raw.packed({**metadata, "type": 11}, stray))  # answered already
    equal(await raw.ask("echo", {"v": 2}), 2)


@raw_case(modes=("route",))
async def a_request_without_a_route_leaves_the_connection_usable(bench, raw):
    raw.send(raw.packed({"id": "lost", "type": 1}, b"{}"))
    raw.send(raw.request("echo", {"v": 1}, id="after"))
    metadata, answer = await raw.message()
    if metadata["id"] == "lost":  # an error is as good as the Python library's silence
        metadata, answer = await raw.message()
    equal([metadata["id"], answer], ["after", 1])


# --- Malformed frames --------------------------------------------------------------------------------

META = b'{"id": "m", "type": 1, "route": "echo"}'
MALFORMED = {
    "length 0": bytes(4),
    "an unknown code": pack_frame(99, b"what"),
    "no room for the metadata's length": pack_frame(10, b"\x00\x00"),
    "metadata that is not JSON": pack_frame(10, U32.pack(8), b"nope"),
    "metadata that is no object": pack_frame(10, U32.pack(7), b"[1]"),
    "metadata without a type": pack_frame(10, U32.pack(6), b"{}"),
    "a type that is a string": pack_frame(10, U32.pack(17), b'{"type": "1"}'),
    "metadata longer than the frame": pack_frame(10, U32.pack(1000), META),
    "metadata shorter than its own length": pack_frame(10, U32.pack(3), META),
    "a chunk that ends in its header": pack_frame(11, U32.pack(0), U32.pack(2)),
    "metadata longer than the chunk": pack_frame(11, U32.pack(0), U32.pack(2), U32.pack(1000), META),
    "a length beyond any limit": U32.pack(2**32 - 1) + b"\x0a" + U32.pack(4 + len(META)) + META,
}


@case(transports=STREAMS, roles=("server",))
async def a_server_closes_a_connection_with_a_malformed_frame(bench):
    state = (await bench.pair()).state
    for what, frame in MALFORMED.items():
        broken = await bench.join(state)
        broken.send(frame)
        await broken.end(f"after {what}")


@case(transports=STREAMS, roles=("client",))
async def a_client_closes_a_connection_with_a_malformed_frame_and_comes_back(bench):
    malformed = list(MALFORMED.items())

    async def one_client(frames):
        listener = await bench.raw_server()
        await bench.process("client", listener.state, "--client-id", "client")
        for what, frame in frames:
            raw = await listener.welcome()
            equal(await raw.ask("echo", {"v": "there"}), "there")
            raw.send(frame)
            await raw.end(f"after {what}")
        equal(await (await listener.welcome()).ask("echo", {"v": "back"}), "back")

    await asyncio.gather(*(one_client(malformed[part::4]) for part in range(4)))


@case(transports=STREAMS, roles=("server",))
async def a_malformed_frame_leaves_others_served(bench):
    pair = await bench.pair()
    others = await bench.join(pair.state)
    for frame in MALFORMED.values():
        broken = await bench.join(pair.state)
        broken.send(frame)
        equal(await others.ask("echo", {"v": "served"}), "served")
    for asks in pair.directions:
        equal(await asks("echo", {"v": "served"}), "served")


# --- The end of a connection -------------------------------------------------------------------------

CLOSE_NOTIFY = bytes.fromhex("00000001 14")


async def says_only(raw, last_words):
    said = await within(raw.reader.read(), "the end of the stream")
    equal(said.hex(" "), last_words.hex(" "), "what came before the end of the stream")


@case(transports=STREAMS, roles=("server",))
async def a_server_told_to_end_says_so_and_exits_with_0(bench):
    state = bench.address()
    server = await bench.server(state)
    raws = [await bench.join(state) for _ in range(3)]
    for raw in raws:
        equal(await raw.ask("echo", {"v": 1}), 1)
    ending = asyncio.create_task(server.terminate())
    for raw in raws:
        await says_only(raw, CLOSE_NOTIFY)
    equal(await ending, 0, "the exit code")


@case(transports=STREAMS, roles=("client",))
async def a_client_told_to_end_says_so_and_exits_with_0(bench):
    listener = await bench.raw_server()
    client = await bench.process("client", listener.state, "--client-id", "client")
    raw = await listener.welcome()
    await client.ready()
    equal(await raw.ask("echo", {"v": 1}), 1)
    ending = asyncio.create_task(client.terminate())
    await says_only(raw, CLOSE_NOTIFY)
    raw.drop()
    equal(await ending, 0, "the exit code")


@case(transports=STREAMS, roles=("server",))
async def a_server_closes_when_it_gets_a_close_notify(bench):
    state = (await bench.pair()).state
    for notify in (CLOSE_NOTIFY, bytes.fromhex("00000003 14 abcd")):
        raw = await bench.join(state)
        equal(await raw.ask("echo", {"v": 1}), 1)
        raw.send(notify)
        await says_only(raw, b"")


@case(transports=STREAMS, roles=("client",))
async def a_client_closes_when_it_gets_a_close_notify_and_comes_back(bench):
    listener = await bench.raw_server()
    await bench.process("client", listener.state, "--client-id", "client")
    raw = await listener.welcome()
    equal(await raw.ask("echo", {"v": 1}), 1)
    raw.send(CLOSE_NOTIFY)
    await says_only(raw, b"")
    equal(await (await listener.welcome()).ask("echo", {"v": 2}), 2)


# --- Coming back -------------------------------------------------------------------------------------


@case()
async def a_client_comes_back_after_its_server_was_killed(bench):
    pair = await bench.new_pair()
    client, first = await pair.server_asks("who", {}), await pair.ask("who", {})
    await pair.server.kill()
    pair.server = await bench.server(pair.state)
    second = await pair.client_asks("who", {})
    assert second != first, "it is not a new server"
    equal(await pair.server_asks("who", {}), client)
    for asks in pair.directions:
        equal(await asks("echo", {"v": "back"}), "back")


@case()
async def a_client_started_anew_under_its_id_is_the_one_asked(bench):
    pair = await bench.new_pair()
    seen = {await pair.server_asks("who", {})}
    for ends in (Process.kill, Process.terminate):
        await ends(pair.client)
        pair.client = await bench.client(pair.state)
        seen.add(await pair.server_asks("who", {}))
        for asks in pair.directions:
            equal(await asks("echo", {"v": "here"}), "here")
    equal(len(seen), 3, "the number of runs")


@case(transports=STREAMS)
async def a_client_waits_for_its_server(bench):
    """It has once met a server that vanished without a hello, so it is surely trying already."""
    listener = await bench.raw_server()
    client = await bench.process("client", listener.state, "--client-id", "client")
    raw = await listener.accept()
    await raw.hello()
    listener.close()
    raw.drop()
    await bench.server(listener.state)
    await client.ready()
    driver = await bench.driver(listener.state)
    call = {"client_id": "client", "do": "echo", "args": {"v": "patient"}}
    equal(await within(driver.request("call", call), "the client"), {"ok": "patient"})


@case(roles=("server",))
async def an_answer_begun_on_one_connection_comes_out_on_the_next(bench):
    pair = await bench.pair()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def hold(args):
        begun.set()
        await go_on.wait()
        return "held"

    pair.driver.session.ops["hold"] = hold
    first = await bench.join(pair.state, "comes-back")
    first.send(first.request("call", {"client_id": "driver", "do": "hold", "args": {}}, id="long"))
    await within(begun.wait(), "the handler")
    first.drop()
    second = await bench.join(pair.state, "comes-back")
    equal(await second.ask("echo", {"v": 1}), 1)
    go_on.set()
    metadata, answer = await second.message()
    equal([metadata["id"], answer], ["long", {"ok": "held"}])


@raw_case(roles=("client",))
async def an_open_request_is_answered_on_the_next_connection(bench, raw):
    """The client's own request, and the one it was at work on, which waits for the first."""
    metadata, _ = await raw.be_asked("echo", {"v": 1})
    raw.drop()
    raw = await raw.next_connection()
    raw.send(raw.packed({**metadata, "type": 11}, b'"late"'))
    equal(await raw.outcome(), {"ok": "late"})


@case(transports=STREAMS, roles=("server",))
async def a_second_connection_of_a_client_takes_over(bench):
    state = (await bench.pair()).state
    first = await bench.join(state, "twice")
    equal(await first.ask("echo", {"v": 1}), 1)
    second = await bench.join(state, "twice")
    equal(await second.ask("echo", {"v": 2}), 2)
    await first.end()
    metadata, _ = await second.be_asked("echo", {"v": 3})
    second.send(second.packed({**metadata, "type": 11}, b"3"))
    equal(await second.outcome(), {"ok": 3})


# --- Addresses ---------------------------------------------------------------------------------------


@case()
async def a_connector_is_made_from_any_form_of_its_state(bench):
    state = json.loads(bench.address())
    server = await bench.server(json.dumps(state, separators=(",", ":")))
    await bench.client(json.dumps(dict(reversed(state.items())), indent=1))
    driver = await bench.driver(json.dumps(state))
    call = {"client_id": "client", "do": "echo", "args": {"v": 1}}
    equal(await within(driver.request("call", call), "the client"), {"ok": 1})
    await driver.close()
    equal(await server.terminate(), 0, "the exit code")


@case()
async def a_connector_of_an_unknown_type_is_refused(bench):
    for role in ROLES:
        process = await bench.process(role, '{"type": "PigeonConnector"}', "--client-id", "client")
        equal((await within(process.process.stdout.read(), "its output")).decode(), "", "its output")
        assert await process.exit_code() != 0


@case(transports=("local",))
async def the_name_of_a_local_connector_is_taken_in_lower_case(bench):
    state = json.loads(bench.address())
    shouted = json.dumps({**state, "name": state["name"].upper()})
    await bench.server(shouted)
    assert bench.socket_path(json.dumps(state)).is_socket()
    await bench.client(json.dumps(state), "lower")
    await bench.client(shouted, "UPPER")
    driver = await bench.driver(json.dumps(state))
    for client in ("lower", "UPPER"):
        call = {"client_id": client, "do": "echo", "args": {"v": client}}
        equal(await within(driver.request("call", call), client), {"ok": client})


@case(transports=("local",))
async def a_socket_left_behind_is_replaced(bench):
    state = bench.address()
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(bench.socket_path(state)))
    client = await bench.process("client", state, "--client-id", "client")
    await bench.server(state)
    await client.ready()
    driver = await bench.driver(state)
    call = {"client_id": "client", "do": "echo", "args": {"v": 1}}
    equal(await within(driver.request("call", call), "the client"), {"ok": 1})

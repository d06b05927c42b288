"""The values of the matrix."""

from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from notation import Native

SAME = object()  # as what a library decodes
NOT_THERE = object()  # in that language
REFUSED = object()  # by the type, or by the encoder


@dataclass(frozen=True)
class Value:
    name: str
    type: str  # in format_peer.cpp
    wire: Any  # what a library is to decode from what communica writes
    held: Any = SAME  # what the type is to hold, or REFUSED
    # What a program in JavaScript, Python or C++ encodes
    js: Any = SAME
    py: Any = SAME
    cpp: Any = SAME
    msgpack: bytes | None = None  # from which the type gets the value, if JSON does not have it

    def holds(self):
        return self.wire if self.held is SAME else self.held

    def encoded(self, language):
        own = getattr(self, language)
        return self.wire if own is SAME else own


def other(name, type, wire, encoded):
    """What is encoded otherwise than communica does."""
    return Value(name, type, wire, js=encoded, py=encoded, cpp=encoded)


def in_js(name, type, wire, expression, **others):
    """What JavaScript alone has."""
    return Value(name, type, wire, js=Native(expression), py=NOT_THERE, cpp=NOT_THERE, **others)


def in_py(name, type, wire, value, **others):
    """What Python alone has."""
    return Value(name, type, wire, js=NOT_THERE, py=value, cpp=NOT_THERE, **others)


def in_cpp(name, type, wire, native, **others):
    """What format_libraries.cpp makes."""
    return Value(name, type, wire, js=NOT_THERE, py=NOT_THERE, cpp=Native(native), **others)


ANN = {
    "id": 2**20,
    "name": "Ann",
    "height": 1.75,
    "active": True,
    "colour": "green",
    "home": {"city": "Riga", "floor": 3},
    "others": [{"city": "Oslo", "floor": None}, {"city": "", "floor": -1}],
    "points": {"a": 1, "b": -2},
}
RIGA = {"city": "Riga", "floor": 3}
WITHOUT_FLOOR = {"city": "Riga", "floor": None}
PAIRS = [[-1, "b"], [7, "a"]]
BY_INTEGERS = {-1: "b", 7: "a"}
TIME = "2024-05-06T07:08:09.123+00:00"
NANOSECONDS = 1714979289123000000

VALUES = [
    Value("true", "bool", True),
    Value("false", "bool", False),
    # ---- integers
    Value("0", "int32", 0),
    Value("int8 -128", "int8", -128),
    Value("uint8 255", "uint8", 255),
    Value("int16 -32768", "int16", -(2**15)),
    Value("uint16 65535", "uint16", 2**16 - 1),
    Value("int32 -2^31", "int32", -(2**31)),
    Value("int32 2^31-1", "int32", 2**31 - 1),
    Value("uint32 2^32-1", "uint32", 2**32 - 1),
    Value("int64 2^32", "int64", 2**32),
    Value("int64 -2^31-1", "int64", -(2**31) - 1),
    Value("int64 2^53-1", "int64", 2**53 - 1),
    Value("int64 2^53+1", "int64", 2**53 + 1),
    Value("int64 2^63-1", "int64", 2**63 - 1),
    Value("int64 -2^63", "int64", -(2**63)),
    Value("uint64 2^64-1", "uint64", 2**64 - 1),
    Value("2^70+5", "int64", NOT_THERE, REFUSED, js=Native("2n ** 70n + 5n"), py=2**70 + 5, cpp=NOT_THERE),
    in_js("Number 2^60", "int64", NOT_THERE, "2 ** 60", held=2**60),
    in_js("BigInt 5", "int64", 5, "5n"),
    in_js("Date.now()", "int64", 1714979289123, f"new Date('{TIME}').getTime()"),
    # ---- floats
    Value("double 0.1", "double", 0.1),
    Value("double 1.0", "double", 1.0),
    Value("double -0.0", "double", -0.0),
    Value("double 2^60", "double", 2.0**60),
    Value("double 1e20", "double", 1e20),
    Value("double 1e300", "double", 1e300),
    Value("double 5e-324", "double", 5e-324),
    Value("double NaN", "double", float("nan"), msgpack=bytes.fromhex("cb7ff8000000000000")),
    Value("double infinity", "double", float("inf"), msgpack=bytes.fromhex("cb7ff0000000000000")),
    Value("float 1.5", "float", 1.5),
    in_py("Decimal", "double", NOT_THERE, Decimal("1.10"), held=REFUSED),
    # ---- texts and bytes
    Value("empty text", "string", ""),
    Value("text of 31", "string", "x" * 31),
    Value("text of 300", "string", "x" * 300),
    Value("text of 70000", "string", "x" * 70000),
    Value("text of é, €, 😀 and NUL", "string", "é€😀\0"),
    in_js("text cut inside a character", "string", "\ufffd", "'😀'.slice(0, 1)"),
    Value("bytes", "bytes", b"\x00\x01\xff"),
    Value("no bytes", "bytes", b""),
    Value("300 bytes", "bytes", bytes(300)),
    other("bytes as numbers", "vector<uint8>", [1, 2, 255], b"\x01\x02\xff"),
    in_js("Uint8Array", "bytes", b"\x01\x02\xff", "new Uint8Array([1, 2, 255])"),
    # ---- what is not there
    Value("null", "optional<int64>", None),
    Value("optional 7", "optional<int64>", 7),
    in_js("undefined", "optional<string>", None, "undefined"),
    in_js("undefined in a field", "Address", WITHOUT_FLOOR, "({city: 'Riga', floor: undefined})"),
    other("field that is not there", "Address", WITHOUT_FLOOR, {"city": "Riga"}),
    # ---- arrays
    Value("empty array", "vector<int32>", []),
    Value("array of 16", "vector<int32>", list(range(16))),
    Value("array of arrays", "vector<vector<int32>>", [[1], [], [2, 3]]),
    Value("array with null", "vector<optional<int32>>", [1, None, 3]),
    Value("array of doubles", "vector<double>", [0.5, 1e300, -2.25]),
    Value("tuple", "tuple<int32, string, bool>", [1, "a", True], py=(1, "a", True)),
    in_js("Float32Array", "vector<float>", [0.5, -2.25], "new Float32Array([0.5, -2.25])"),
    in_js("Int32Array", "vector<int32>", [1, -2, 70000], "new Int32Array([1, -2, 70000])"),
    in_js("Set", "set<int32>", [1, 2, 3], "new Set([3, 1, 2])"),
    in_py("set", "set<int32>", [1, 2, 3], {3, 1, 2}),
    # ---- maps
    Value("empty map", "map<string, int32>", {}),
    Value("map by text", "map<string, int32>", {"a": 1, "é": 2}),
    Value("map of 20", "map<string, int32>", {f"k{n:02}": n for n in range(20)}),
    Value("map with __proto__", "map<string, int32>", {"__proto__": 1}),
    in_js("Map by text", "map<string, int32>", {"a": 1}, "new Map([['a', 1]])"),
    in_js("Map by integers", "map<int32, string>", PAIRS, "new Map([[7, 'a'], [-1, 'b']])", held=BY_INTEGERS),
    in_js("object by integers", "map<int32, string>", [[7, "a"]], "({7: 'a'})", held={7: "a"}),
    Value("map by integers", "map<int32, string>", PAIRS, BY_INTEGERS, js=NOT_THERE, py=BY_INTEGERS, cpp=BY_INTEGERS),
    # ---- models
    Value("model", "Person", ANN),
    other("model with an unknown field", "Address", RIGA, {"zip": [{"a": 1}], **RIGA}),
    in_js("object of a class", "Address", RIGA, "new (class Address { city = 'Riga'; floor = 3; })()"),
    in_cpp("struct", "Address", RIGA, "struct"),
    Value("enum", "Colour", "green", cpp=Native("enum")),
    Value("variant by kind", "variant<int64, string>", "seven", [1, "seven"]),
    Value("variant by keys", "variant<Circle, Box>", {"width": 2.5, "height": 0.5}, [1, {"width": 2.5, "height": 0.5}]),
    # ---- times
    Value("time as text", "time", TIME, NANOSECONDS),
    in_js("Date", "time", TIME, f"new Date('{TIME}')", held=NANOSECONDS),
    in_py("datetime", "time", TIME, datetime.fromisoformat(TIME), held=NANOSECONDS),
    in_py("datetime without a zone", "time", TIME, datetime.fromisoformat(TIME).replace(tzinfo=None), held=NANOSECONDS),
    in_cpp("timespec", "time", TIME, "timespec", held=NANOSECONDS),
    Value("duration of 90 s", "seconds", 90),
    Value("duration of 1500 ms", "milliseconds", 1.5, 1500),
    # ---- without a type
    Value("tree", "json", {"a": [1, 2.5, None, True, "x"], "b": {}, "c": [[]]}),
    Value("tree with bytes", "json", {"a": b"\x01\x02"}, msgpack=b"\x81\xa1a\xc4\x02\x01\x02"),
]
assert len({value.name for value in VALUES}) == len(VALUES)

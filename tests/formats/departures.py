"""What does not pass, by the names that docs/serializers.md has for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Departure:
    name: str
    libraries: list[str]  # by name, for all of its settings, or with certain ones
    way: str  # what is encoded there "loads" here, what is dumped here "decodes" there
    outcomes: dict[str, str]  # by the names of the values

    def is_of(self, library):
        return library.name in self.libraries or str(library) in self.libraries


OBJECTS = [
    "empty map",
    "map by text",
    "map of 20",
    "map with __proto__",
    "field that is not there",
    "undefined in a field",
    "model",
    "model with an unknown field",
    "object of a class",
]

DEPARTURES = [
    # ---- numbers
    Departure(
        "-0",
        ["msgpackr", "@msgpack/msgpack", "msgpack-lite", "cbor-x", "cborg", "JSON.stringify", "msgpack-cxx"],
        "loads",
        {"double -0.0": "becomes 0.0"},
    ),
    Departure(
        "BigInt",
        ["@msgpack/msgpack, defaults", "msgpack-lite", "JSON.stringify"],
        "loads",
        {
            "BigInt 5": "not encoded",
            "int64 2^53+1": "not encoded",
            "int64 2^63-1": "not encoded",
            "int64 -2^63": "not encoded",
            "uint64 2^64-1": "not encoded",
        },
    ),
    Departure(
        "integers beyond 2^53",
        [
            "@msgpack/msgpack, defaults",
            "msgpack-lite",
            "cbor-x, useRecords: false, mapsAsObjects: true, int64AsNumber: true",
            "JSON.stringify",
        ],
        "decodes",
        {
            "int64 2^53+1": "becomes 9007199254740992",
            "int64 2^63-1": "becomes 9223372036854775808",
            "uint64 2^64-1": "becomes 18446744073709551616",
        },
    ),
    Departure(
        "integers beyond 64 bits",
        ["msgpackr", "@msgpack/msgpack, defaults", "msgpack-lite", "cborg", "JSON.stringify", "Python msgpack", "orjson"],
        "loads",
        {"2^70+5": "not encoded"},
    ),
    Departure("integers beyond 64 bits", ["@msgpack/msgpack, useBigInt64: true"], "loads", {"2^70+5": "becomes 5"}),
    Departure(
        "integers beyond 64 bits",
        ["cbor-x", "cbor", "cbor2"],
        "loads",
        {"2^70+5": "refused: an integer that does not fit 64 bits"},
    ),
    Departure(
        "integers beyond 64 bits",
        ["Python json"],
        "loads",
        {"2^70+5": "refused: the integer 1180591620717411303429 fits neither 64 bits nor a double"},
    ),
    Departure(
        "integers of 8 bytes",
        ["msgpackr, defaults", "msgpackr, useRecords: true", "@msgpack/msgpack, useBigInt64: true"],
        "decodes",
        {"int64 -2^31-1": "becomes BigInt -2147483649"},
    ),
    Departure(
        "integers of 8 bytes",
        [
            "msgpackr, defaults",
            "msgpackr, useRecords: true",
            "@msgpack/msgpack, useBigInt64: true",
            "cbor-x, defaults",
            "cbor-x, useRecords: true",
        ],
        "decodes",
        {
            "int64 2^32": "becomes BigInt 4294967296",
            "int64 2^53-1": "becomes BigInt 9007199254740991",
            "Date.now()": "becomes BigInt 1714979289123",
        },
    ),
    Departure(
        "numbers beyond 2^53",
        ["msgpackr", "@msgpack/msgpack", "msgpack-lite", "cbor-x", "cbor", "cborg"],
        "loads",
        {"Number 2^60": "refused: expected integer in -9223372036854775808..9223372036854775807, got 1152921504606846976.0"},
    ),
    Departure("numbers beyond 2^53", ["JSON.stringify"], "loads", {"Number 2^60": "becomes 1152921504606847000"}),
    Departure(
        "NaN and infinity",
        ["JSON.stringify", "Python json", "orjson", "nlohmann dump"],
        "decodes",
        {
            "double NaN": "not written: JSON has no NaN and no infinity",
            "double infinity": "not written: JSON has no NaN and no infinity",
        },
    ),
    Departure(
        "NaN and infinity",
        ["JSON.stringify", "orjson", "nlohmann dump"],
        "loads",
        {
            "double NaN": "refused: expected number in a double's range, got null",
            "double infinity": "refused: expected number in a double's range, got null",
        },
    ),
    Departure(
        "NaN and infinity",
        ["Python json"],
        "loads",
        {
            "double NaN": "refused: not JSON: expected a value, got 'N' at byte 0",
            "double infinity": "refused: not JSON: expected a value, got 'I' at byte 0",
        },
    ),
    Departure("Decimal", ["Python msgpack", "Python json", "orjson"], "loads", {"Decimal": "not encoded"}),
    Departure(
        "Decimal",
        ["cbor2"],
        "loads",
        {"Decimal": "refused: a decimal fraction (tag 4), which is not supported"},
    ),
    # ---- texts and bytes
    Departure(
        "half characters",
        ["@msgpack/msgpack"],
        "loads",
        {"text cut inside a character": "refused: not MessagePack: a text that is not UTF-8, at byte 4"},
    ),
    Departure(
        "half characters",
        ["cbor-x"],
        "loads",
        {"text cut inside a character": "refused: not CBOR: a text that is not UTF-8, at byte 4"},
    ),
    Departure(
        "half characters",
        ["JSON.stringify"],
        "loads",
        {"text cut inside a character": "refused: not JSON: a surrogate without its other half at byte 7"},
    ),
    Departure(
        "bytes",
        ["JSON.stringify", "Python json", "orjson", "nlohmann dump"],
        "loads",
        {"bytes as numbers": 'refused: expected array, got "AQL/"'},
    ),
    Departure(
        "bytes",
        ["JSON.stringify", "Python json", "orjson", "nlohmann dump"],
        "decodes",
        {"tree with bytes": "not written: /a: JSON has no bytes"},
    ),
    Departure(
        "Uint8Array",
        ["msgpack-lite"],
        "loads",
        {"Uint8Array": "refused: expected bytes, got an extension of type 18"},
    ),
    Departure(
        "Uint8Array",
        ["JSON.stringify"],
        "loads",
        {"Uint8Array": "refused: expected bytes in base64, got an object"},
    ),
    # ---- arrays and maps
    Departure(
        "typed arrays",
        ["msgpackr", "@msgpack/msgpack", "cborg"],
        "loads",
        {
            "Float32Array": "refused: expected array, got 8 bytes",
            "Int32Array": "refused: expected array, got 12 bytes",
        },
    ),
    Departure(
        "typed arrays",
        ["msgpack-lite"],
        "loads",
        {
            "Float32Array": "refused: expected array, got an extension of type 23",
            "Int32Array": "refused: expected array, got an extension of type 21",
        },
    ),
    Departure(
        "typed arrays",
        ["JSON.stringify"],
        "loads",
        {
            "Float32Array": "refused: expected array, got an object",
            "Int32Array": "refused: expected array, got an object",
        },
    ),
    Departure(
        "sets",
        ["@msgpack/msgpack", "msgpack-lite", "JSON.stringify"],
        "loads",
        {"Set": "refused: expected array, got an object"},
    ),
    Departure("sets", ["cborg"], "loads", {"Set": "not encoded"}),
    Departure("sets", ["Python msgpack", "Python json", "orjson"], "loads", {"set": "not encoded"}),
    Departure(
        "Map",
        ["@msgpack/msgpack", "msgpack-lite", "JSON.stringify"],
        "loads",
        {"Map by text": "becomes {}", "Map by integers": "becomes {}"},
    ),
    Departure("maps by integers", ["orjson"], "loads", {"map by integers": "not encoded"}),
    Departure(
        "`__proto__`",
        [
            "msgpackr, defaults",
            "msgpackr, useRecords: false, int64AsType: 'auto'",
            "cbor-x, defaults",
            "cbor-x, useRecords: false, mapsAsObjects: true, int64AsNumber: true",
        ],
        "decodes",
        {"map with __proto__": "becomes {'__proto_': 1}"},
    ),
    Departure("`__proto__`", ["msgpack-lite"], "decodes", {"map with __proto__": "becomes {}"}),
    Departure("`__proto__`", ["@msgpack/msgpack"], "decodes", {"map with __proto__": "not decoded"}),
    # ---- models, times, nothing
    Departure(
        "records",
        ["msgpackr, useRecords: true"],
        "loads",
        {
            **dict.fromkeys(OBJECTS, "refused: expected object, got an extension of type 114"),
            "object by integers": "refused: expected array of pairs, got an extension of type 114",
            "variant by keys": "refused: expected object, got an extension of type 114",
            "tree": "refused: not MessagePack: nothing behind an extension of type 114 but 28 bytes more, at byte 3",
            "tree with bytes": "refused: not MessagePack: nothing behind an extension of type 114 but 7 bytes more, at byte 3",
        },
    ),
    Departure(
        "records",
        ["cbor-x, useRecords: true"],
        "loads",
        dict.fromkeys(
            [*OBJECTS, "object by integers", "variant by keys", "tree", "tree with bytes"],
            "refused: a record of cbor-x (tag 57343), which is not supported",
        ),
    ),
    Departure("structs", ["msgpack-cxx, defaults"], "loads", {"struct": "refused: expected object, got an array"}),
    Departure(
        "enums",
        ["msgpack-cxx", "nlohmann to_msgpack", "nlohmann to_cbor", "nlohmann dump"],
        "loads",
        {"enum": 'refused: expected one of "red", "green", got 1'},
    ),
    Departure("times", ["cborg"], "loads", {"Date": "not encoded"}),
    Departure(
        "times",
        ["msgpack-lite"],
        "loads",
        {"Date": 'refused: expected time as in "2024-05-06T07:08:09Z", got an extension of type 13'},
    ),
    Departure("times", ["Python msgpack, defaults", "Python json"], "loads", {"datetime": "not encoded"}),
    Departure(
        "times",
        ["nlohmann to_msgpack", "nlohmann to_cbor", "nlohmann dump"],
        "loads",
        {"timespec": "not encoded"},
    ),
    Departure(
        "times without a zone",
        ["Python msgpack", "cbor2, defaults", "Python json"],
        "loads",
        {"datetime without a zone": "not encoded"},
    ),
    Departure(
        "times without a zone",
        ["orjson"],
        "loads",
        {
            "datetime without a zone": 'refused: expected time as in "2024-05-06T07:08:09Z", '
            'got "2024-05-06T07:08:09.123000"'
        },
    ),
    Departure("undefined", ["JSON.stringify"], "loads", {"undefined": "not encoded"}),
]

"""Writes tests/binary_vectors.json: values, and what Python's msgpack and cbor2 make of them.

    binary_vectors.py > tests/binary_vectors.json      needs the packages msgpack and cbor2
"""

import json
import sys

import cbor2
import msgpack

TEXTS = ["", "a", "x" * 31, "x" * 32, "x" * 255, "x" * 256, "x" * 65535, "x" * 65536, "caf\u00e9 \U0001f600"]
POWERS = [2**n + d for n in (0, 5, 7, 8, 15, 16, 31, 32, 63) for d in (-1, 0, 1)]
INTEGERS = [n for p in [*POWERS, 23, 24, 25, 127, 2**64 - 1] for n in (p, -p) if -(2**63) <= n < 2**64]
FLOATS = [0.0, -0.0, 1.0, 0.1, 1e22, 5e-324, 1.7976931348623157e308, -2.5]


def array(size):
    return [0] * size


def mapping(size):
    return {f"{n:05}": n for n in range(size)}


VALUES = [None, True, False, *TEXTS, *INTEGERS, *FLOATS]
VALUES += [make(size) for make in (array, mapping) for size in (0, 1, 15, 16, 23, 24, 255, 256, 65535, 65536)]
VALUES += [{"a": [1, {"b": None}, "c"], "d": {"e": 1.5}}]

# Bytes are given by their number: that many times 0x5a.
SIZES = [0, 1, 23, 24, 255, 256, 65535, 65536]


def shown(data):
    """The hexadecimal bytes, or a digest of what is long: length and FNV-1a."""
    if len(data) <= 600:
        return data.hex()
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return f"{len(data)} bytes, {digest:016x}"


def vectors(value):
    return {"msgpack": shown(msgpack.packb(value)), "cbor": shown(cbor2.dumps(value))}


def described(value):
    """Large values by how they are made."""
    if isinstance(value, str) and len(value) > 100:
        return {"text": len(value)}
    if isinstance(value, list) and len(value) > 100:
        return {"array": len(value)}
    if isinstance(value, dict) and len(value) > 30:
        return {"map": len(value)}
    return {"value": value}


if __name__ == "__main__":
    lines = [described(value) | vectors(value) for value in VALUES]
    lines += [{"bytes": size} | vectors(b"\x5a" * size) for size in SIZES]
    sys.stdout.write("[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n")

"""Values as JSON that says what they are, in which the programs of this test write them to each other.

    null, true, false, "text", [1, ...]    are themselves
    {"i": "5"}, {"f": "1.5"}               an integer, a float
    {"number": "5"}, {"bigint": "5"}       a number and a BigInt of JavaScript
    {"bytes": "0102"}                      bytes; with "subtype" those of an extension
    {"map": [[key, value], ...]}           a map, an object, or a struct
    {"native": "new Date(0)"}              what this text is in the library's language; to be encoded
    {"other": "Tagged"}                    decoded to: something that has no notation
"""

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Native:
    text: str


@dataclass(frozen=True)
class Other:
    text: str


@dataclass(frozen=True)
class Number:
    """JavaScript's: for an integer or a float. A BigInt, which does not add to the others, only where these do not do."""

    value: int | float
    is_big: bool = False

    def stands_for(self, other):
        if type(other) not in (int, float) or (self.is_big and abs(self.value) < 2**53):
            return False
        return same_number(self.value, other)


def written(value):
    """The notation of a value."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return {"i": str(value)}
        case float():
            return {"f": repr(value)}
        case bytes() | bytearray():
            return {"bytes": value.hex()}
        case list() | tuple():
            return [written(element) for element in value]
        case dict():
            return {"map": [[written(key), written(element)] for key, element in value.items()]}
        case Native():
            return {"native": value.text}
        case _:
            return {"other": type(value).__name__}


def number(text):
    return int(text) if text.lstrip("-").isdigit() and text != "-0" else float(text)


def read(notation):
    match notation:
        case list():
            return [read(element) for element in notation]
        case {"i": text}:
            return int(text)
        case {"f": text}:
            return float(text)
        case {"number": text}:
            return Number(number(text))
        case {"bigint": text}:
            return Number(int(text), is_big=True)
        case {"bytes": text, "subtype": subtype}:
            return Other(f"extension {subtype} {text}")
        case {"bytes": text}:
            return bytes.fromhex(text)
        case {"map": pairs}:
            read_pairs = [(read(key), read(value)) for key, value in pairs]
            return {key.value if isinstance(key, Number) else key: value for key, value in read_pairs}
        case {"other": text}:
            return Other(text)
        case _:
            return notation


def same_number(a, b):
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if math.isinf(a) or math.isinf(b):
        return a == b
    return Fraction(a) == Fraction(b) and math.copysign(1, a) == math.copysign(1, b)


def same(a, b):
    """Is `b` the value `a`, in kind, too? 5 is not 5.0, 0.0 not -0.0, and NaN is NaN."""
    if isinstance(b, Number):
        return b.stands_for(a)
    if type(a) is not type(b):
        return False
    match a:
        case float():
            return same_number(a, b)
        case list():
            return len(a) == len(b) and all(map(same, a, b))
        case dict():
            return len(a) == len(b) and all(key in b and same(value, b[key]) for key, value in a.items())
        case _:
            return a == b


def shown(value):
    """In short."""
    match value:
        case Number():
            return f"{'BigInt ' * value.is_big}{value.value}"
        case Other():
            return value.text
        case list():
            return f"[{', '.join(map(shown, value))}]"
        case dict():
            return "{" + ", ".join(f"{key!r}: {shown(element)}" for key, element in value.items()) + "}"
        case _:
            text = repr(value)
            return text if len(text) < 80 else f"{text[:40]}... of {len(value)}"

"""seeds.py GOLDEN DIRECTORY: what the fuzzers begin with, a directory for each target, from the golden vectors."""

import json
import pathlib
import sys


def metadata_and_body(frame: bytes) -> tuple[bytes, bytes]:
    """Of a frame that is a whole message."""
    end = 5 + int.from_bytes(frame[5:9], "big")
    return frame[9:end], frame[end:]


def message(metadata: bytes, body: bytes) -> bytes:
    rest = b"\x0a" + (4 + len(metadata)).to_bytes(4, "big") + metadata + body
    return len(rest).to_bytes(4, "big") + rest


def seeds(vectors: dict[str, bytes]) -> dict[str, list[bytes]]:
    """For each target its inputs. The first byte of most chooses how the rest is used."""
    hellos = [v for v in vectors.values() if v.startswith(b"{") and v.endswith(b"\0")]
    refusals = [v for v in vectors.values() if b"\x04" in v[:20] and b"reason" in v]
    frames = [v for v in vectors.values() if len(v) >= 5 and v[:2] == b"\0\0" and v[4] in (10, 11, 20)]
    messages = [metadata_and_body(frame) for frame in frames if frame[4] == 10]
    chunks = [
        bytes([frame[8], frame[12], frame[16], min(63, len(frame) - 17 - frame[16])]) + frame[17:]
        for frame in frames
        if frame[4] == 11
    ]
    errors = [(metadata, body) for metadata, body in messages if b'"message"' in body]
    numbers = [b'{"code": %d, "message": "m", "errc": "%s"}' % (code, name)
               for code, name in [(2**63 - 1, b"busy"), (2**63, b"draining"), (-(2**63), b"closed"), (1, b"timeout")]]
    types = {b"30": 0, b"41": 1, b"42": 2, b"51": 3}
    route = b'{"id": "00112233445566778899aabbccddeeff", "type": 1, "route": "%s"}'
    answer = b'{"id": "{the id of what was asked of us}", "type": %d}'
    hello = b'{"client_id": "cafe"}\0'
    ask, permission, two = b"\0\0\0\1\x23", b"\0\0\0\1\x24", b"\0\0\0\2\x25\2"
    descriptors = [ask + two + frames[0], permission + ask, ask + ask, two[:4] + b"\x25\0" + frames[0], ask + b"\0\0\0\3\x25\1\1"]
    conversations = [b"".join(frames)] + [message(route % name, body) for name in (b"echo", b"post", b"number", b"none")
                                          for body in (b"1", b'"text"', b"[1, {\"a\": null}]", b"{bad")]
    conversations += [message(answer % 11, b"1"), message(answer % 41, b'{"code": 4, "message": "no"}')]
    conversations += [message(b'{"id": "a", "type": 1, "route": "echo"}', b'"' + b"x" * 600 + b'"')]
    progress = b'{"id": "%s", "type": 13}'
    asked = b"{the id of what was asked of us}"
    conversations += [message(progress % asked, body) + message(answer % 11, b"1")
                      for body in (b"0.5", b'"text"', b"{bad", b"[" * 200)]
    conversations += [message(progress % b"unknown", b"1"), message(b'{"type": 13}', b"1"),
                      message(b'{"id": "p", "type": 1, "route": "progress", "headers": {"communica-progress": "1"}}', b"3")]
    offering = (b'{"client_id": "cafe", "communica": {"session": "5e55", "extensions": ["cancel", "streams", "ping"]}}\0')
    stream = b'{"id": "s", "type": %d}'
    opening = message(b'{"id": "s", "type": 7, "route": "%s"}' % b"pass", bytes.fromhex("0000040000000010") + b"null")
    item = bytes.fromhex("00000003") + b'"i"'
    streams = [offering + opening + rest for rest in (
        b"", message(stream % 8, b"\1" + item * 3), message(stream % 8, b"\1" + item) + message(stream % 8, b"\4"),
        message(stream % 8, b"\2" + bytes.fromhex("00000100000000040000000000000000")), message(stream % 8, b"\3"),
        message(stream % 8, b'\5\x29{"code": 4, "message": "no"}'), message(stream % 9, b"\4"), opening,
        message(b'{"id": "s", "type": 3}', b""))]
    nonce, proof = b"5f" * 32, b"{the proof that somebody with the key would show at this place}!"
    keyed = b'{"client_id": "cafe", "communica": {"nonce": "' + nonce + b'"}}\0'
    shown = b'{"communica": {"proof": "' + proof + b'"}}\0'
    challenge = b'{"communica": {"nonce": "' + nonce + b'", "proof": "' + proof + b'"}}\0'
    greeting = b'{"hello": "hello"}\0'
    return {
        "authentication": [seed.replace(proof, p) for p in (proof, nonce) for seed in
                           (b"\0" + challenge + greeting, b"\0" + greeting, b"\1" + keyed + shown, b"\1" + hello,
                            b"\1" + keyed + challenge)],
        "frame_reader": [bytes([choice]) + frame for frame in frames + descriptors + [b"".join(frames)]
                         for choice in (0xF8, 3, 17)] +
                        [bytes([0xFC]) + lent + b"\0\0\0\x05\x21\0\0\0\1\0\0\0\x05\x22\0\0\0\2" for lent in
                         [b"\0\0\0\x0f\x20" + b"\0\0\0\2\0\0\0\1\0\0\0\x40{}"]],
        "chunks": [bytes([choice]) + v for v in chunks + [b"".join(chunks[:3]), b"".join(chunks)] for choice in (0, 33)],
        "metadata": [metadata for metadata, _ in messages],
        "handshake": [bytes([choice]) + v for v in hellos + refusals for choice in (0, 255)],
        "error_body": [bytes([kind]) + body for metadata, body in errors for digits, kind in types.items()
                       if b'"type": ' + digits in metadata] + [b"\1" + body for body in numbers],
        "streams": [bytes([choice]) + steps for choice in (0, 0x25) for steps in
                    (bytes([0x50, 0x21, 0x0A, 0x0F]) * 8, bytes([0xFC, 0xFC, 0x05, 0xFE, 0x03, 0xFF]) * 3)] +
                   [b"\x80" + bytes([7]) + b"\0\0\0\1a\x80\0\0\2bc" + bytes([2]) + b"\0\0\0\4last"],
        "lent_segments": [bytes(steps) for steps in
                          ([0, 0, 64, 1, 0, 32, 5, 0, 0, 3, 0, 0], [4, 0, 64, 6, 0, 0, 6, 0, 0, 2, 1, 0, 7, 0, 1, 7, 0, 1, 2, 1, 0])],
        "ring": [bytes([choice]) + steps for choice in (0, 31) for steps in
                 (bytes([0x41, 0x42, 0xFD, 0xFE, 0x03]) * 8, bytes([4, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5, 4, 0, 0, 0, 0, 1, 0, 0, 9, 9]) * 4)],
        "server": [bytes([choice]) + v for v in
                   hellos + refusals + streams + [hello + v for v in frames + descriptors + conversations] + [hello + b"".join(conversations)]
                   for choice in (0, 0x95)],
    }


def main() -> None:
    golden, directory = sys.argv[1:]
    with open(golden, encoding="utf-8") as file:
        vectors = {e["name"]: bytes.fromhex(e["hex"]) for e in json.load(file) if e["transport"] != "rabbitmq"}
    for target, inputs in seeds(vectors).items():
        if not inputs:
            sys.exit(f"no seeds for {target}")
        path = pathlib.Path(directory, target)
        path.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(inputs):
            (path / f"{number:03}").write_bytes(data)


main()

"""The other libraries: what each is set to, and who encodes and decodes with it."""

import importlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from datetime import timezone
from functools import partial
from pathlib import Path

from notation import read, written

HERE = Path(__file__).resolve().parent
NOT_DECODED = object()


@dataclass(frozen=True)
class Library:
    """With certain settings: a line of the table in docs/serializers.md."""

    name: str
    version: str
    format: str
    language: str  # js, py or cpp
    settings: str = ""  # in its own language, as the table has them

    def __str__(self):
        return f"{self.name}, {self.settings or 'defaults'}"


def npm(name, format, settings=""):
    version = json.loads((HERE / "package.json").read_text())["dependencies"][name]
    return Library(name, version, format, "js", settings)


LIBRARIES = [
    npm("msgpackr", "msgpack"),
    npm("msgpackr", "msgpack", "useRecords: false, int64AsType: 'auto'"),
    npm("msgpackr", "msgpack", "useRecords: true"),
    npm("@msgpack/msgpack", "msgpack"),
    npm("@msgpack/msgpack", "msgpack", "useBigInt64: true"),
    npm("msgpack-lite", "msgpack"),
    npm("cbor-x", "cbor"),
    npm("cbor-x", "cbor", "useRecords: false, mapsAsObjects: true, int64AsNumber: true"),
    npm("cbor-x", "cbor", "useRecords: true"),
    npm("cbor", "cbor"),
    npm("cborg", "cbor"),
    Library("JSON.stringify", "", "json", "js"),
    Library("Python msgpack", "1.0.3", "msgpack", "py"),
    Library("Python msgpack", "1.0.3", "msgpack", "py", "packb(datetime=True), unpackb()"),
    Library("cbor2", "5.4.6", "cbor", "py"),
    Library("cbor2", "5.4.6", "cbor", "py", "dumps(timezone=timezone.utc), loads()"),
    Library("Python json", "", "json", "py"),
    Library("orjson", "3.10.7", "json", "py"),
    Library("msgpack-cxx", "4.1.3", "msgpack", "cpp"),
    Library("msgpack-cxx", "4.1.3", "msgpack", "cpp", "MSGPACK_DEFINE_MAP"),
    Library("nlohmann to_msgpack", "3.11.2", "msgpack", "cpp"),
    Library("nlohmann to_cbor", "3.11.2", "cbor", "cpp"),
    Library("nlohmann dump", "3.11.2", "json", "cpp"),
]


class Program:
    """Reads a question a line, and writes an answer for each."""

    def __init__(self, *command):
        self.command = command

    def ask(self, questions):
        lines = "".join(json.dumps(question) + "\n" for question in questions)
        said = subprocess.run(self.command, input=lines, stdout=subprocess.PIPE, text=True, check=True).stdout
        return [json.loads(line) for line in said.splitlines()]


class Others:
    """Libraries of another language, in a program."""

    def __init__(self, program):
        self.program = program

    def ask(self, name, tasks):
        return self.program.ask(
            {"library": library.name, "settings": library.settings, name: content} for library, content in tasks
        )

    def encode(self, tasks):
        """Of pairs of a library and a value each the bytes, or None if the encoder refuses it."""
        answers = self.ask("encode", [(library, written(value)) for library, value in tasks])
        return [bytes.fromhex(answer["hex"]) if "hex" in answer else None for answer in answers]

    def decode(self, tasks):
        """Of pairs of a library and bytes each the value, or NOT_DECODED."""
        answers = self.ask("decode", [(library, data.hex()) for library, data in tasks])
        return [read(answer["value"]) if "value" in answer else NOT_DECODED for answer in answers]


# The module, its encoder and its decoder.
MODULES = {
    "Python msgpack": ("msgpack", "packb", "unpackb"),
    "cbor2": ("cbor2", "dumps", "loads"),
    "Python json": ("json", "dumps", "loads"),
    "orjson": ("orjson", "dumps", "loads"),
}


class Pythons:
    """Libraries of this language."""

    def encode(self, tasks):
        return [self.encode_one(library, value) for library, value in tasks]

    def decode(self, tasks):
        return [self.decode_one(library, data) for library, data in tasks]

    @staticmethod
    def calls(library):
        """Its encoder and its decoder."""
        name, *calls = MODULES[library.name]
        module = importlib.import_module(name)
        names = {call: lambda call=getattr(module, call), **settings: partial(call, **settings) for call in calls}
        return eval(library.settings or ", ".join(f"{call}()" for call in calls), {"timezone": timezone, **names})

    def encode_one(self, library, value):
        encoder, _ = self.calls(library)
        try:
            data = encoder(value)
        except Exception:  # each has its own
            return None
        return data.encode() if isinstance(data, str) else data

    def decode_one(self, library, data):
        _, decoder = self.calls(library)
        try:
            return read(written(decoder(data)))
        except Exception:
            return NOT_DECODED


def node_packages(build):
    """Puts npm's packages into the directory `build`, if they are not there. Returns what is missing for that."""
    missing = [f"{name} is not installed" for name in ("node", "npm") if not shutil.which(name)]
    if missing:
        return missing[0]
    lock, installed = (HERE / "package-lock.json").read_text(), build / "installed"
    build.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "libraries.mjs", build)  # which looks for packages beside it
    if installed.exists() and installed.read_text() == lock:
        return None
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, build)
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--loglevel=error"]
    if subprocess.run(npm, cwd=build, stdin=subprocess.DEVNULL).returncode:
        return "npm could not fetch the packages of tests/formats/package.json"
    installed.write_text(lock)
    return None

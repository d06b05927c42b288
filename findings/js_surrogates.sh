#!/usr/bin/env bash
# A JavaScript string that was cut inside a character goes out as text that is not UTF-8, or as JSON that not all can read.
#
# Versions: @msgpack/msgpack 3.1.3, cbor-x 1.6.9, cbor 10.0.12 (npm), Node.js 20; nlohmann/json 3.11.2 (Debian 12), Python 3.
#
# `'A😀'.slice(0, 2)` is a valid string that ends with half a surrogate pair. @msgpack/msgpack and cbor-x write the half as three
# bytes (ed a0 bd) that UTF-8 forbids, and label them as text; cbor writes U+FFFD. JSON.stringify escapes the half, which
# Python's json reads, and nlohmann/json refuses. nlohmann/json in turn takes the other two, and fails when it dumps the value as JSON.
#
# What to do: `text.toWellFormed()` (Node.js 20) before it is sent.
#
# Seen:
#   JSON.stringify writes: "A\ud83d"
#   @msgpack/msgpack writes: a441eda0bd
#   cbor-x writes: 6441eda0bd
#   cbor writes: 6441efbfbd
#   Python reads the JSON: 'A\ud83d'
#   nlohmann/json reads the JSON: [json.exception.parse_error.101]
#   nlohmann/json reads the MessagePack: read; dump: [json.exception.type_error.316] invalid UTF-8 byte at index 2: 0xA0
#   nlohmann/json reads the CBOR: read; dump: [json.exception.type_error.316] invalid UTF-8 byte at index 2: 0xA0
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need g++ python3

npm_package @msgpack/msgpack@3.1.3 cbor-x@1.6.9 cbor@10.0.12
debian_package bookworm "$work/bookworm" nlohmann-json3-dev=3.11.2-2

cat >"$work/write.js" <<'END'
const cut = 'A\u{1F600}'.slice(0, 2);  // "A😀", cut to its first two UTF-16 units
const encoders = {
  'JSON.stringify': JSON.stringify,
  '@msgpack/msgpack': require('@msgpack/msgpack').encode,
  'cbor-x': require('cbor-x').encode,
  'cbor': require('cbor').encode,
};
process.stdout.write(encoders[process.argv[2]](cut));
END
cat >"$work/read.cpp" <<'END'
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

int main(int, char** argv) {
    const std::string bytes(std::istreambuf_iterator<char>(std::cin), {}), format(argv[1]);
    try {
        const auto value = format == "json" ? nlohmann::json::parse(bytes)
                           : format == "cbor" ? nlohmann::json::from_cbor(bytes) : nlohmann::json::from_msgpack(bytes);
        std::cout << "read; dump: " << std::flush << value.dump() << '\n';
    } catch (const nlohmann::json::exception& error) {
        std::cout << error.what() << '\n';
    }
}
END
g++ -std=c++17 -isystem "$work/bookworm/usr/include" "$work/read.cpp" -o "$work/read"
written_by() { (cd "$work" && node write.js "$1"); }
hex() { od -An -v -tx1 | tr -d ' \n'; }

expect "JSON.stringify writes" '"A\ud83d"' "$(written_by JSON.stringify)"
expect "@msgpack/msgpack writes" a441eda0bd "$(written_by @msgpack/msgpack | hex)"
expect "cbor-x writes" 6441eda0bd "$(written_by cbor-x | hex)"
expect "cbor writes" 6441efbfbd "$(written_by cbor | hex)"

expect "Python reads the JSON" "'A\\ud83d'" "$(written_by JSON.stringify | python3 -c 'import json, sys; print(ascii(json.load(sys.stdin)))')"
expect "nlohmann/json reads the JSON" "[json.exception.parse_error.101]" "$(written_by JSON.stringify | "$work/read" json | cut -d' ' -f1)"
late="read; dump: [json.exception.type_error.316] invalid UTF-8 byte at index 2: 0xA0"
expect "nlohmann/json reads the MessagePack" "$late" "$(written_by @msgpack/msgpack | "$work/read" msgpack)"
expect "nlohmann/json reads the CBOR" "$late" "$(written_by cbor-x | "$work/read" cbor)"

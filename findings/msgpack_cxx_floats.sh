#!/usr/bin/env bash
# msgpack-cxx packs a double without a fraction as an integer; -0.0 loses its sign.
#
# Versions: libmsgpack-cxx-dev 4.1.3-1 (Debian 12); GCC.
#
# MessagePack distinguishes integers from floats, and so do Python, Go and Rust: their decoders return different types for 1.0
# and 1.5, also within one vector of doubles. msgpack-cxx itself reads an integer into a double, so its own tests do not detect
# the change.
#
# What to do: when reading, accept an integer where a float is expected.
#
# Seen:
#   1.5: cb3ff8000000000000
#   1.0: 01
#   -1.0: ff
#   -0.0: 00
#   2^53: cf0020000000000000
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need g++

debian_package bookworm "$work" libmsgpack-cxx-dev=4.1.3-1

cat >"$work/floats.cpp" <<'END_CPP'
#include <cstdio>
#include <cstdlib>
#include <msgpack.hpp>

int main(int, char** arguments) {
    msgpack::sbuffer buffer;
    msgpack::pack(buffer, std::strtod(arguments[1], nullptr));
    for (std::size_t index = 0; index != buffer.size(); ++index) {
        std::printf("%02x", static_cast<unsigned>(static_cast<unsigned char>(buffer.data()[index])));
    }
}
END_CPP
g++ -std=c++20 -DMSGPACK_NO_BOOST -isystem "$work/usr/include" "$work/floats.cpp" -o "$work/floats"

expect "1.5" "cb3ff8000000000000" "$("$work/floats" 1.5)"
expect "1.0" "01" "$("$work/floats" 1.0)"
expect "-1.0" "ff" "$("$work/floats" -1.0)"
expect "-0.0" "00" "$("$work/floats" -0.0)"
expect "2^53" "cf0020000000000000" "$("$work/floats" 9007199254740992)"

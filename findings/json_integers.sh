#!/usr/bin/env bash
# JSON readers handle an integer beyond 64 bits, or beyond its type, in different ways, most without an error.
#
# Versions: nlohmann/json 3.11.2, simdjson 3.0.1 (Debian 12), Node.js 20, Python 3.
#
# 18446744073709551616 (2^64) is a valid JSON number, and Python writes such numbers. Python reads it exactly, JavaScript and
# nlohmann/json read the nearest double, and simdjson's DOM refuses the whole document, whatever else it contains; its On-Demand
# interface refuses only that value. nlohmann/json's get<T>() reduces an integer that T can't hold modulo T's range, and
# truncates a float: {"age": 300} becomes the std::uint8_t 44, and 1.5 the int 1.
#
# What to do: send integers beyond 53 bits as texts; check the range before get<T>().
#
# Seen:
#   Python: big is 18446744073709551616
#   JavaScript: big is 18446744073709552000
#   nlohmann/json: big is 1.8446744073709552e+19, age 44, half 1
#   simdjson: the document: Problem while parsing a number; on demand, age is 300, big: The JSON element does not have the
#     requested type.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need g++ node python3

debian_package bookworm "$work/bookworm" nlohmann-json3-dev=3.11.2-2 libsimdjson-dev=3.0.1-1 libsimdjson14=3.0.1-1

text='{"age": 300, "half": 1.5, "big": 18446744073709551616}'
cat >"$work/nlohmann.cpp" <<'END'
#include <iostream>
#include <nlohmann/json.hpp>

int main(int, char** argv) {
    const auto value = nlohmann::json::parse(argv[1]);
    std::cout << "big is " << value["big"] << ", age " << int{value["age"].get<std::uint8_t>()} << ", half "
              << value["half"].get<int>() << '\n';
}
END
cat >"$work/simdjson.cpp" <<'END'
#include <iostream>
#include <simdjson.h>

int main(int, char** argv) {
    const simdjson::padded_string text{std::string_view(argv[1])};
    simdjson::dom::parser whole;
    std::cout << "the document: " << whole.parse(text).error();
    simdjson::ondemand::parser parser;
    simdjson::ondemand::document document = parser.iterate(text);
    std::cout << "; on demand, age is " << std::int64_t(document["age"]) << ", big: " << document["big"].get_uint64().error() << '\n';
}
END
g++ -std=c++17 -isystem "$work/bookworm/usr/include" "$work/nlohmann.cpp" -o "$work/nlohmann"
libraries=$work/bookworm/usr/lib/$(gcc -print-multiarch)
g++ -std=c++17 -isystem "$work/bookworm/usr/include" "$work/simdjson.cpp" -o "$work/simdjson" "$libraries/libsimdjson.so.14" \
  -Wl,-rpath,"$libraries"

expect "Python" "big is 18446744073709551616" "$(python3 -c 'import json, sys; print("big is", json.loads(sys.argv[1])["big"])' "$text")"
# shellcheck disable=SC2016
expect "JavaScript" "big is 18446744073709552000" "$(node -e 'console.log(`big is ${JSON.parse(process.argv[1]).big}`)' "$text")"
expect "nlohmann/json" "big is 1.8446744073709552e+19, age 44, half 1" "$("$work/nlohmann" "$text")"
expect "simdjson" "the document: Problem while parsing a number; on demand, age is 300, big: The JSON element does not have the \
requested type." "$("$work/simdjson" "$text")"

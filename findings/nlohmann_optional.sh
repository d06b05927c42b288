#!/usr/bin/env bash
# Two packages of nlohmann/json have the version 3.11.3, but code that compiles with one does not compile with the other.
#
# Versions: nlohmann-json3-dev 3.11.3-2.1 (Debian 13) and 3.12.0.really.3.12.0.really.3.11.3-3 (sid); GCC.
#
# Sid's headers have the conversion to std::optional that was added after 3.11.3, but their version macros and their inline
# namespace (json_abi_v3_11_3) are those of 3.11.3, so no #if can distinguish them. With them a `const json&` that is returned
# as a std::optional<json> is ambiguous. A non-const json still converts, with -Wconversion warnings, and a null becomes an
# optional that holds null. Converting a null to a std::optional<std::string> throws in both; only sid's
# get<std::optional<std::string>>() returns an empty one. Reported as nlohmann/json#5046 and #5246.
#
# What to do: write `std::optional<json>(std::in_place, value)` and `get<...>()`.
#
# Seen:
#   trixie, json: 3.11.3, holds null, [json.exception.type_error.302] type must be string, but is null
#   sid, json: 3.11.3, holds null, [json.exception.type_error.302] type must be string, but is null
#   trixie, const json: 3.11.3, holds null, [json.exception.type_error.302] type must be string, but is null
#   sid, const json: is ambiguous
#   trixie, get: no matching function for call
#   sid, get: 3.11.3, holds null, get: empty, [json.exception.type_error.302] type must be string, but is null
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need g++

debian_package trixie "$work/trixie" nlohmann-json3-dev=3.11.3-2.1
debian_package sid "$work/sid" nlohmann-json3-dev=3.12.0.really.3.12.0.really.3.11.3-3

cat >"$work/optional.cpp" <<'END'
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
using nlohmann::json;

std::optional<json> convert(VALUE json& value) { return value; }

int main() {
    json null;
    std::cout << NLOHMANN_JSON_VERSION_MAJOR << '.' << NLOHMANN_JSON_VERSION_MINOR << '.' << NLOHMANN_JSON_VERSION_PATCH;
    std::cout << (convert(null).has_value() ? ", holds null" : ", empty");
#ifdef GET
    std::cout << (null.get<std::optional<std::string>>() ? ", holds a text" : ", get: empty");
#endif
    try {
        std::optional<std::string> text = null;
        std::cout << (text ? ", holds a text" : ", empty");
    } catch (const json::exception& error) {
        std::cout << ", " << error.what();
    }
}
END

# try_with SUITE OPTION...: what the program says, or the compiler
try_with() {
  g++ -std=c++17 -isystem "$work/$1/usr/include" "${@:2}" "$work/optional.cpp" -o "$work/optional" &>"$work/said" &&
    "$work/optional" || grep -om1 -e 'is ambiguous' -e 'no matching function for call' "$work/said"
}
refused="[json.exception.type_error.302] type must be string, but is null"
expect "trixie, json" "3.11.3, holds null, $refused" "$(try_with trixie -DVALUE=)"
expect "sid, json" "3.11.3, holds null, $refused" "$(try_with sid -DVALUE=)"
expect "trixie, const json" "3.11.3, holds null, $refused" "$(try_with trixie -DVALUE=const)"
expect "sid, const json" "is ambiguous" "$(try_with sid -DVALUE=const)"
expect "trixie, get" "no matching function for call" "$(try_with trixie -DVALUE= -DGET)"
expect "sid, get" "3.11.3, holds null, get: empty, $refused" "$(try_with sid -DVALUE= -DGET)"

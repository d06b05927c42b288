// The meaning of single bytes in JSON text.
#pragma once

#include "reader.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace communica::codec {

inline constexpr std::uint8_t no_kind = 0xFF;

/// The kind of value that starts with a byte, or `no_kind`.
inline constexpr auto kinds_by_first_byte = [] {
    std::array<std::uint8_t, 256> kinds{};
    kinds.fill(no_kind);
    const auto set = [&kinds](std::string_view bytes, Kind kind) {
        for (const char byte : bytes) {
            kinds[static_cast<unsigned char>(byte)] = static_cast<std::uint8_t>(kind);
        }
    };
    set("{", Kind::object);
    set("[", Kind::array);
    set("\"", Kind::string);
    set("tf", Kind::boolean);
    set("n", Kind::null);
    set("-0123456789", Kind::number);
    return kinds;
}();

/// The character of a one-letter escape; 0 if the letter is none.
constexpr char unescaped(char letter) noexcept {
    switch (letter) {
        case '"':
        case '\\':
        case '/': return letter;
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return '\0';
    }
}

}  // namespace communica::codec

// Values as the text or bytes of a serializer, and back.
#pragma once

#include "errors.hpp"

#include <communica/buffer.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace test {

template <class S, class T>
std::string dump(const T& value) {
    communica::Buffer out;
    out.append("before ");  // what is there already stays
    S{}.dump(value, out);
    return std::string(out.text().substr(7));
}

template <class S, class T>
T load(std::string_view bytes) {
    return S{}.template load<T>(communica::as_bytes(bytes));
}

/// What the serializer says against these bytes; nothing if it loads them.
template <class S, class T>
std::optional<std::string> refusal(std::string_view bytes) {
    return what_of([&] { return load<S, T>(bytes); });
}

inline std::string from_hex(std::string_view hex) {
    std::string bytes;
    for (std::size_t index = 0; index + 1 < hex.size(); index += 2) {
        bytes += static_cast<char>(std::stoi(std::string(hex.substr(index, 2)), nullptr, 16));
    }
    return bytes;
}

inline std::string to_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const char byte : bytes) {
        const auto code = static_cast<unsigned char>(byte);
        hex += digits[code >> 4];
        hex += digits[code & 15];
    }
    return hex;
}

}  // namespace test

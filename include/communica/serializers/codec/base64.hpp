// Base64 (RFC 4648, section 4): bytes in text formats.
#pragma once

#include "../../buffer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace communica::codec {

constexpr std::size_t base64_size(std::size_t bytes) noexcept { return (bytes + 2) / 3 * 4; }

namespace detail {

inline constexpr std::string_view base64_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

inline constexpr std::uint8_t no_base64 = 0xFF;
inline constexpr auto base64_values = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(no_base64);
    for (std::size_t index = 0; index != base64_letters.size(); ++index) {
        values[static_cast<unsigned char>(base64_letters[index])] = static_cast<std::uint8_t>(index);
    }
    return values;
}();

}  // namespace detail

/// Writes `base64_size(bytes.size())` characters, with padding, and returns their end.
inline char* write_base64(char* out, Bytes bytes) noexcept {
    const auto letter = [](std::uint32_t bits) { return detail::base64_letters[bits & 63]; };
    while (!bytes.empty()) {
        const std::size_t count = bytes.size() < 3 ? bytes.size() : 3;
        std::uint32_t bits = 0;
        for (std::size_t index = 0; index != 3; ++index) {
            bits = bits << 8 | (index < count ? std::to_integer<std::uint32_t>(bytes[index]) : 0);
        }
        *out++ = letter(bits >> 18);
        *out++ = letter(bits >> 12);
        *out++ = count > 1 ? letter(bits >> 6) : '=';
        *out++ = count > 2 ? letter(bits) : '=';
        bytes = bytes.subspan(count);
    }
    return out;
}

/// The number of bytes encoded by a base64 text; null if its length or padding is wrong.
inline std::optional<std::size_t> base64_bytes(std::string_view text) noexcept {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    std::size_t padding = 0;
    while (padding != 2 && padding != text.size() && text[text.size() - 1 - padding] == '=') {
        ++padding;
    }
    return text.size() / 4 * 3 - padding;
}

/// Decodes a text into the number of bytes that `base64_bytes` returned. Returns false for an invalid character, and
/// for spare bits that are not 0, so that each value has one text.
inline bool read_base64(std::string_view text, std::byte* out) noexcept {
    while (!text.empty()) {
        const bool last = text.size() == 4;
        const std::size_t padding = last && text[3] == '=' ? (text[2] == '=' ? 2 : 1) : 0;
        std::uint32_t bits = 0;
        for (std::size_t index = 0; index != 4; ++index) {
            const std::uint8_t value =
                index < 4 - padding ? detail::base64_values[static_cast<unsigned char>(text[index])] : 0;
            if (value == detail::no_base64) {
                return false;
            }
            bits = bits << 6 | value;
        }
        if ((bits & ((1U << 8 * padding) - 1)) != 0) {
            return false;
        }
        for (std::size_t index = 0; index != 3 - padding; ++index) {
            *out++ = static_cast<std::byte>(bits >> (16 - 8 * index));
        }
        text.remove_prefix(4);
    }
    return true;
}

}  // namespace communica::codec

// Finds text that needs no escape in a JSON string, shortens UTF-8 between characters, and makes control characters visible.
#pragma once

#include "plain_block.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace communica::base {

/// Returns true if `text` is ASCII that needs no escape in a JSON string.
constexpr bool is_plain(std::string_view text) noexcept {
    for (const char byte : text) {
        if (is_special(byte)) {
            return false;
        }
    }
    return true;
}

/// Returns the first byte from `at` on that is not plain, or `end`. The last block may overlap the previous one, whose
/// bytes are plain.
inline const char* plain_end(const char* at, const char* end) noexcept {
    if (end - at >= 16) {
        const char* const last = end - 16;
        for (; at <= last; at += 16) {
            if (const std::size_t plain = plain_of_16(at); plain != 16) {
                return at + plain;
            }
        }
        return at == end ? end : last + plain_of_16(last);
    }
    if (end - at >= 8) {
        const std::size_t plain = plain_of_8(at);
        return plain != 8 ? at + plain : end - 8 + plain_of_8(end - 8);
    }
    while (at != end && !is_special(*at)) {
        ++at;
    }
    return at;
}

/// Returns the longest prefix of at most `most` bytes that does not split a character.
constexpr std::string_view shortened(std::string_view text, std::size_t most) noexcept {
    if (text.size() <= most) {
        return text;
    }
    while (most != 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) {
        --most;
    }
    return text.substr(0, most);
}

/// Returns the text with its control characters, line ends among them, as `\x1b`: what a peer sends must not control a
/// terminal or add a line to a log. UTF-8 is kept, but for the control characters U+0080 to U+009F.
inline std::string without_controls(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string shown;
    shown.reserve(text.size());
    for (std::size_t at = 0; at != text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const auto next = at + 1 != text.size() ? static_cast<unsigned char>(text[at + 1]) : 0U;
        const bool is_pair = byte == 0xC2 && next >= 0x80 && next < 0xA0;
        if (byte >= ' ' && byte != 0x7F && !is_pair) {
            shown += text[at];
            continue;
        }
        const unsigned code = is_pair ? next : byte;
        shown.append("\\x").append(1, digits[code >> 4U]).append(1, digits[code & 15U]);
        at += is_pair ? 1 : 0;
    }
    return shown;
}

}  // namespace communica::base

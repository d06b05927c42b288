// Finds text that needs no escape in a JSON string, and shortens UTF-8 between characters.
#pragma once

#include "plain_block.hpp"

#include <cstddef>
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

}  // namespace communica::base

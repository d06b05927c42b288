// Text: what of it stands in a JSON string as it is, and where UTF-8 may be cut.
#pragma once

#include "plain_block.hpp"

#include <cstddef>
#include <string_view>

namespace communica {

/// Is `text` ASCII that stands in a JSON string as it is?
constexpr bool is_plain(std::string_view text) noexcept {
    for (const char byte : text) {
        if (detail::is_special(byte)) {
            return false;
        }
    }
    return true;
}

/// Where it ends to be so, from `at` on. The last block may begin before the end of the one before it: those bytes are plain.
inline const char* plain_end(const char* at, const char* end) noexcept {
    if (end - at >= 16) {
        const char* const last = end - 16;
        for (; at <= last; at += 16) {
            if (const std::size_t plain = detail::plain_of_16(at); plain != 16) {
                return at + plain;
            }
        }
        return at == end ? end : last + detail::plain_of_16(last);
    }
    if (end - at >= 8) {
        const std::size_t plain = detail::plain_of_8(at);
        return plain != 8 ? at + plain : end - 8 + detail::plain_of_8(end - 8);
    }
    while (at != end && !detail::is_special(*at)) {
        ++at;
    }
    return at;
}

/// The first bytes of a text, at most so many, that do not end in the middle of a character.
constexpr std::string_view shortened(std::string_view text, std::size_t most) noexcept {
    if (text.size() <= most) {
        return text;
    }
    while (most != 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) {
        --most;
    }
    return text.substr(0, most);
}

}  // namespace communica

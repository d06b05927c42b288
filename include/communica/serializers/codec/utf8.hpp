// UTF-8 in JSON strings. Checks many bytes at a time while they are plain ASCII.
#pragma once

#include "../../plain_text.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace communica::codec {

/// The length of the well-formed UTF-8 sequence (Unicode, table 3-7) at `at`, which is not ASCII; 0 if there is none.
inline std::size_t utf8_sequence(const char* at, const char* end) noexcept {
    const auto byte = [at](std::size_t index) { return static_cast<unsigned char>(at[index]); };
    const auto follows = [&](std::size_t index) { return (byte(index) & 0xC0) == 0x80; };
    const auto left = static_cast<std::size_t>(end - at);
    const unsigned char first = byte(0);
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    if (first < 0xE0) {
        return left >= 2 && follows(1) ? 2 : 0;
    }
    if (first < 0xF0) {
        if (left < 3 || !follows(1) || !follows(2)) {
            return 0;
        }
        const bool overlong = first == 0xE0 && byte(1) < 0xA0;
        const bool surrogate = first == 0xED && byte(1) > 0x9F;
        return overlong || surrogate ? 0 : 3;
    }
    if (left < 4 || !follows(1) || !follows(2) || !follows(3)) {
        return 0;
    }
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) > 0x8F;
    return overlong || beyond ? 0 : 4;
}

/// The end of the run from `at` on that needs no escaping in a JSON string. Stops at a quote, a backslash, a control
/// character, and at invalid UTF-8.
inline const char* json_run(const char* at, const char* end) noexcept {
    for (;;) {
        at = base::plain_end(at, end);
        if (at == end) {
            return at;
        }
        do {
            const std::size_t length = static_cast<unsigned char>(*at) < 0x80 ? 0 : utf8_sequence(at, end);
            if (length == 0) {
                return at;
            }
            at += length;
        } while (at != end && static_cast<unsigned char>(*at) >= 0x80);
    }
}

/// The same for the text behind an opening quote. Most keys and many texts end in their first 16 bytes; for these one
/// check of 16 bytes is enough.
inline const char* json_text(const char* at, const char* end) noexcept {
    if (end - at >= 16) {
        const char* const special = at + base::plain_of_16(at);
        if (special != at + 16 && *special == '"') {
            return special;
        }
    }
    return json_run(at, end);
}

/// Is all of it UTF-8?
inline bool is_utf8(std::string_view text) noexcept {
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        if (end - at >= 8 && (base::word_at(at) & base::tops) == 0) {
            at += 8;
        } else if (static_cast<unsigned char>(*at) < 0x80) {
            ++at;
        } else {
            const std::size_t length = utf8_sequence(at, end);
            if (length == 0) {
                return false;
            }
            at += length;
        }
    }
    return true;
}

/// Appends a code point, not a surrogate, as UTF-8.
inline void append_utf8(std::string& text, std::uint32_t code) {
    const auto add = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
    if (code < 0x80) {
        add(code);
    } else if (code < 0x800) {
        add(0xC0 | code >> 6);
        add(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        add(0xE0 | code >> 12);
        add(0x80 | (code >> 6 & 0x3F));
        add(0x80 | (code & 0x3F));
    } else {
        add(0xF0 | code >> 18);
        add(0x80 | (code >> 12 & 0x3F));
        add(0x80 | (code >> 6 & 0x3F));
        add(0x80 | (code & 0x3F));
    }
}

}  // namespace communica::codec

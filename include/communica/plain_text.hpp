// Text: what of it stands in a JSON string as it is, found eight bytes at a time, and where UTF-8 may be cut.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace communica {

namespace detail {

inline constexpr std::uint64_t ones = 0x0101010101010101;
inline constexpr std::uint64_t tops = 0x8080808080808080;

inline std::uint64_t word_at(const char* at) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    return word;
}

/// Marks, by its top bit, the first of the eight bytes that is not ASCII, a control character, a quote or a backslash;
/// zero if none is. Subtracting borrows from no byte before that one; marks above it may be false.
constexpr std::uint64_t special_bytes(std::uint64_t word) noexcept {
    return (word | (word - ones * ' ') | ((word ^ ones * '"') - ones) | ((word ^ ones * '\\') - ones)) & tops;
}

inline bool are_plain_32(const char* at) noexcept {
    return (special_bytes(word_at(at)) | special_bytes(word_at(at + 8)) | special_bytes(word_at(at + 16)) |
            special_bytes(word_at(at + 24))) == 0;
}

constexpr bool is_special(char byte) noexcept {
    const auto code = static_cast<unsigned char>(byte);
    return code < ' ' || code >= 0x80 || byte == '"' || byte == '\\';
}

/// Which of eight bytes, in the order of memory, is the first that is marked. The marks above the lowest may be false,
/// so on a big-endian machine the bytes are looked at one by one.
constexpr std::size_t first_marked(std::uint64_t marks) noexcept {
    if constexpr (std::endian::native == std::endian::little) {
        return static_cast<std::size_t>(std::countr_zero(marks)) / 8;
    } else {
        return 0;
    }
}

}  // namespace detail

/// Is `text` ASCII that stands in a JSON string as it is?
constexpr bool is_plain(std::string_view text) noexcept {
    for (const char byte : text) {
        if (detail::is_special(byte)) {
            return false;
        }
    }
    return true;
}

/// Where it ends to be so, from `at` on.
inline const char* plain_end(const char* at, const char* end) noexcept {
    while (end - at >= 8) {
        if (const std::uint64_t special = detail::special_bytes(detail::word_at(at)); special != 0) {
            at += detail::first_marked(special);
            break;
        }
        at += 8;
        while (end - at >= 32 && detail::are_plain_32(at)) {
            at += 32;
        }
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

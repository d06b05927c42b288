// Counts the leading bytes of a block of text that need no escape in a JSON string: 16 at a time with SSE2, else eight.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#define COMMUNICA_HAS_SSE2
#endif

namespace communica::base {

constexpr bool is_special(char byte) noexcept {
    const auto code = static_cast<unsigned char>(byte);
    return code < ' ' || code >= 0x80 || byte == '"' || byte == '\\';
}

inline constexpr std::uint64_t ones = 0x0101010101010101;
inline constexpr std::uint64_t tops = 0x8080808080808080;

inline std::uint64_t word_at(const char* at) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    return word;
}

/// The number of bytes before the first special one, of the eight at `at`.
inline std::size_t plain_of_8(const char* at) noexcept {
    if constexpr (std::endian::native == std::endian::little) {
        // Marks the top bit of each special byte. Borrows reach only bytes above the first special one: those marks may
        // be false.
        const std::uint64_t word = word_at(at);
        const std::uint64_t marks =
            (word | (word - ones * ' ') | ((word ^ ones * '"') - ones) | ((word ^ ones * '\\') - ones)) & tops;
        return marks == 0 ? 8 : static_cast<std::size_t>(std::countr_zero(marks)) / 8;
    } else {
        std::size_t count = 0;
        while (count != 8 && !is_special(at[count])) {
            ++count;
        }
        return count;
    }
}

#if defined(COMMUNICA_HAS_SSE2)

/// The special bytes of 16, one bit each.
inline unsigned special_of_16(const char* at) noexcept {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));  // signed: non-ASCII bytes are negative
    const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quotes, backslashes))));
}

/// As `plain_of_8`, for 16 bytes.
inline std::size_t plain_of_16(const char* at) noexcept {
    const unsigned special = special_of_16(at);
    return special == 0 ? 16 : static_cast<std::size_t>(std::countr_zero(special));
}

inline bool are_plain_32(const char* at) noexcept { return (special_of_16(at) | special_of_16(at + 16)) == 0; }

#else

inline std::size_t plain_of_16(const char* at) noexcept {
    const std::size_t count = plain_of_8(at);
    return count < 8 ? count : 8 + plain_of_8(at + 8);
}

inline bool are_plain_32(const char* at) noexcept { return plain_of_16(at) + plain_of_16(at + 16) == 32; }

#endif

}  // namespace communica::base

#undef COMMUNICA_HAS_SSE2

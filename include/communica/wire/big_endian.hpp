// Integers in network byte order.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace communica::wire {

namespace detail {

// Shifts of the whole integer, which GCC 12 compiles to one instruction. It turns single-byte stores into vector code
// with several times as many instructions.

constexpr std::uint32_t swap_bytes(std::uint32_t n) noexcept {
    return n >> 24 | (n >> 8 & 0xff00) | (n & 0xff00) << 8 | n << 24;
}
constexpr std::uint64_t swap_bytes(std::uint64_t n) noexcept {
    return std::uint64_t{swap_bytes(static_cast<std::uint32_t>(n))} << 32 |
           swap_bytes(static_cast<std::uint32_t>(n >> 32));
}

template <class Number>
Number load_big_endian(const char* bytes) noexcept {
    Number number = 0;
    std::memcpy(&number, bytes, sizeof number);
    return std::endian::native == std::endian::big ? number : swap_bytes(number);
}

template <class Number>
void store_big_endian(char* bytes, Number number) noexcept {
    const Number stored = std::endian::native == std::endian::big ? number : swap_bytes(number);
    std::memcpy(bytes, &stored, sizeof stored);
}

}  // namespace detail

inline std::uint32_t load_u32(const char* bytes) noexcept { return detail::load_big_endian<std::uint32_t>(bytes); }
inline std::uint64_t load_u64(const char* bytes) noexcept { return detail::load_big_endian<std::uint64_t>(bytes); }

inline void store_u32(char* bytes, std::uint32_t value) noexcept { detail::store_big_endian(bytes, value); }
inline void store_u64(char* bytes, std::uint64_t value) noexcept { detail::store_big_endian(bytes, value); }

}  // namespace communica::wire

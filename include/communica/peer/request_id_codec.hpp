// The texts that represent request numbers as ids.
#pragma once

#include "../wire/big_endian.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <string_view>

namespace communica::peer {

/// Writes and reads ids: 32 hexadecimal digits, as the Python library's. The first half identifies this peer object, so
/// that an answer to an earlier process under the same client id is not taken for an answer to this one.
class RequestIdCodec {
 public:
    using Id = std::array<char, 32>;

    RequestIdCodec() {
        std::random_device random;
        write(id_.data(), std::uint64_t{random()} << 32 | random());
    }

    /// The half that all ids of this object share.
    std::string_view session() const noexcept { return {id_.data(), 16}; }

    /// Returns the id of request `number`.
    Id write(std::uint64_t number) const noexcept {
        Id id = id_;
        write(id.data() + 16, number);
        return id;
    }

    /// Returns the number of an id that this object wrote; none for other texts.
    std::optional<std::uint64_t> read(std::string_view id) const noexcept {
        if (id.size() != id_.size() || std::memcmp(id.data(), id_.data(), 16) != 0) {
            return std::nullopt;
        }
        std::uint32_t high = 0;
        std::uint32_t low = 0;
        if (!read_digits(id.data() + 16, high) || !read_digits(id.data() + 24, low)) {
            return std::nullopt;
        }
        return std::uint64_t{high} << 32 | low;
    }

 private:
    static void write(char* digits, std::uint64_t number) noexcept {
        wire::store_u64(digits, to_digits(static_cast<std::uint32_t>(number >> 32)));
        wire::store_u64(digits + 8, to_digits(static_cast<std::uint32_t>(number)));
    }

    // Eight digits are computed as the bytes of one word, the first in the highest byte. This halves the instructions
    // of one digit at a time.

    static constexpr std::uint64_t ones = 0x0101010101010101;

    /// Returns the digits of a number.
    static std::uint64_t to_digits(std::uint32_t number) noexcept {
        std::uint64_t values = number;
        values = (values | values << 16) & 0x0000ffff0000ffff;
        values = (values | values << 8) & 0x00ff00ff00ff00ff;
        values = (values | values << 4) & 0x0f0f0f0f0f0f0f0f;
        const std::uint64_t letters = (values + 6 * ones) >> 4 & ones;
        return values + '0' * ones + letters * ('a' - '0' - 10);
    }

    /// Returns the number of eight digits. For other bytes, the result is a number with other digits.
    static std::uint32_t from_digits(std::uint64_t digits) noexcept {
        const std::uint64_t letters = digits >> 6 & ones;
        std::uint64_t values = (digits & 15 * ones) + 9 * letters;
        values = (values | values >> 4) & 0x00ff00ff00ff00ff;
        values = (values | values >> 8) & 0x0000ffff0000ffff;
        return static_cast<std::uint32_t>(values | values >> 16);
    }

    static bool read_digits(const char* at, std::uint32_t& number) noexcept {
        const std::uint64_t digits = wire::load_u64(at);
        number = from_digits(digits);
        return to_digits(number) == digits;
    }

    Id id_{};
};

}  // namespace communica::peer

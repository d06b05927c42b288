// CRC-64/XZ, the checksum of whole files.
#pragma once

#include "../buffer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace communica::files {

/// The checksum of the .xz format: polynomial of ECMA-182, reflected, the register inverted before and after. It finds
/// accidental differences, and no forged ones.
class Crc64 {
 public:
    void add(Bytes bytes) noexcept {
        std::uint64_t crc = crc_;
        std::size_t at = 0;
        for (; bytes.size() - at >= slices; at += slices) {
            crc = [&]<std::size_t... I>(std::index_sequence<I...>) {
                // The compiler makes one load of it.
                const std::uint64_t mixed = crc ^ ((std::to_integer<std::uint64_t>(bytes[at + I]) << (8 * I)) | ...);
                return (tables[slices - 1 - I][(mixed >> (8 * I)) & 0xFF] ^ ...);
            }(std::make_index_sequence<slices>());
        }
        for (; at != bytes.size(); ++at) {
            crc = (crc >> 8) ^ tables[0][(crc ^ std::to_integer<std::uint64_t>(bytes[at])) & 0xFF];
        }
        crc_ = crc;
    }

    /// 16 hexadecimal digits.
    std::string text() const {
        std::string digits(16, '0');
        std::uint64_t rest = ~crc_;
        for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, rest >>= 4) {
            *digit = "0123456789abcdef"[rest & 0xF];
        }
        return digits;
    }

 private:
    static constexpr std::size_t slices = 8;  // bytes that are added in one step
    using Tables = std::array<std::array<std::uint64_t, 256>, slices>;

    static constexpr Tables make_tables() {
        Tables made{};
        for (std::size_t byte = 0; byte != 256; ++byte) {
            std::uint64_t crc = byte;
            for (int bit = 0; bit != 8; ++bit) {
                crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xC96C5795D7870F42U : 0U);
            }
            made[0][byte] = crc;
        }
        for (std::size_t slice = 1; slice != slices; ++slice) {
            for (std::size_t byte = 0; byte != 256; ++byte) {
                const std::uint64_t before = made[slice - 1][byte];
                made[slice][byte] = (before >> 8) ^ made[0][before & 0xFF];
            }
        }
        return made;
    }
    static const Tables tables;

    std::uint64_t crc_ = ~std::uint64_t{0};
};

inline constexpr Crc64::Tables Crc64::tables = Crc64::make_tables();

}  // namespace communica::files

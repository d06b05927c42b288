// How much memory a process has.
#pragma once

#include "sanitized.hpp"
#include "system.hpp"

#include <cstddef>
#include <cstdint>

namespace test {

inline constexpr std::size_t mebibyte = 1024 * 1024;

/// What a process may grow by that frees all it takes. The sanitizers keep what was freed for a while: a leak then
/// shows in their own report.
inline constexpr std::size_t growth_allowed = sanitized ? 600 * mebibyte : 16 * mebibyte;

inline std::size_t growth_since(std::size_t earlier, std::int64_t id = own_process_id()) {
    const std::size_t now = resident_bytes(id);
    return now < earlier ? 0 : now - earlier;
}

}  // namespace test

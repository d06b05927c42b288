// How much memory a process has.
#pragma once

#include "system.hpp"

#include <cstddef>
#include <cstdint>

namespace test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

inline constexpr std::size_t mebibyte = 1024 * 1024;

/// What a process may grow by that frees all it takes. The sanitizers keep what was freed for a while: a leak then
/// shows in their own report.
inline constexpr std::size_t growth_allowed = sanitized ? 600 * mebibyte : 16 * mebibyte;

inline std::size_t growth_since(std::size_t earlier, std::int64_t id = own_process_id()) {
    const std::size_t now = resident_bytes(id);
    return now < earlier ? 0 : now - earlier;
}

}  // namespace test

// How much memory a process has.
#pragma once

#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>

#include <unistd.h>

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

/// Bytes of the process `id` that are in memory now.
inline std::size_t resident_bytes(::pid_t id = ::getpid()) {
    std::ifstream file("/proc/" + std::to_string(id) + "/statm");
    std::size_t all = 0;
    std::size_t resident = 0;
    if (!(file >> all >> resident)) {
        throw std::runtime_error("no process " + std::to_string(id));
    }
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// What a process may grow by that frees all it takes. The sanitizers keep what was freed for a while: a leak then
/// shows in their own report.
inline constexpr std::size_t growth_allowed = sanitized ? 600 * mebibyte : 16 * mebibyte;

inline std::size_t growth_since(std::size_t earlier, ::pid_t id = ::getpid()) {
    const std::size_t now = resident_bytes(id);
    return now < earlier ? 0 : now - earlier;
}

}  // namespace test

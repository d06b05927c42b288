// Whether a sanitizer looks on, and what is tried less often then.
#pragma once

#include "system.hpp"

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

/// Where tens of thousands of inputs each throw, only one in so many is tried: an exception takes the address sanitizer
/// milliseconds, and a connection Wine.
inline constexpr int shown_every = sanitized || !sends_quickly ? 8 : 1;

}  // namespace test

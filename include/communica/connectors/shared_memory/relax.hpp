// The processor's hint for loops that poll memory.
#pragma once

namespace communica::detail {

/// The processor's hint for loops that poll memory.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace communica::detail

// A limit for the memory of loaded values.
#pragma once

#include <cstddef>
#include <limits>
#include <string_view>
#include <utility>

namespace communica::codec {

/// Limits, during its lifetime, the memory of all values that this thread loads. Without one there is no limit. Loaders
/// take bytes from it before they allocate, because a value may be hundreds of times larger than its message.
class Allowance {
 public:
    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
    /// The error text for a value over the limit.
    static constexpr std::string_view refusal = "more memory than one message may take here";

    explicit Allowance(std::size_t bytes) noexcept : before_(std::exchange(left, bytes)), bytes_(bytes) {}
    Allowance(const Allowance&) = delete;
    Allowance& operator=(const Allowance&) = delete;
    ~Allowance() { left = before_; }

    /// The bytes taken from it.
    std::size_t used() const noexcept { return bytes_ - left; }

    /// Takes bytes from this thread's allowance. Returns false if it has too few.
    static bool take(std::size_t bytes) noexcept {
        if (bytes > left) {
            return false;
        }
        left -= bytes;
        return true;
    }

    /// Returns what a failed attempt to load a value has taken.
    static std::size_t mark() noexcept { return left; }
    static void return_to(std::size_t mark) noexcept { left = mark; }

 private:
    static inline thread_local constinit std::size_t left = unlimited;

    const std::size_t before_;
    const std::size_t bytes_;
};

}  // namespace communica::codec

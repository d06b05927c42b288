// How much memory the values that are being loaded may take.
#pragma once

#include <cstddef>
#include <limits>
#include <string_view>
#include <utility>

namespace communica::codec {

/// While it lives, all that this thread loads may take so many bytes. Without one there is no limit. What is loaded says
/// what it takes before it takes it: the message that it is made of may be hundreds of times smaller.
class Allowance {
 public:
    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
    /// What is said of a value that takes more.
    static constexpr std::string_view refusal = "more memory than one message may take here";

    explicit Allowance(std::size_t bytes) noexcept : before_(std::exchange(left, bytes)), bytes_(bytes) {}
    Allowance(const Allowance&) = delete;
    Allowance& operator=(const Allowance&) = delete;
    ~Allowance() { left = before_; }

    /// Bytes that were taken from it.
    std::size_t used() const noexcept { return bytes_ - left; }

    /// Takes from the one of this thread. Says no if it does not have so many.
    static bool take(std::size_t bytes) noexcept {
        if (bytes > left) {
            return false;
        }
        left -= bytes;
        return true;
    }

    /// Where an attempt to load something was given up, what it had taken is free again.
    static std::size_t mark() noexcept { return left; }
    static void return_to(std::size_t mark) noexcept { left = mark; }

 private:
    static inline thread_local constinit std::size_t left = unlimited;

    const std::size_t before_;
    const std::size_t bytes_;
};

}  // namespace communica::codec

// How many notifications complete without suspending the coroutine that awaits them.
#pragma once

#include "deadline_heap.hpp"

#include <chrono>
#include <cstddef>

namespace communica::peer {

/// The notifications since a coroutine last waited for one. They complete at once, so that one write sends all of them.
/// With a write and a round of the io_context for each, a notification takes 14 times the CPU time. Not thread-safe.
class NotificationBurst {
 public:
    /// A coroutine that notifies more slowly than this waits for the write of each. Others wait at most this long.
    static constexpr Clock::duration longest = std::chrono::microseconds{50};
    static constexpr std::size_t max_bytes = 64 * 1024;

    bool admits(Clock::time_point now, std::size_t bytes) const noexcept {
        return now < end_ && bytes_ + bytes <= max_bytes;
    }
    void add(std::size_t bytes) noexcept { bytes_ += bytes; }

    /// The coroutine has waited.
    void begin(Clock::time_point now) noexcept {
        end_ = now + longest;
        bytes_ = 0;
    }

 private:
    Clock::time_point end_;
    std::size_t bytes_ = 0;
};

}  // namespace communica::peer

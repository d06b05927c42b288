// Whether the other side of a connection is alive, and reads.
#pragma once

#include "../limits.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace communica::stream {

/// Counts the ticks of a timer in which nothing came, or nothing of what waits could be written: no clock is read, and
/// no timer set, for a message. Not thread-safe.
class Watch {
 public:
    using Duration = std::chrono::steady_clock::duration;

    explicit Watch(const Limits& limits)
        : period_(std::max<Duration>(std::min(limits.max_silence, limits.max_stall) / 5, std::chrono::milliseconds{1})),
          most_silent_(ticks_in(limits.max_silence)),
          most_stalled_(ticks_in(limits.max_stall)) {}

    /// How often `tick` is to be called.
    Duration period() const noexcept { return period_; }

    void on_read() noexcept { read_ = true; }
    void on_written() noexcept { written_ = true; }
    /// The other side answers pings, so its silence means something.
    void start_pings() noexcept { pings_ = true; }

    enum class Verdict { fine, ping, silent, slow };

    Verdict tick(bool is_writing) noexcept {
        silent_ = std::exchange(read_, false) || !pings_ ? 0 : silent_ + 1;
        stalled_ = std::exchange(written_, false) || !is_writing ? 0 : stalled_ + 1;
        if (silent_ >= most_silent_) {
            return Verdict::silent;
        }
        if (stalled_ >= most_stalled_) {
            return Verdict::slow;
        }
        return silent_ != 0 ? Verdict::ping : Verdict::fine;
    }

 private:
    /// One less than fit: the last sign of life may have come just after a tick.
    long ticks_in(Duration time) const noexcept { return std::max(1L, static_cast<long>(time / period_) - 1); }

    Duration period_;
    long most_silent_;
    long most_stalled_;
    long silent_ = 0;
    long stalled_ = 0;
    bool pings_ = false;
    bool read_ = false;
    bool written_ = false;
};

}  // namespace communica::stream

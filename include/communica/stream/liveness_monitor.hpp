// Whether the other side of a connection is alive, and reads.
#pragma once

#include "../limits.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace communica::stream {

/// Counts the ticks of a timer in which nothing came, or nothing of what waits could be written: no clock is read, and
/// no timer set, for a message. Not thread-safe.
class LivenessMonitor {
 public:
    using Duration = std::chrono::steady_clock::duration;

    explicit LivenessMonitor(const Limits& limits)
        : period_(std::max<Duration>(std::min(limits.liveness_timeout, limits.write_timeout) / 5,
                                     std::chrono::milliseconds{1})),
          most_silent_(ticks_in(limits.liveness_timeout)),
          most_stalled_(ticks_in(limits.write_timeout)) {}

    /// How often `tick` is to be called.
    Duration period() const noexcept { return period_; }

    void note_activity() noexcept { read_ = true; }
    void on_written() noexcept { written_ = true; }
    /// The other side answers pings, so its silence means something.
    void start_pings() noexcept { pings_ = true; }

    /// `pong`: the other side may be busy with one long message, which this side reads and does not answer yet.
    enum class Health { fine, ping, pong, silent, slow };

    Health tick(bool is_writing) noexcept {
        const bool written = std::exchange(written_, false);
        const bool read = std::exchange(read_, false);
        // What had to wait goes out because the other side took what was before it; what the system takes at once says
        // nothing.
        const bool taken = std::exchange(was_writing_, is_writing) && written;
        silent_ = read || taken || !pings_ ? 0 : silent_ + 1;
        stalled_ = written || !is_writing ? 0 : stalled_ + 1;
        if (silent_ >= most_silent_) {
            return Health::silent;
        }
        if (stalled_ >= most_stalled_) {
            return Health::slow;
        }
        if (silent_ != 0) {
            return Health::ping;
        }
        return pings_ && read && !written ? Health::pong : Health::fine;
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
    bool was_writing_ = false;  // at the last tick
};

}  // namespace communica::stream

// Detects a peer that is silent or does not read.
#pragma once

#include "../limits.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

namespace communica::stream {

/// Counts the ticks of one timer in which no byte was received, and those in which no queued byte was written. A
/// message costs no clock read and no timer. Only `on_written` is thread-safe.
class LivenessMonitor {
 public:
    using Duration = std::chrono::steady_clock::duration;

    explicit LivenessMonitor(const Limits& limits)
        : period_(std::max<Duration>(std::min(limits.liveness_timeout, limits.write_timeout) / 5,
                                     std::chrono::milliseconds{1})),
          most_silent_(ticks_in(limits.liveness_timeout)),
          most_stalled_(ticks_in(limits.write_timeout)) {}

    /// The interval at which `tick` must be called.
    Duration period() const noexcept { return period_; }

    void note_activity() noexcept { read_ = true; }
    void on_written() noexcept { written_.store(true, std::memory_order_relaxed); }
    /// The peer answers pings: from now on its silence counts.
    void start_pings() noexcept { pings_ = true; }

    /// `pong`: the peer may be writing one long message while this side writes nothing. A pong shows the peer that this
    /// side is alive.
    enum class Health { fine, ping, pong, silent, slow };

    /// `is_permission_overdue`: see `WriteQueue`. A peer that reads other messages is slow, too, if it permits nothing.
    Health tick(bool is_writing, bool is_permission_overdue = false) noexcept {
        const bool written = written_.exchange(false, std::memory_order_relaxed);
        const bool read = std::exchange(read_, false);
        // Progress of a blocked write shows that the peer reads. A write that the system takes at once shows nothing.
        const bool taken = std::exchange(was_writing_, is_writing) && written;
        silent_ = read || taken || !pings_ ? 0 : silent_ + 1;
        stalled_ = written || !is_writing ? 0 : stalled_ + 1;
        overdue_ = is_permission_overdue ? overdue_ + 1 : 0;
        if (silent_ >= most_silent_) {
            return Health::silent;
        }
        if (std::max(stalled_, overdue_) >= most_stalled_) {
            return Health::slow;
        }
        if (silent_ != 0) {
            return Health::ping;
        }
        return pings_ && read && !written ? Health::pong : Health::fine;
    }

 private:
    /// One tick less than fits: the last activity may have come just after a tick.
    Duration::rep ticks_in(Duration time) const noexcept { return std::max<Duration::rep>(1, time / period_ - 1); }

    Duration period_;
    Duration::rep most_silent_;
    Duration::rep most_stalled_;
    Duration::rep silent_ = 0;
    Duration::rep stalled_ = 0;
    Duration::rep overdue_ = 0;
    bool pings_ = false;
    bool read_ = false;
    std::atomic<bool> written_ = false;
    bool was_writing_ = false;  // as of the last tick
};

}  // namespace communica::stream

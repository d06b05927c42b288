// Decides when to send a keep-alive, and when the peer is dead.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace communica::rabbitmq {

/// Counts the ticks of a timer in which nothing was sent, or nothing was received. Not thread-safe.
///
/// Between peers of this library both sides send every five seconds. A peer that is silent for eight to nine seconds
/// may be dead, and the broker is asked; one that is silent for `liveness_timeout` is dead. With the Python library the
/// server alone sends, after `period`, and a client waits one and a half times as long.
class KeepAlive {
 public:
    using Duration = std::chrono::steady_clock::duration;

    enum class Role { client, server };

    static constexpr std::chrono::seconds between_ours{5};

    KeepAlive(Role role, Duration period)
        : speaks_(role == Role::server), listens_(role == Role::client), period_(period) {}

    /// The peer uses this library. It may be silent for this long, and always for more than one and a half periods.
    void start_pings(Duration liveness_timeout) noexcept {
        speaks_ = listens_ = true;
        period_ = std::min<Duration>(period_, between_ours);
        constexpr Duration::rep most = 1'000'000;
        const auto ticks = std::min(liveness_timeout / tick_time(), most);
        doubtful_ = ticks_a_period * 8 / 5;
        most_silent_ = std::max(doubtful_, static_cast<int>(ticks));
    }

    /// The interval at which `tick` must be called.
    Duration tick_time() const noexcept {
        return std::max<Duration>(period_ / ticks_a_period, std::chrono::milliseconds{1});
    }

    void on_sent() noexcept { sent_ = true; }
    void on_received() noexcept { received_ = true; }

    enum class Health {
        fine,
        speak,
        doubtful,  ///< ask the broker whether the peer exists
        silent,
    };

    Health tick() noexcept {
        silent_ = std::exchange(received_, false) ? 0 : silent_ + 1;
        unspoken_ = std::exchange(sent_, false) ? 0 : unspoken_ + 1;
        if (listens_ && silent_ >= most_silent_) {
            return Health::silent;
        }
        if (silent_ == doubtful_) {
            return Health::doubtful;
        }
        return speaks_ && unspoken_ + 1 >= ticks_a_period ? Health::speak : Health::fine;
    }

 private:
    static constexpr int ticks_a_period = 5;

    bool speaks_;
    bool listens_;
    Duration period_;
    int doubtful_ = -1;
    int most_silent_ = ticks_a_period * 3 / 2;
    int silent_ = 0;
    int unspoken_ = 0;
    bool sent_ = false;
    bool received_ = false;
};

}  // namespace communica::rabbitmq

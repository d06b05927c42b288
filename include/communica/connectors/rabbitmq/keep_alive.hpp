// When to give a sign of life, and when the other side has given none for too long.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace communica::rabbitmq {

/// Counts the ticks of a timer in which nothing was sent, or nothing came. Not thread-safe.
///
/// Between peers of this library both sides speak, every five seconds; one that is silent for eight to nine may be dead, which
/// the broker knows, and one that is silent for `liveness_timeout` is. With the Python library the server alone speaks, after
/// `period`, and a client waits for one and a half of it.
class KeepAlive {
 public:
    using Duration = std::chrono::steady_clock::duration;

    enum class Role { client, server };

    static constexpr std::chrono::seconds between_ours{5};

    KeepAlive(Role role, Duration period)
        : speaks_(role == Role::server), listens_(role == Role::client), period_(period) {}

    /// The other side is of this library, and may be silent for so long; for more than one and a half periods in any case.
    void start_pings(Duration liveness_timeout) noexcept {
        speaks_ = listens_ = true;
        period_ = std::min<Duration>(period_, between_ours);
        constexpr Duration::rep most = 1'000'000;
        const auto ticks = std::min(liveness_timeout / tick_time(), most);
        doubtful_ = ticks_a_period * 8 / 5;
        most_silent_ = std::max(doubtful_, static_cast<int>(ticks));
    }

    /// How often `tick` is to be called.
    Duration tick_time() const noexcept {
        return std::max<Duration>(period_ / ticks_a_period, std::chrono::milliseconds{1});
    }

    void on_sent() noexcept { sent_ = true; }
    void on_received() noexcept { received_ = true; }

    enum class Health {
        fine,
        speak,
        doubtful,  ///< is the other side still there?
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

// The wait before the next attempt.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace communica {

/// Exponential backoff. Each wait is twice the one before, up to `most`. Each is shortened at random by up to `jitter`
/// of itself, so that the clients of a server do not reconnect all at once. Negative values count as 0, waits of more
/// than 100 years as 100 years.
struct BackoffOptions {
    /// The wait before the second attempt. Default: 1 s.
    std::chrono::milliseconds first{1000};
    /// The longest wait; `first`, if that is longer. Default: 30 s.
    std::chrono::milliseconds most{30000};
    /// The largest part of a wait by which it is shortened. Default: 0.25.
    double jitter = 0.25;
};

namespace peer {

class Backoff {
 public:
    explicit Backoff(const BackoffOptions& options)
        : first_(std::clamp(options.first, std::chrono::milliseconds::zero(), longest)),
          most_(std::clamp(options.most, first_, longest)),
          jitter_(options.jitter > 0 ? std::min(options.jitter, 1.0) : 0),  // 0 for a NaN as well
          next_(first_) {}

    /// Returns the next wait.
    template <class Generator>
    std::chrono::milliseconds next(Generator& random) {
        const auto wait = next_;
        next_ = std::min(most_, wait * 2);
        std::uniform_real_distribution<double> part(1.0 - jitter_, 1.0);
        return std::chrono::duration_cast<std::chrono::milliseconds>(wait * part(random));
    }

    /// Starts again with the first wait. Called after a success.
    void reset() noexcept { next_ = first_; }

 private:
    /// A timer can wait this long: its double fits into nanoseconds.
    static constexpr std::chrono::milliseconds longest = std::chrono::hours{24} * 36'525;

    std::chrono::milliseconds first_;
    std::chrono::milliseconds most_;
    double jitter_;
    std::chrono::milliseconds next_;
};

}  // namespace peer
}  // namespace communica

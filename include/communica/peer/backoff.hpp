// How long to wait before the next attempt.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace communica {

/// Waits that double from `first` up to `most`, each shortened at random by up to `jitter` of itself, so that many
/// clients of one server do not come back all at once.
struct BackoffOptions {
    /// Before the second attempt.
    std::chrono::milliseconds first{1000};
    /// Between any two.
    std::chrono::milliseconds most{30000};
    /// The largest part of a wait by which it is shortened.
    double jitter = 0.25;
};

namespace peer {

class Backoff {
 public:
    explicit Backoff(const BackoffOptions& options) : options_(options), next_(options.first) {}

    /// The next wait.
    template <class Generator>
    std::chrono::milliseconds next(Generator& random) {
        const auto wait = next_;
        next_ = std::min(options_.most, wait * 2);
        std::uniform_real_distribution<double> part(1.0 - options_.jitter, 1.0);
        return std::chrono::duration_cast<std::chrono::milliseconds>(wait * part(random));
    }

    /// After a success the first wait comes again.
    void reset() noexcept { next_ = options_.first; }

 private:
    BackoffOptions options_;
    std::chrono::milliseconds next_;
};

}  // namespace peer
}  // namespace communica

// One timer for many deadlines.
#pragma once

#include "../asio.hpp"
#include "../separate_compilation.hpp"
#include "deadline_heap.hpp"

#include <memory>
#include <new>
#include <optional>
#include <utility>

namespace communica::peer {

/// A timer that fires at the earliest time it was armed for. Created when first armed. While armed, it keeps
/// `io_context::run` from returning. Not thread-safe: used under its owner's lock.
class DeadlineTimer {
 public:
    explicit DeadlineTimer(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    const asio::any_io_executor& executor() const noexcept { return executor_; }

    bool is_armed() const noexcept { return armed_.has_value(); }

    /// True if the timer fires at `when` or before, so that `arm` has nothing to do.
    bool runs_by(Clock::time_point when) const noexcept { return armed_ && *armed_ <= when; }

    /// Arranges that `owner->on_timer()` is called, without the lock, at `when` or before.
    template <class Owner>
    void arm(Clock::time_point when, const std::weak_ptr<Owner>& owner) {
        if (runs_by(when)) {
            return;
        }
        start(when, base::WaitTask([owner](asio::error_code error) {
                  if (const auto alive = error ? nullptr : owner.lock()) {
                      alive->on_timer();
                  }
              }));
    }

    /// Call it first in `on_timer`, under the lock.
    void has_run() noexcept { armed_.reset(); }

    void disarm();

 private:
    void start(Clock::time_point when, base::WaitTask task);

    const asio::any_io_executor executor_;
    std::unique_ptr<asio::steady_timer> timer_;  // few connections need one
    std::optional<Clock::time_point> armed_;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "deadline_timer.ipp"
#endif

// What the coroutines of a strand wait for.
#pragma once

#include "../asio.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace communica::entities {

/// A condition variable for coroutines that share a strand. A coroutine tests its condition, waits, and tests again. Use it on the
/// strand only.
class StrandEvent {
 public:
    explicit StrandEvent(const asio::any_io_executor& strand) : timer_(strand, asio::steady_timer::time_point::max()) {}

    /// Resumes every coroutine that waits.
    void notify_all() { timer_.cancel(); }

    /// Returns a function for any thread that calls `notify_all` on the strand, as long as `owner`, which owns this event,
    /// exists.
    template <class Owner>
    std::function<void()> notifier(std::weak_ptr<Owner> owner) {
        return [this, owner = std::move(owner)] {
            if (const auto alive = owner.lock()) {
                base::post_or_again(timer_.get_executor(), [this, alive] { notify_all(); });
            }
        };
    }

    /// Completes at the next `notify_all`, or when it is cancelled; then the next `co_await` throws.
    auto wait() { return timer_.async_wait(no_throw); }

    /// Calls `notify_all` at `time`, or when the returned timer is destroyed. `owner` owns this event.
    template <class Owner>
    asio::steady_timer notify_at(asio::steady_timer::time_point time, std::shared_ptr<Owner> owner) {
        asio::steady_timer timer(timer_.get_executor(), time);
        timer.async_wait(base::WaitTask([this, owner = std::move(owner)](asio::error_code) { notify_all(); }));
        return timer;
    }

 private:
    asio::steady_timer timer_;  // it never expires: `cancel` resumes what waits
};

}  // namespace communica::entities

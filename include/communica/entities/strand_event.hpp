// What the coroutines of a strand wait for.
#pragma once

#include "../asio.hpp"
#include "../separate_compilation.hpp"

#include <functional>
#include <memory>
#include <tuple>

namespace communica::entities {

/// A condition variable for coroutines that share a strand. A coroutine tests its condition, waits, and tests again. Use it on the
/// strand only.
class StrandEvent {
 public:
    explicit StrandEvent(const asio::any_io_executor& strand);

    /// Resumes every coroutine that waits.
    void notify_all();

    /// Returns a function for any thread that calls `notify_all` on the strand, as long as `owner`, which owns this event,
    /// exists.
    std::function<void()> notifier(std::weak_ptr<void> owner);

    /// Completes at the next `notify_all`, or when it is cancelled; then the next `co_await` throws.
    asio::awaitable<std::tuple<asio::error_code>> wait();

    /// Calls `notify_all` at `time`, or when the returned timer is destroyed. `owner` owns this event.
    asio::steady_timer notify_at(asio::steady_timer::time_point time, std::shared_ptr<void> owner);

 private:
    asio::steady_timer timer_;  // it never expires: `cancel` resumes what waits
};

}  // namespace communica::entities

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "strand_event.ipp"
#endif

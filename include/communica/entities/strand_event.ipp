#pragma once

#include "strand_event.hpp"

#include <utility>

namespace communica::entities {

COMMUNICA_INLINE StrandEvent::StrandEvent(const asio::any_io_executor& strand)
    : timer_(strand, asio::steady_timer::time_point::max()) {}

COMMUNICA_INLINE void StrandEvent::notify_all() { timer_.cancel(); }

COMMUNICA_INLINE std::function<void()> StrandEvent::notifier(std::weak_ptr<void> owner) {
    return [this, owner = std::move(owner)] {
        if (const auto alive = owner.lock()) {
            base::post_or_again(timer_.get_executor(), [this, alive] { notify_all(); });
        }
    };
}

COMMUNICA_INLINE asio::awaitable<std::tuple<asio::error_code>> StrandEvent::wait() {
    return timer_.async_wait(no_throw);
}

COMMUNICA_INLINE asio::steady_timer StrandEvent::notify_at(asio::steady_timer::time_point time,
                                                           std::shared_ptr<void> owner) {
    asio::steady_timer timer(timer_.get_executor(), time);
    timer.async_wait(base::WaitTask([this, owner = std::move(owner)](asio::error_code) { notify_all(); }));
    return timer;
}

}  // namespace communica::entities

#pragma once

#include "deadline_timer.hpp"

namespace communica::peer {

COMMUNICA_INLINE void DeadlineTimer::disarm() {
    if (std::exchange(armed_, std::nullopt)) {
        timer_->cancel();
    }
}

COMMUNICA_INLINE void DeadlineTimer::start(Clock::time_point when, base::WaitTask task) {
    if (!timer_) {
        timer_ = std::make_unique<asio::steady_timer>(executor_);
    }
    armed_.reset();
    timer_->expires_at(when);
    try {
        timer_->async_wait(task);
    } catch (const std::bad_alloc&) {  // the failed attempt has freed its memory
        timer_->async_wait(std::move(task));
    }
    armed_ = when;
}

}  // namespace communica::peer

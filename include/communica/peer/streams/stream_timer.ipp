#pragma once

#include "stream_timer.hpp"

namespace communica::peer {

COMMUNICA_INLINE StreamTimer::StreamTimer(const asio::any_io_executor& executor,
                                          std::function<void(const char*)> expire)
    : timer_(executor), expire_(std::move(expire)) {}

COMMUNICA_INLINE void StreamTimer::set_whole(Clock::duration time) {
    const std::lock_guard lock(mutex_);
    ends_ = after(Clock::now(), time);
    arm();
}

COMMUNICA_INLINE void StreamTimer::set_idle(Clock::duration time) {
    note_item();
    const std::lock_guard lock(mutex_);
    idle_ = time;
    arm();
}

COMMUNICA_INLINE void StreamTimer::stop() {
    const std::lock_guard lock(mutex_);
    expire_ = nullptr;
    timer_.cancel();
}

COMMUNICA_INLINE void StreamTimer::arm() {
    const auto next = std::min(ends_, idle_until());
    if (!expire_ || next == Clock::time_point::max()) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(next);
    timer_.async_wait(base::WaitTask([weak = weak_from_this()](asio::error_code error) {
        const auto self = error ? nullptr : weak.lock();
        if (self) {
            self->on_time();
        }
    }));
}

COMMUNICA_INLINE void StreamTimer::on_time() {
    std::function<void(const char*)> expire;
    const char* why = nullptr;
    {
        const std::lock_guard lock(mutex_);
        const auto now = Clock::now();
        if (now >= ends_) {
            why = "the time of the stream is over";
        } else if (now >= idle_until()) {
            why = "the stream was idle for too long";
        } else {
            arm();
        }
        if (why != nullptr) {
            expire = std::exchange(expire_, nullptr);
        }
    }
    if (expire) {
        expire(why);
    }
}

}  // namespace communica::peer

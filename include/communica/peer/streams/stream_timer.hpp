// The deadlines of a stream.
#pragma once

#include "../../asio.hpp"
#include "../deadline_heap.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace communica::peer {

/// Ends a stream at a time, or when it was idle for some time. Made for the streams that have a deadline. Thread-safe.
class StreamTimer : public std::enable_shared_from_this<StreamTimer> {
 public:
    static constexpr Clock::duration never = Clock::duration::max();

    /// `expire` is called once, without a lock, on `executor`, with the reason.
    StreamTimer(const asio::any_io_executor& executor, std::function<void(const char*)> expire);

    /// The time that the stream has from now on.
    void set_whole(Clock::duration time);
    /// The longest time without an item.
    void set_idle(Clock::duration time);

    /// Items were sent or received.
    void note_item() noexcept { last_item_.store(Clock::now(), std::memory_order_relaxed); }

    /// The stream has ended.
    void stop();

 private:
    static Clock::time_point after(Clock::time_point from, Clock::duration time) noexcept {
        return time >= Clock::time_point::max() - from ? Clock::time_point::max() : from + time;
    }
    Clock::time_point idle_until() const noexcept { return after(last_item_.load(std::memory_order_relaxed), idle_); }

    void arm();

    void on_time();

    std::atomic<Clock::time_point> last_item_ = Clock::now();

    std::mutex mutex_;  // guards the members below; no other lock is taken under it
    asio::steady_timer timer_;
    std::function<void(const char*)> expire_;
    Clock::time_point ends_ = Clock::time_point::max();
    Clock::duration idle_ = never;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "stream_timer.ipp"
#endif

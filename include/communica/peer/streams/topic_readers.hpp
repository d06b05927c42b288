// The subscribers of a topic that miss nothing, and the publishers that wait for them.
#pragma once

#include "../../asio.hpp"
#include "../../lock_order.hpp"
#include "waiters.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <type_traits>
#include <utility>

namespace communica::peer {

/// Knows how far the slowest of these subscribers is. Thread-safe.
class TopicReaders : public std::enable_shared_from_this<TopicReaders> {
 public:
    /// A place in the topic: behind so many items, of so many bytes.
    struct Place {
        std::uint64_t items = 0;
        std::uint64_t bytes = 0;

        bool operator<(const Place& other) const noexcept { return items < other.items; }
    };
    using Places = std::multiset<Place>;

    /// There is room while the slowest is behind by less.
    explicit TopicReaders(Place most_behind) : most_behind_(most_behind) {}

    /// A subscriber, as long as it lives.
    class Reader {
     public:
        Reader(std::shared_ptr<TopicReaders> all, Place place) : all_(std::move(all)), at_(all_->add(place)) {}
        Reader(const Reader&) = delete;
        Reader& operator=(const Reader&) = delete;
        ~Reader() { all_->remove(at_); }  // NOLINT(bugprone-exception-escape): out of memory terminates

        void move_to(Place place) { all_->move(at_, place); }

     private:
        std::shared_ptr<TopicReaders> all_;
        Places::iterator at_;
    };

    void set_end(Place end) {
        const std::lock_guard lock(mutex_);
        end_ = end;
    }

    /// Nobody waits from now on.
    void close() {
        change([this] { is_closed_ = true; });
    }

    /// Completes with `void(asio::error_code)` when there is room.
    template <class Token>
    auto async_wait(Token&& token) {
        return asio::async_initiate<Token, void(asio::error_code)>(InitiateWait{}, token, shared_from_this(),
                                                                   asio::any_io_executor(asio::system_executor()));
    }
    /// The same. Returns false, and does not take the waiter, if there is room.
    bool wait(StreamWaiter& waiter) {
        const std::lock_guard lock(mutex_);
        if (has_room()) {
            return false;
        }
        waiters_.add(waiter);
        return true;
    }
    StreamWaiter* take_waiter(std::uint64_t number) {
        const std::lock_guard lock(mutex_);
        return waiters_.take(number);
    }
    std::uint64_t next_waiter() {
        const std::lock_guard lock(mutex_);
        return ++last_waiter_;
    }

 private:
    Places::iterator add(Place place) {
        const std::lock_guard lock(mutex_);
        return places_.insert(place);
    }
    void remove(Places::iterator at) {
        change([&] { places_.erase(at); });
    }
    void move(Places::iterator& at, Place place) {
        change([&] {
            auto node = places_.extract(at);
            node.value() = place;
            at = places_.insert(std::move(node));
        });
    }

    /// Changes something, and wakes who waits if there is room then.
    template <class F>
    void change(const F& what) {
        StreamWaiters woken;
        {
            const std::lock_guard lock(mutex_);
            what();
            if (has_room()) {
                std::swap(woken, waiters_);
            }
        }
        woken.wake();
    }
    bool has_room() const {
        return is_closed_ || places_.empty() ||
               (end_.items - places_.begin()->items < most_behind_.items &&
                end_.bytes - places_.begin()->bytes < most_behind_.bytes);
    }

    const Place most_behind_;
    base::OrderedMutex<base::LockOrder::topic_readers> mutex_;  // guards the members below
    Places places_;
    Place end_;
    StreamWaiters waiters_;
    std::uint64_t last_waiter_ = 0;
    bool is_closed_ = false;
};

}  // namespace communica::peer

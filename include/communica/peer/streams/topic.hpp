// Published values, and the streams of their subscribers.
#pragma once

#include "../../lock_order.hpp"
#include "../../serializers/json.hpp"
#include "published.hpp"
#include "stream.hpp"
#include "topic_readers.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica {

/// What happens to a subscriber so slow that an item is dropped before it was read.
enum class SlowSubscriber {
    drop_oldest,  ///< it gets the remaining items, and the number it has missed
    latest,       ///< it gets the newest item whenever it can take one
    fail,         ///< its stream ends with `errc::slow_peer`
    wait,  ///< as `drop_oldest`, but publishers that wait for `Topic::ready` wait for it, so that it misses nothing
};

/// The items that a topic keeps.
struct TopicOptions {
    /// Items kept for slow subscribers, and for those that subscribe again. Default: 1024.
    std::size_t capacity = 1024;
    /// The same in bytes, as they are sent. One item is always kept. Default: 16 MiB.
    std::size_t max_bytes = 16 * 1024 * 1024;
    /// Kept items that a new subscriber gets at once. Default: 0.
    std::size_t history = 0;
};

/// Publishes values to any number of subscribers, each of which may be behind. Serialises a value once for all of them.
///
///     communica::Topic<Tick> ticks;
///     routes.add(prices, [&](Symbol, communica::Context& context) { return ticks.follow(context); });
///     ticks.publish(tick);
///
/// `S` is the serializer of its routes. Under a route with another serializer, a value is serialised for each
/// subscriber. Thread-safe. May be destroyed while there are subscribers: their streams end.
template <class T, Serializer S = JsonSerializer>
class Topic {
 public:
    /// The items of its streams.
    using Item = Published<T>;

    explicit Topic(TopicOptions options = {}, S serializer = {})
        : state_(std::make_shared<State>(options, std::move(serializer))) {}
    Topic(const Topic&) = delete;
    Topic& operator=(const Topic&) = delete;
    ~Topic() { close(); }  // NOLINT(bugprone-exception-escape): out of memory terminates

    /// Publishes a value to all subscribers, and returns at once. Throws the serializer's exception.
    void publish(T value) { state_->publish(std::move(value)); }

    /// Waits until the next value makes no subscriber of `SlowSubscriber::wait` miss one: until each is behind by less than
    /// `TopicOptions::capacity` items and half of `max_bytes`. A value of more than half of `max_bytes` may be missed.
    /// Completes with: nothing, or `operation_aborted`; at once without such subscribers, and when the topic is closed.
    /// Executor: the token's; for a callback without one `asio::system_executor`. Its io_context has to outlive the wait:
    /// close the topic first. Cancellation: ends the wait.
    template <class Token = asio::use_awaitable_t<>>
    auto ready(Token&& token = Token()) const {
        return state_->readers()->async_wait(std::forward<Token>(token));
    }

    /// Returns the stream of a new subscriber. A handler returns it to its requester.
    Stream<Item> follow(const Context& context, SlowSubscriber slow = SlowSubscriber::drop_oldest) const {
        return follow(state_, resume_token(context), slow);
    }

    /// The number of subscribers.
    std::size_t subscribers() const { return state_->size(); }

    /// Ends all streams in order, after the published items.
    void close() { state_->close(); }

 private:
    struct Entry {
        Item item;
        Buffer bytes;
        std::uint64_t bytes_before = 0;  // of all entries
    };

    class State {
     public:
        State(TopicOptions options, S serializer)
            : options_(options),
              serializer_(std::move(serializer)),
              readers_(std::make_shared<peer::TopicReaders>(peer::TopicReaders::Place{
                  std::max<std::uint64_t>(options.capacity, 1), std::max<std::uint64_t>(options.max_bytes / 2, 1)})) {
            std::random_device random;
            epoch_ = std::to_string(random()) + '-';
        }

        void publish(T value) {
            auto entry = std::make_shared<Entry>();
            std::vector<std::shared_ptr<peer::StreamEnd>> followers;
            const std::lock_guard one_publisher(
                publishing_);  // the user's serializer does not run under the other lock
            entry->item = {std::move(value), epoch_ + std::to_string(end_), 0};
            codec::dump_part(serializer_, entry->item, entry->bytes);
            {
                const std::lock_guard lock(mutex_);
                bytes_ += entry->bytes.size();
                entry->bytes_before = std::exchange(all_bytes_, all_bytes_ + entry->bytes.size());
                entries_.push_back(std::move(entry));
                ++end_;
                readers_->set_end({end_, all_bytes_});
                while (entries_.size() > std::max<std::size_t>(options_.capacity, 1) ||
                       (bytes_ > options_.max_bytes && entries_.size() != 1)) {
                    bytes_ -= entries_.front()->bytes.size();
                    entries_.pop_front();
                }
                followers = living();
            }
            notify(followers);
        }

        void close() {
            std::vector<std::shared_ptr<peer::StreamEnd>> followers;
            {
                const std::lock_guard lock(mutex_);
                is_closed_ = true;
                followers = living();
            }
            readers_->close();
            notify(followers);
        }

        const std::shared_ptr<peer::TopicReaders>& readers() const noexcept { return readers_; }

        /// The place before this item.
        peer::TopicReaders::Place place_of(std::uint64_t number) const {
            const std::lock_guard lock(mutex_);
            const std::uint64_t first = end_ - entries_.size();
            if (number >= end_) {
                return {end_, all_bytes_};
            }
            return {std::max(number, first),
                    entries_[static_cast<std::size_t>(std::max(number, first) - first)]->bytes_before};
        }

        /// Returns where a subscriber with this token continues, and how many items it has missed before.
        std::pair<std::uint64_t, std::int64_t> begin(std::string_view token, SlowSubscriber slow) const {
            const std::lock_guard lock(mutex_);
            if (token.empty()) {
                const std::size_t most = slow == SlowSubscriber::latest ? 1 : options_.history;
                return {end_ - std::min({options_.history, most, entries_.size()}), 0};
            }
            std::uint64_t last = 0;
            if (!token.starts_with(epoch_) || !read(token.substr(epoch_.size()), last) || last >= end_) {
                return {end_ - entries_.size(), Item::some};  // a token of another topic, which this one replaces
            }
            return {last + 1, 0};
        }

        void add(const std::shared_ptr<peer::StreamEnd>& end) {
            const std::lock_guard lock(mutex_);
            if (followers_.size() >= prune_at_) {
                prune_at_ = 2 * living().size() + 16;
            }
            followers_.push_back(end);
        }
        std::size_t size() const {
            const std::lock_guard lock(mutex_);
            return living().size();
        }

        /// The next item of a subscriber.
        struct Next {
            std::shared_ptr<const Entry> entry;  ///< null if there is none yet, or never
            std::int64_t missed = 0;             ///< dropped items before it
            bool is_closed = false;              ///< the topic is closed
            bool is_too_slow = false;            ///< items were missed, which ends the stream (`SlowSubscriber::fail`)
        };

        Next next(std::uint64_t& place, SlowSubscriber slow) const {
            const std::lock_guard lock(mutex_);
            const std::uint64_t first = end_ - entries_.size();
            std::int64_t missed = 0;
            const std::uint64_t from = slow == SlowSubscriber::latest && !entries_.empty() ? end_ - 1 : first;
            if (place < from) {
                if (slow == SlowSubscriber::fail) {
                    return {.entry = nullptr, .is_too_slow = true};
                }
                missed = static_cast<std::int64_t>(from - place);
                place = from;
            }
            if (place == end_) {
                return {.entry = nullptr, .is_closed = is_closed_};
            }
            return {.entry = entries_[static_cast<std::size_t>(place++ - first)], .missed = missed};
        }

     private:
        static bool read(std::string_view digits, std::uint64_t& number) {
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
            return error == std::errc() && end == digits.data() + digits.size();
        }

        std::vector<std::shared_ptr<peer::StreamEnd>> living() const {
            std::vector<std::shared_ptr<peer::StreamEnd>> living;
            std::erase_if(followers_, [&](const std::weak_ptr<peer::StreamEnd>& weak) {
                auto end = weak.lock();
                if (!end || end->has_ended()) {
                    return true;
                }
                living.push_back(std::move(end));
                return false;
            });
            return living;
        }
        static void notify(const std::vector<std::shared_ptr<peer::StreamEnd>>& followers) {
            for (const auto& end : followers) {
                end->notify();
            }
        }

        const TopicOptions options_;
        const S serializer_;
        const std::shared_ptr<peer::TopicReaders> readers_;
        std::string epoch_;  // tells the tokens of topics apart
        base::OrderedMutex<base::LockOrder::publishing> publishing_;
        mutable base::OrderedMutex<base::LockOrder::topic>
            mutex_;  // guards the members below; `end_` changes under both mutexes
        std::deque<std::shared_ptr<const Entry>> entries_;
        std::uint64_t end_ = 0;  // the number of the next item
        std::size_t bytes_ = 0;
        std::uint64_t all_bytes_ = 0;
        mutable std::vector<std::weak_ptr<peer::StreamEnd>> followers_;
        std::size_t prune_at_ = 16;  // with this many followers, those that have ended are removed
        bool is_closed_ = false;
    };

    static Stream<Item> follow(std::shared_ptr<State> state, std::string token, SlowSubscriber slow) {
        const auto end = co_await peer::ThisStream();
        auto [place, missed] = state->begin(token, slow);
        state->add(end);
        std::optional<peer::TopicReaders::Reader> reader;
        if (slow == SlowSubscriber::wait) {
            reader.emplace(state->readers(), state->place_of(place));
        }
        for (;;) {
            const auto next = state->next(place, slow);
            if (reader && next.entry) {
                reader->move_to(state->place_of(place));
            }
            if (next.is_too_slow) {
                throw ResponderError("too slow for what is published", 503, errc::slow_peer);
            }
            if (!next.entry) {
                if (next.is_closed) {
                    co_return;
                }
                co_await peer::Notice();
                continue;
            }
            missed = missed == Item::some ? Item::some : missed + next.missed;
            if (missed == 0) {
                co_yield peer::EncodedItem<Item>{next.entry->item, next.entry->bytes.bytes(), &peer::serializer_tag<S>};
            } else {
                Item item = next.entry->item;
                item.missed = std::exchange(missed, 0);
                co_yield item;
            }
        }
    }

    std::shared_ptr<State> state_;
};

}  // namespace communica

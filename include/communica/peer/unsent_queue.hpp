// The queue of unsent requests and notifications.
#pragma once

#include "../counters.hpp"
#include "outgoing.hpp"
#include "pending_requests.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

namespace communica::peer {

/// A queue from which any message can be removed by its number: first the messages of high priority, last those of low.
/// Not thread-safe.
class UnsentQueue {
 public:
    explicit UnsentQueue(std::shared_ptr<Counters> counters = nullptr)
        : gauge_(std::move(counters), &Counters::unsent) {
        begins_.fill(messages_.end());
    }
    UnsentQueue(const UnsentQueue&) = delete;
    UnsentQueue& operator=(const UnsentQueue&) = delete;

    struct Waiting {
        RequestId id = 0;  ///< 0 for a message to send whose operation has completed
        Outgoing message = {};
        std::size_t bytes = 0;  ///< bytes that it counts for, also after its body was taken
    };

    bool empty() const noexcept { return messages_.empty(); }
    /// Bytes of all messages.
    std::size_t bytes() const noexcept { return bytes_; }
    std::size_t size() const noexcept { return messages_.size(); }

    /// Adds a message behind all others of its priority, a flush behind all others.
    void add(RequestId id, Outgoing message);
    /// Puts a message in front of all others of its priority: a connection has returned it.
    void put_back(RequestId id, Outgoing message);

    /// Is there a message that is sent before a new one of this priority?
    bool has_before(Priority priority) noexcept { return begin() != end_of(priority); }

    bool contains(RequestId id) const { return places_.contains(id); }
    /// Returns null if it is not in the queue.
    const Outgoing* find(RequestId id) const;

    using Place = std::list<Waiting>::iterator;
    Place begin() noexcept { return messages_.begin(); }
    Place end() noexcept { return messages_.end(); }
    Waiting& front() noexcept { return messages_.front(); }
    /// Returns the next place.
    Place erase(Place place);

    /// Removes and returns the message of this number, if it is in the queue.
    std::optional<Outgoing> take(RequestId id);

    void clear() noexcept;

 private:
    Place begin_of(Priority priority) noexcept { return begins_[static_cast<std::size_t>(priority)]; }
    Place end_of(Priority priority) noexcept {
        return priority == Priority::low ? end() : begins_[static_cast<std::size_t>(priority) - 1];
    }

    void insert(Place before, RequestId id, Outgoing message);

    Waiting remove(Place place);

    std::list<Waiting> messages_;
    std::array<Place, 3> begins_;  // by priority: its first message, or the first behind these if it has none
    std::unordered_map<RequestId, Place> places_;
    std::size_t bytes_ = 0;
    Gauge gauge_;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "unsent_queue.ipp"
#endif

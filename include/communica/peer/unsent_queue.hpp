// The queue of unsent requests and notifications.
#pragma once

#include "../counters.hpp"
#include "outgoing.hpp"
#include "pending_requests.hpp"

#include <cstddef>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

namespace communica::peer {

/// A queue from which any message can be removed by its number. Not thread-safe.
class UnsentQueue {
 public:
    explicit UnsentQueue(std::shared_ptr<Counters> counters = nullptr)
        : gauge_(std::move(counters), &Counters::unsent) {}

    struct Waiting {
        RequestId id = 0;  ///< 0 for a message to send whose operation has completed
        Outgoing message = {};
        std::size_t bytes = 0;  ///< bytes that it counts for, also after its body was taken
    };

    bool empty() const noexcept { return messages_.empty(); }
    /// Bytes of all messages.
    std::size_t bytes() const noexcept { return bytes_; }
    std::size_t size() const noexcept { return messages_.size(); }

    void add(RequestId id, Outgoing message) { insert(messages_.end(), id, std::move(message)); }
    /// Puts a message in front of all others: a connection has returned it.
    void put_back(RequestId id, Outgoing message) { insert(messages_.begin(), id, std::move(message)); }

    bool contains(RequestId id) const { return places_.contains(id); }
    /// Returns null if it is not in the queue.
    const Outgoing* find(RequestId id) const {
        const auto place = places_.find(id);
        return place == places_.end() ? nullptr : &place->second->message;
    }

    using Place = std::list<Waiting>::iterator;
    Place begin() noexcept { return messages_.begin(); }
    Place end() noexcept { return messages_.end(); }
    Waiting& front() noexcept { return messages_.front(); }
    /// Returns the next place.
    Place erase(Place place) {
        const Place next = std::next(place);
        remove(place);
        return next;
    }

    /// Removes and returns the message of this number, if it is in the queue.
    std::optional<Outgoing> take(RequestId id) {
        const auto place = places_.find(id);
        if (place == places_.end()) {
            return std::nullopt;
        }
        return remove(place->second).message;
    }

    void clear() noexcept {
        messages_.clear();
        places_.clear();
        bytes_ = 0;
        gauge_.set(0);
    }

 private:
    void insert(Place before, RequestId id, Outgoing message) {
        const std::size_t bytes = message.size();
        const Place place = messages_.insert(before, {id, std::move(message), bytes});
        bytes_ += bytes;
        if (id != 0) {
            places_.emplace(id, place);
        }
        gauge_.set(messages_.size());
    }

    Waiting remove(Place place) {
        Waiting waiting = std::move(*place);
        messages_.erase(place);
        places_.erase(waiting.id);
        bytes_ -= waiting.bytes;
        gauge_.set(messages_.size());
        return waiting;
    }

    std::list<Waiting> messages_;
    std::unordered_map<RequestId, Place> places_;
    std::size_t bytes_ = 0;
    Gauge gauge_;
};

}  // namespace communica::peer

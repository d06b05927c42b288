// The messages that wait for a connection.
#pragma once

#include "../connection.hpp"
#include "pending_requests.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace communica::peer {

struct Waiting {
    RequestId id = 0;  ///< 0 for an answer, and for a notification that counts as sent
    std::string metadata = {};
    Buffer body = {};
};

/// A queue of messages from which a request can be taken out again. Not thread-safe.
class Outbox {
 public:
    void add(Waiting message) { messages_.push_back(std::move(message)); }
    /// Puts a message before all others: a connection gave it back.
    void put_back(Waiting message) { messages_.push_front(std::move(message)); }

    /// Sends what `connection` takes, in order, and calls `sent` with the number of each.
    template <class Sent>
    void send_to(Connection& connection, Sent sent) {
        while (!messages_.empty() && connection.send(messages_.front().metadata, messages_.front().body)) {
            sent(messages_.front().id);
            messages_.pop_front();
        }
    }

    bool contains(RequestId id) const { return find(id) != messages_.end(); }

    std::optional<RequestId> oldest() const {
        return messages_.empty() ? std::nullopt : std::optional(messages_.front().id);
    }

    Waiting take(RequestId id) {
        Waiting message;
        if (const auto found = find(id); found != messages_.end()) {
            const auto at = messages_.begin() + (found - messages_.cbegin());
            message = std::move(*at);
            messages_.erase(at);
        }
        return message;
    }

    void drop(RequestId id) { take(id); }
    bool empty() const noexcept { return messages_.empty(); }
    void clear() noexcept { messages_.clear(); }

 private:
    std::deque<Waiting>::const_iterator find(RequestId id) const {
        return std::find_if(messages_.begin(), messages_.end(),
                            [id](const Waiting& message) { return message.id == id && id != 0; });
    }

    std::deque<Waiting> messages_;
};

}  // namespace communica::peer

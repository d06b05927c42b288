// A message to be sent.
#pragma once

#include "../buffer.hpp"
#include "../wire/metadata.hpp"
#include "deadline_heap.hpp"
#include "priority.hpp"

#include <memory>
#include <optional>
#include <string>

namespace communica::peer {

class StreamEnd;

/// A serialised request or notification without a number. Its metadata is written when it is sent, because it depends
/// on the peer's extensions.
struct Outgoing {
    wire::MessageType type = wire::MessageType::request;
    std::string quoted_route = {};  ///< a JSON string with its quotes, or empty
    std::string headers = {};       ///< a JSON object of strings, or empty
    Buffer body = {};
    std::optional<Clock::duration> timeout = {};
    bool wait_for_connection = true;
    bool idempotent = false;
    Priority priority = Priority::normal;
    /// The stream that it opens. The body then starts with space for the peer's first credit.
    std::shared_ptr<StreamEnd> stream = {};
    /// At another requester, before it was moved to this one.
    Clock::duration waited = {};

    bool is_notification() const noexcept { return type == wire::MessageType::notification; }

    /// Bytes that it counts for in the queue.
    std::size_t size() const noexcept { return sizeof(Outgoing) + quoted_route.size() + headers.size() + body.size(); }

    Outgoing copy() const {
        return {type, quoted_route, headers, body.copy(), timeout, wait_for_connection, idempotent, priority, stream};
    }
};

}  // namespace communica::peer

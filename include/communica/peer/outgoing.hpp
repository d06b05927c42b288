// A message that somebody wants sent.
#pragma once

#include "../buffer.hpp"
#include "../wire/metadata.hpp"
#include "deadline_heap.hpp"

#include <memory>
#include <optional>
#include <string>

namespace communica::peer {

class StreamEnd;

/// A request or notification: serialised already, not yet numbered. Its metadata is written when it is sent: what stands
/// in it depends on what the other side offers.
struct Outgoing {
    wire::MessageType type = wire::MessageType::request;
    std::string quoted_route = {};  ///< a JSON string with its quotes, or empty
    std::string headers = {};       ///< a JSON object of texts, or empty
    Buffer body = {};
    std::optional<Clock::duration> timeout = {};
    bool wait_for_connection = true;
    bool idempotent = false;
    /// What it opens: then the body begins with room for the credit that the other side gets.
    std::shared_ptr<StreamEnd> stream = {};

    bool is_notification() const noexcept { return type == wire::MessageType::notification; }

    /// What it counts for where it waits.
    std::size_t size() const noexcept { return sizeof(Outgoing) + quoted_route.size() + headers.size() + body.size(); }

    Outgoing copy() const {
        Outgoing other{type, quoted_route, headers, {}, timeout, wait_for_connection, idempotent, stream};
        other.body.append(body.text());
        return other;
    }
};

}  // namespace communica::peer

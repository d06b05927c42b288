// A message that somebody wants sent.
#pragma once

#include "../buffer.hpp"
#include "../wire/metadata.hpp"
#include "pending_requests.hpp"

#include <optional>
#include <string>

namespace communica::peer {

/// A request or notification: serialised already, not yet numbered.
struct Outgoing {
    wire::MessageType type = wire::MessageType::request;
    std::string quoted_route = {};  ///< a JSON string with its quotes, or empty
    Buffer body = {};
    std::optional<Clock::duration> timeout = {};
    bool wait_for_connection = true;

    /// When the time for it is over, counted from now; none if it has all the time there is.
    std::optional<Clock::time_point> deadline() const {
        if (!timeout) {
            return std::nullopt;
        }
        const auto now = Clock::now();
        return *timeout < Clock::time_point::max() - now ? now + *timeout : Clock::time_point::max();
    }
};

}  // namespace communica::peer

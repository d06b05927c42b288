// Asking the other side about itself.
#pragma once

#include "../serializers/json.hpp"
#include "requests.hpp"

#include <utility>

namespace communica::peer {

/// `inspect`, for a client: a server tells it about itself.
template <class Derived>
class Inspect {
 public:
    /// Completes with what the server says of itself, a JSON object: its routes with their types, limits, counters, clients
    /// (docs/protocol.md, "Inspection"). Ends as a request does; with `RequesterError`, 403, where the server's `introspection` does
    /// not let this side know, and with `errc::not_supported` by a peer of the Python library, or an older one.
    template <NotOptions Token = default_token>
    auto inspect(Token&& token = {}) const {
        return inspect(RequestOptions{}, std::forward<Token>(token));
    }
    template <class Token = default_token>
    auto inspect(RequestOptions options, Token&& token = {}) const {
        return ask<nlohmann::json, ExceptionCompletion>(static_cast<const Derived&>(*this).target(),
                                                        wire::MessageType::inspect, JsonSerializer(), {}, false,
                                                        Nothing{}, options, std::forward<Token>(token));
    }

 private:
    friend Derived;
    Inspect() = default;
};

}  // namespace communica::peer

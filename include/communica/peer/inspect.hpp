// Asking a server about itself.
#pragma once

#include "../serializers/json.hpp"
#include "requests.hpp"

#include <utility>

namespace communica::peer {

/// `inspect` for clients.
template <class Derived>
class Inspect {
 public:
    /// Asks the server for a JSON object about itself: its routes with their types, limits, counters and clients
    /// (docs/protocol.md, "Inspection").
    /// Completes with: `void(std::exception_ptr, nlohmann::json)`.
    /// Executor: the token's, by default the entity's. Thread-safe.
    /// Cancellation: as of `request`.
    /// Errors: as of `request`; `RequesterError` with status 403 if the server's `introspection` does not permit it;
    /// `errc::not_supported` by a peer of the Python library, or an older one.
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

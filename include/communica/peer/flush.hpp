// Waiting until the peer has taken all earlier messages.
#pragma once

#include "../serializers/bytes.hpp"
#include "requests.hpp"

#include <utility>

namespace communica::peer {

/// `flush` for the entities and handles with a single peer: clients and peer handles.
template <class Derived>
class Flush {
 public:
    /// Waits until the peer has taken all messages sent to it before: each was passed to its handler or refused.
    /// Completes with: `void(std::exception_ptr)`.
    /// Executor: the token's, by default the entity's. Thread-safe.
    /// Cancellation: as of `request`.
    /// Errors: as of `request`; `errc::connection_lost` if notifications may be lost, also those that an earlier
    /// connection took without a flush after them; `errc::not_supported` by a peer of the Python library, or an older
    /// one.
    template <NotOptions Token = default_token>
    auto flush(Token&& token = {}) const {
        return flush(RequestOptions{}, std::forward<Token>(token));
    }
    template <class Token = default_token>
    auto flush(RequestOptions options, Token&& token = {}) const {
        options.priority = Priority::normal;  // a high one would overtake what was sent before
        return ask<void, ExceptionCompletion>(static_cast<const Derived&>(*this).target(), wire::MessageType::flush,
                                              BytesSerializer(), {}, false, Nothing{}, options,
                                              std::forward<Token>(token));
    }

 private:
    friend Derived;
    Flush() = default;
};

}  // namespace communica::peer

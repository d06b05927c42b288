// Whether what was sent has been taken.
#pragma once

#include "../serializers/bytes.hpp"
#include "requests.hpp"

#include <utility>

namespace communica::peer {

/// `flush`, for who has one other side: a client, and the handle of a single peer.
template <class Derived>
class Flush {
 public:
    /// Completes when the other side has taken all that was sent to it before: every message is with its handler, or was refused. So
    /// notifications have arrived that are followed by this. Ends as a request does; with `errc::connection_lost` if it is not known
    /// what has arrived, also where a connection that is gone by now took notifications with no flush behind them. A peer of the
    /// Python library, or an older one, does not tell: `errc::not_supported`.
    template <NotOptions Token = default_token>
    auto flush(Token&& token = {}) const {
        return flush(RequestOptions{}, std::forward<Token>(token));
    }
    template <class Token = default_token>
    auto flush(RequestOptions options, Token&& token = {}) const {
        return ask<void, ExceptionCompletion>(static_cast<const Derived&>(*this).target(), wire::MessageType::flush,
                                              BytesSerializer(), {}, false, Nothing{}, options,
                                              std::forward<Token>(token));
    }

 private:
    friend Derived;
    Flush() = default;
};

}  // namespace communica::peer

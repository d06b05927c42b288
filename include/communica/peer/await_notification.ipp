#pragma once

#include "../serializers/bytes.hpp"
#include "await_notification.hpp"
#include "completion.hpp"

#include <exception>
#include <memory>
#include <utility>

namespace communica::peer {

COMMUNICA_INLINE asio::awaitable<void> await_notification(PreparedPtr request) {
    const std::shared_ptr<Requester> requester = request->requester;
    if (requester && !request->error) {
        try {
            if (requester->notify_at_once(request->outgoing)) {
                co_return;
            }
        } catch (...) {
            request->error = Error::from(std::current_exception());
        }
    }
    using Initiate = InitiateRequest<void, ExceptionCompletion<void>, BytesSerializer>;
    default_token token;
    auto rest = asio::async_initiate<default_token&, ExceptionCompletion<void>::Signature>(
        Initiate(), token, std::move(request), BytesSerializer());
    co_await std::move(rest);
    if (requester) {
        requester->begin_burst();
    }
}

}  // namespace communica::peer

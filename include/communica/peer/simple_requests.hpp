// The request functions of Simple entities and their peers.
#pragma once

#include "ask.hpp"
#include "buffer_requests.hpp"
#include "streams/open.hpp"

#include <cstddef>
#include <utility>

namespace communica {

template <class S>
class SimpleRequestsWith;

/// Requests, notifications and streams without routes.
///
/// `request<Reply>(value[, options][, token])`, `try_request<Reply>(...)` and `notify(value[, options][, token])`
/// serialise the value before they return.
template <class Derived>
class SimpleRequests {
 public:
    /// Sends a request.
    /// Completes with: the answer, `void(std::exception_ptr, Reply)`, no later than its deadline
    /// (`RequestOptions::timeout`).
    /// Executor: the token's, by default the entity's. Thread-safe.
    /// Cancellation: any type forgets the request, which completes with `operation_aborted`, and leaves the connection
    /// open.
    /// Errors: the peer's (`RequesterError`, `ResponderError`, `SerializerError`, `UnknownError`); `SerializerError`
    /// for a value or an answer that does not convert; or an `errc`, such as `timeout`, `connection_lost`,
    /// `queue_full`, `message_too_large`, `closed`; without `wait_for_connection` also `not_connected` and `draining`.
    template <class Reply = nlohmann::json, peer::Sendable V, peer::NotOptions Token = default_token>
    auto request(const V& value, Token&& token = {}) const {
        return ask<Reply, peer::ExceptionCompletion>(value, {}, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, peer::Sendable V, peer::NotOptions Token = default_token>
    auto request(const V& value, RequestOptions options, Token&& token = {}) const {
        return ask<Reply, peer::ExceptionCompletion>(value, options, std::forward<Token>(token));
    }
    /// The same for a buffer, which becomes the message: `request<Reply>(std::move(buffer)[, options][, token])`.
    template <class Reply = nlohmann::json, class... Given>
    auto request(Buffer&& body, Given&&... given) const {
        return move<Reply, peer::ExceptionCompletion>(std::move(body), std::forward<Given>(given)...);
    }

    /// As `request`, with the error as a value.
    /// Completes with: `void(Result<Reply>)`.
    template <class Reply = nlohmann::json, peer::Sendable V, peer::NotOptions Token = default_token>
    auto try_request(const V& value, Token&& token = {}) const {
        return ask<Reply, peer::ResultCompletion>(value, {}, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, peer::Sendable V, peer::NotOptions Token = default_token>
    auto try_request(const V& value, RequestOptions options, Token&& token = {}) const {
        return ask<Reply, peer::ResultCompletion>(value, options, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, class... Given>
    auto try_request(Buffer&& body, Given&&... given) const {
        return move<Reply, peer::ResultCompletion>(std::move(body), std::forward<Given>(given)...);
    }
    /// Sends a notification. Completes when it was handed to a connection, not when it was handled. `co_await` of it
    /// does not suspend the coroutine while notifications follow each other closely (docs/requests.md).
    /// Completes with: `void(std::exception_ptr)`.
    /// Executor: as of `request`.
    /// Cancellation: as of `request`.
    /// Errors: as of `request`, without the peer's.
    template <peer::Sendable V, peer::NotOptions Token = default_token>
    auto notify(const V& value, Token&& token = {}) const {
        return notify(value, RequestOptions{}, std::forward<Token>(token));
    }
    template <peer::Sendable V, peer::NotOptions Token = default_token>
    auto notify(const V& value, RequestOptions options, Token&& token = {}) const {
        return tell(value, options, std::forward<Token>(token));
    }
    template <class... Given>
    auto notify(Buffer&& body, Given&&... given) const {
        return peer::ask_with_options(
            [&](const RequestOptions& options, auto&& token) {
                return tell(std::move(body), options, std::forward<decltype(token)>(token));
            },
            std::forward<Given>(given)...);
    }

    /// Returns a buffer of `size` uninitialised bytes for a body. Over a `SharedMemoryConnector` it is memory that both
    /// sides have mapped: `request(std::move(buffer))` with the `BytesSerializer` sends it without a copy. Over other
    /// transports, without a connection, for less than 16 KiB and over the connection's limit it is memory of the heap.
    /// Executor: does not leave the caller's. Thread-safe.
    /// Errors: `std::bad_alloc`.
    asio::awaitable<Buffer> lend(std::size_t size) const { return peer::lend(self().target(), size); }

    /// Opens a stream of this signature: `client.open<Stream<Tick>(Symbol)>(symbol[, options][, token])`. Otherwise as
    /// `RouteRequests::open`.
    template <class Signature, class... Given>
    auto open(Given&&... given) const {
        return peer::open_with<peer::StreamShape<Signature>>(self().target(), self().serializer(), {}, false,
                                                             std::forward<Given>(given)...);
    }

    /// Returns the same peer with another serializer: `client.with(MsgpackSerializer{}).request<int>(value)`.
    template <Serializer S>
    SimpleRequestsWith<S> with(S serializer) const {
        return {self().target(), std::move(serializer)};
    }

 private:
    friend Derived;
    SimpleRequests() = default;

    template <class Reply, template <class> class Completion, class V, class Token>
    auto ask(V&& value, const RequestOptions& options, Token&& token) const {
        return peer::ask<Reply, Completion>(self().target(), wire::MessageType::request, self().serializer(), {}, false,
                                            std::forward<V>(value), options, std::forward<Token>(token));
    }
    template <class V, class Token>
    auto tell(V&& value, const RequestOptions& options, Token&& token) const {
        return peer::ask<void, peer::ExceptionCompletion>(self().target(), wire::MessageType::notification,
                                                          self().serializer(), {}, false, std::forward<V>(value),
                                                          options, std::forward<Token>(token));
    }
    template <class Reply, template <class> class Completion, class... Given>
    auto move(Buffer&& body, Given&&... given) const {
        return peer::ask_with_options(
            [&](const RequestOptions& options, auto&& token) {
                return ask<Reply, Completion>(std::move(body), options, std::forward<decltype(token)>(token));
            },
            std::forward<Given>(given)...);
    }
    const Derived& self() const { return static_cast<const Derived&>(*this); }
};

}  // namespace communica

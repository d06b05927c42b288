// The request functions that clients, servers and peer handles share: `request`, `try_request`, `notify`, `open`.
#pragma once

#include "ask.hpp"
#include "buffer_requests.hpp"
#include "simple_requests.hpp"
#include "streams/open.hpp"
#include "streams/subscription.hpp"

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

namespace communica {

template <class S>
class RouteRequestsWith;

/// Requests, notifications and streams by route: a typed `Route`, or a name. Otherwise as `SimpleRequests`.
template <class Derived>
class RouteRequests {
 public:
    /// Sends a request. A route of several values takes them one by one.
    /// Completes with: the answer, `void(std::exception_ptr, R)`, no later than its deadline
    /// (`RequestOptions::timeout`).
    /// Executor: the token's, by default the entity's. Thread-safe.
    /// Cancellation: as of `SimpleRequests::request`.
    /// Errors: as of `SimpleRequests::request`.
    template <class R, class A, class S, peer::NotOptions Token = default_token>
    auto request(const Route<R(A), S>& route, const std::type_identity_t<A>& argument, Token&& token = {}) const {
        return ask<R, peer::ExceptionCompletion>(route, argument, {}, std::forward<Token>(token));
    }
    template <class R, class A, class S, peer::NotOptions Token = default_token>
    auto request(const Route<R(A), S>& route, const std::type_identity_t<A>& argument, RequestOptions options,
                 Token&& token = {}) const {
        return ask<R, peer::ExceptionCompletion>(route, argument, options, std::forward<Token>(token));
    }
    template <class R, class A, class S, peer::NoValueOf<A> V, class... More>
    void request(const Route<R(A), S>&, V&&, More&&...) const {
        (void)peer::MustBeValueOf<A, V>();
    }
    template <class R, class S, peer::NotOptions Token = default_token>
    auto request(const Route<R(), S>& route, Token&& token = {}) const {
        return ask<R, peer::ExceptionCompletion>(route, Nothing{}, {}, std::forward<Token>(token));
    }
    template <class R, class S, peer::NotOptions Token = default_token>
    auto request(const Route<R(), S>& route, RequestOptions options, Token&& token = {}) const {
        return ask<R, peer::ExceptionCompletion>(route, Nothing{}, options, std::forward<Token>(token));
    }
    template <class R, class A, class B, class... C, class S, class First, class Second, class... More>
    auto request(const Route<R(A, B, C...), S>& route, First&& first, Second&& second, More&&... more) const {
        return ask_several<peer::ExceptionCompletion>(route, std::forward<First>(first), std::forward<Second>(second),
                                                      std::forward<More>(more)...);
    }
    template <class R, class A, class B, class S, peer::NotOptions Token = default_token>
    auto request(const Route<R(A, B), S>& route, const std::type_identity_t<A>& first,
                 const std::type_identity_t<B>& second, RequestOptions options, Token&& token = {}) const {
        return ask_several<peer::ExceptionCompletion>(route, first, second, options, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, peer::Sendable V = nlohmann::json, peer::NotOptions Token = default_token>
    auto request(std::string_view route, const V& value, Token&& token = {}) const {
        return ask<Reply, peer::ExceptionCompletion>(route, value, {}, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, peer::Sendable V = nlohmann::json, peer::NotOptions Token = default_token>
    auto request(std::string_view route, const V& value, RequestOptions options, Token&& token = {}) const {
        return ask<Reply, peer::ExceptionCompletion>(route, value, options, std::forward<Token>(token));
    }

    /// The same for a buffer, which becomes the message.
    template <class R, class S, class... Given>
    auto request(const Route<R(Buffer), S>& route, Buffer&& body, Given&&... given) const {
        return move<R, peer::ExceptionCompletion>(route, std::move(body), std::forward<Given>(given)...);
    }
    template <class Reply = nlohmann::json, class... Given>
    auto request(std::string_view route, Buffer&& body, Given&&... given) const {
        return move<Reply, peer::ExceptionCompletion>(route, std::move(body), std::forward<Given>(given)...);
    }

    /// As `request`, with the error as a value.
    /// Completes with: `void(Result<R>)`.
    template <class R, class A, class S, peer::NotOptions Token = default_token>
    auto try_request(const Route<R(A), S>& route, const std::type_identity_t<A>& argument, Token&& token = {}) const {
        return ask<R, peer::ResultCompletion>(route, argument, {}, std::forward<Token>(token));
    }
    template <class R, class A, class S, peer::NotOptions Token = default_token>
    auto try_request(const Route<R(A), S>& route, const std::type_identity_t<A>& argument, RequestOptions options,
                     Token&& token = {}) const {
        return ask<R, peer::ResultCompletion>(route, argument, options, std::forward<Token>(token));
    }
    template <class R, class A, class S, peer::NoValueOf<A> V, class... More>
    void try_request(const Route<R(A), S>&, V&&, More&&...) const {
        (void)peer::MustBeValueOf<A, V>();
    }
    template <class R, class S, peer::NotOptions Token = default_token>
    auto try_request(const Route<R(), S>& route, Token&& token = {}) const {
        return ask<R, peer::ResultCompletion>(route, Nothing{}, {}, std::forward<Token>(token));
    }
    template <class R, class S, peer::NotOptions Token = default_token>
    auto try_request(const Route<R(), S>& route, RequestOptions options, Token&& token = {}) const {
        return ask<R, peer::ResultCompletion>(route, Nothing{}, options, std::forward<Token>(token));
    }
    template <class R, class A, class B, class... C, class S, class First, class Second, class... More>
    auto try_request(const Route<R(A, B, C...), S>& route, First&& first, Second&& second, More&&... more) const {
        return ask_several<peer::ResultCompletion>(route, std::forward<First>(first), std::forward<Second>(second),
                                                   std::forward<More>(more)...);
    }
    template <class R, class A, class B, class S, peer::NotOptions Token = default_token>
    auto try_request(const Route<R(A, B), S>& route, const std::type_identity_t<A>& first,
                     const std::type_identity_t<B>& second, RequestOptions options, Token&& token = {}) const {
        return ask_several<peer::ResultCompletion>(route, first, second, options, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, peer::Sendable V = nlohmann::json, peer::NotOptions Token = default_token>
    auto try_request(std::string_view route, const V& value, Token&& token = {}) const {
        return ask<Reply, peer::ResultCompletion>(route, value, {}, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, peer::Sendable V = nlohmann::json, peer::NotOptions Token = default_token>
    auto try_request(std::string_view route, const V& value, RequestOptions options, Token&& token = {}) const {
        return ask<Reply, peer::ResultCompletion>(route, value, options, std::forward<Token>(token));
    }
    template <class R, class S, class... Given>
    auto try_request(const Route<R(Buffer), S>& route, Buffer&& body, Given&&... given) const {
        return move<R, peer::ResultCompletion>(route, std::move(body), std::forward<Given>(given)...);
    }
    template <class Reply = nlohmann::json, class... Given>
    auto try_request(std::string_view route, Buffer&& body, Given&&... given) const {
        return move<Reply, peer::ResultCompletion>(route, std::move(body), std::forward<Given>(given)...);
    }

    /// Sends a notification. Completes when it was handed to a connection, not when it was handled. `co_await` of it
    /// does not suspend the coroutine while notifications follow each other closely (docs/requests.md).
    /// Completes with: `void(std::exception_ptr)`.
    /// Executor: as of `request`.
    /// Cancellation: as of `request`.
    /// Errors: as of `request`, without the peer's.
    template <class R, class A, class S, peer::NotOptions Token = default_token>
    auto notify(const Route<R(A), S>& route, const std::type_identity_t<A>& argument, Token&& token = {}) const {
        return tell(route.name(), route.serializer(), argument, {}, std::forward<Token>(token));
    }
    template <class R, class A, class S, peer::NotOptions Token = default_token>
    auto notify(const Route<R(A), S>& route, const std::type_identity_t<A>& argument, RequestOptions options,
                Token&& token = {}) const {
        return tell(route.name(), route.serializer(), argument, options, std::forward<Token>(token));
    }
    template <class R, class A, class S, peer::NoValueOf<A> V, class... More>
    void notify(const Route<R(A), S>&, V&&, More&&...) const {
        (void)peer::MustBeValueOf<A, V>();
    }
    template <class R, class S, peer::NotOptions Token = default_token>
    auto notify(const Route<R(), S>& route, Token&& token = {}) const {
        return tell(route.name(), route.serializer(), Nothing{}, {}, std::forward<Token>(token));
    }
    template <class R, class S, peer::NotOptions Token = default_token>
    auto notify(const Route<R(), S>& route, RequestOptions options, Token&& token = {}) const {
        return tell(route.name(), route.serializer(), Nothing{}, options, std::forward<Token>(token));
    }
    template <class R, class A, class B, class... C, class S, class First, class Second, class... More>
    auto notify(const Route<R(A, B, C...), S>& route, First&& first, Second&& second, More&&... more) const {
        return tell_several(route, std::forward<First>(first), std::forward<Second>(second),
                            std::forward<More>(more)...);
    }
    template <class R, class A, class B, class S, peer::NotOptions Token = default_token>
    auto notify(const Route<R(A, B), S>& route, const std::type_identity_t<A>& first,
                const std::type_identity_t<B>& second, RequestOptions options, Token&& token = {}) const {
        return tell_several(route, first, second, options, std::forward<Token>(token));
    }
    template <peer::Sendable V = nlohmann::json, peer::NotOptions Token = default_token>
    auto notify(std::string_view route, const V& value, Token&& token = {}) const {
        return tell(route, self().serializer(), value, {}, std::forward<Token>(token));
    }
    template <peer::Sendable V = nlohmann::json, peer::NotOptions Token = default_token>
    auto notify(std::string_view route, const V& value, RequestOptions options, Token&& token = {}) const {
        return tell(route, self().serializer(), value, options, std::forward<Token>(token));
    }

    template <class R, class S, class... Given>
    auto notify(const Route<R(Buffer), S>& route, Buffer&& body, Given&&... given) const {
        return move_to(route.name(), route.serializer(), std::move(body), std::forward<Given>(given)...);
    }
    template <class... Given>
    auto notify(std::string_view route, Buffer&& body, Given&&... given) const {
        return move_to(route, self().serializer(), std::move(body), std::forward<Given>(given)...);
    }

    /// As `SimpleRequests::lend`.
    asio::awaitable<Buffer> lend(std::size_t size) const { return peer::lend(self().target(), size); }

    /// Opens a stream: `client.open(route, values...[, options][, token])`. The options are for the opening: an open
    /// stream has no deadline.
    /// Completes with: when the peer has accepted it, a `Stream<T>` for a `Route<Stream<T>(...)>`, an `Upload<T, R>`
    /// for a `Route<R(..., Stream<T>)>`, a `Duplex<In, Out>` for a `Route<Stream<In>(..., Stream<Out>)>`.
    /// Executor: as of `request`.
    /// Cancellation: as of `request`.
    /// Errors: as of `request`; `errc::not_supported` by a peer of the Python library, or an older one.
    template <class Signature, class S, class... Given>
    auto open(const Route<Signature, S>& route, Given&&... given) const {
        return peer::open_with<peer::StreamShape<Signature>>(self().target(), route.serializer(), route.name(), true,
                                                             std::forward<Given>(given)...);
    }

    /// Returns the items of a stream, also over later connections: `client.subscribe(route, values...)`. Sends nothing
    /// before the first `next`. Stores the values.
    template <class Item, class... A, class S, class... Given>
    Subscription<Item> subscribe(const Route<Stream<Item>(A...), S>& route, Given&&... values) const {
        return peer::subscribe(self().target(), route, std::forward<Given>(values)...);
    }

    /// Returns the same peer with another serializer for routes by name:
    /// `client.with(MsgpackSerializer{}).request<int>("sum", value)`.
    template <Serializer S>
    RouteRequestsWith<S> with(S serializer) const {
        return {self().target(), std::move(serializer)};
    }

 private:
    friend Derived;
    RouteRequests() = default;

    template <class Reply, template <class> class Completion, class V, class Token>
    auto ask(std::string_view route, V&& value, const RequestOptions& options, Token&& token) const {
        return peer::ask<Reply, Completion>(self().target(), wire::MessageType::request, self().serializer(), route,
                                            true, std::forward<V>(value), options, std::forward<Token>(token));
    }
    template <class Reply, template <class> class Completion, class Signature, class S, class V, class Token>
    auto ask(const Route<Signature, S>& route, V&& value, const RequestOptions& options, Token&& token) const {
        return peer::ask<Reply, Completion>(self().target(), wire::MessageType::request, route.serializer(),
                                            route.name(), true, std::forward<V>(value), options,
                                            std::forward<Token>(token));
    }
    template <class Reply, template <class> class Completion, class Route, class... Given>
    auto move(const Route& route, Buffer&& body, Given&&... given) const {
        return peer::ask_with_options(
            [&](const RequestOptions& options, auto&& token) {
                return ask<Reply, Completion>(route, std::move(body), options, std::forward<decltype(token)>(token));
            },
            std::forward<Given>(given)...);
    }
    template <class S, class... Given>
    auto move_to(std::string_view route, const S& serializer, Buffer&& body, Given&&... given) const {
        return peer::ask_with_options(
            [&](const RequestOptions& options, auto&& token) {
                return tell(route, serializer, std::move(body), options, std::forward<decltype(token)>(token));
            },
            std::forward<Given>(given)...);
    }
    template <template <class> class Completion, class R, class... A, class S, class... Given>
    auto ask_several(const Route<R(A...), S>& route, Given&&... given) const {
        return peer::ask_with_values<S, std::remove_cvref_t<A>...>(
            [&](const auto& values, const RequestOptions& options, auto&& token) {
                return ask<R, Completion>(route, values, options, std::forward<decltype(token)>(token));
            },
            std::forward<Given>(given)...);
    }
    template <class R, class... A, class S, class... Given>
    auto tell_several(const Route<R(A...), S>& route, Given&&... given) const {
        return peer::ask_with_values<S, std::remove_cvref_t<A>...>(
            [&](const auto& values, const RequestOptions& options, auto&& token) {
                return tell(route.name(), route.serializer(), values, options, std::forward<decltype(token)>(token));
            },
            std::forward<Given>(given)...);
    }
    template <class S, class V, class Token>
    auto tell(std::string_view route, const S& serializer, V&& value, const RequestOptions& options,
              Token&& token) const {
        return peer::ask<void, peer::ExceptionCompletion>(self().target(), wire::MessageType::notification, serializer,
                                                          route, true, std::forward<V>(value), options,
                                                          std::forward<Token>(token));
    }
    const Derived& self() const { return static_cast<const Derived&>(*this); }
};

namespace peer {

/// Sends requests with a serializer of its own. Holds no reference to its entity.
template <class S>
class WithSerializer {
 public:
    WithSerializer(RequestTarget target, S serializer)
        : target_(std::move(target)), serializer_(std::move(serializer)) {}

    /// The executor of completions that have none of their own: the entity's.
    asio::any_io_executor get_executor() const { return target_.executor(); }

 protected:
    RequestTarget target() const { return target_; }
    const S& serializer() const noexcept { return serializer_; }

 private:
    RequestTarget target_;
    [[no_unique_address]] S serializer_;
};

}  // namespace peer

/// A peer with another serializer.
template <class S>
class SimpleRequestsWith : public peer::WithSerializer<S>, public SimpleRequests<SimpleRequestsWith<S>> {
 public:
    using peer::WithSerializer<S>::WithSerializer;

 private:
    friend class SimpleRequests<SimpleRequestsWith>;
};

/// A peer with another serializer.
template <class S>
class RouteRequestsWith : public peer::WithSerializer<S>, public RouteRequests<RouteRequestsWith<S>> {
 public:
    using peer::WithSerializer<S>::WithSerializer;

 private:
    friend class RouteRequests<RouteRequestsWith>;
};

}  // namespace communica

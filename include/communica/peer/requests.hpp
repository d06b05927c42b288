// The asking face, which clients, servers and the handles of single peers share: `request`, `try_request`, `notify`.
#pragma once

#include "operation.hpp"
#include "route.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace communica {

/// A name and a text that go with a request.
struct Header {
    std::string_view name;
    std::string_view value;
};

/// How a request is made. Trivially destructible, so that it can be spelled inside a `co_await` expression: GCC 12
/// destroys other aggregates twice there.
struct RequestOptions {
    /// Covers everything: waiting for a connection, sending, the answer. `std::nullopt` for no deadline.
    std::optional<std::chrono::steady_clock::duration> timeout = std::chrono::seconds{30};
    /// False: without a connection the request fails at once, with `errc::not_connected`.
    bool wait_for_connection = true;
    /// True: carrying it out twice does no harm. If it went out on a connection that is lost it is sent again.
    bool idempotent = false;
    /// Texts that go with the request, which handlers find in their `Context`: a trace id, say. Borrowed until the
    /// function returns. Peers of the Python library do not get them.
    std::span<const Header> headers = {};
};
static_assert(std::is_trivially_destructible_v<RequestOptions>);

template <class T>
concept NotOptions = !std::same_as<std::remove_cvref_t<T>, RequestOptions>;

/// What can be sent: any value but those that other overloads are for.
template <class T>
concept Sendable = NotOptions<T> && !AnyRoute<T>;

namespace peer {

/// The requester that a request goes to, or who finds it once the request begins.
struct Target {
    std::shared_ptr<Requester> requester;
    std::shared_ptr<PeerSource> source = nullptr;
};

/// A JSON object of these texts.
inline std::string quote_headers(std::span<const Header> headers) {
    std::string object = "{";
    for (const auto& [name, value] : headers) {
        object += (object.size() == 1 ? "" : ", ") + wire::quote_json(name) + ": " + wire::quote_json(value);
    }
    return object + "}";
}

template <class T>
inline constexpr bool is_borrowed =
    std::is_pointer_v<T> || std::is_reference_v<T> || std::is_same_v<T, std::string_view>;
template <class E, std::size_t N>
inline constexpr bool is_borrowed<std::span<E, N>> = true;

/// `value` is serialised here and now; the rest happens when the token says so.
template <class T, template <class> class Completion, class S, class Value, class Token>
auto ask(Target target, wire::MessageType type, const S& serializer, std::string_view route, bool with_route,
         const Value& value, const RequestOptions& options, Token&& token) {
    static_assert(!is_borrowed<T>, "communica: a reply is not borrowed: ask for std::string, std::vector, ...");
    static_assert(std::disjunction_v<std::is_void<T>, MustLoad<S, T>>, "communica: not a reply type");
    static_assert(MustDump<S, Value>::value, "communica: not a type to send");
    PreparedPtr request = prepare(std::move(target.requester), std::move(target.source));
    Outgoing& outgoing = request->outgoing;
    outgoing.type = type;
    outgoing.timeout = options.timeout;
    outgoing.wait_for_connection = options.wait_for_connection;
    outgoing.idempotent = options.idempotent;
    try {
        if (!options.headers.empty()) {
            outgoing.headers = quote_headers(options.headers);
        }
        if (with_route) {
            outgoing.quoted_route = wire::quote_json(route);
        }
        if constexpr (Dumps<S, Value>) {
            serializer.dump(value, outgoing.body);
        }
    } catch (...) {
        request->error = Error::of_serializer(std::current_exception());
    }
    return asio::async_initiate<Token, typename Completion<T>::Signature>(InitiateRequest<T, Completion<T>, S>{}, token,
                                                                          std::move(request), serializer);
}

}  // namespace peer

namespace peer {

/// How a value goes into the array of several: by reference, unless it has to be converted or `S` knows no references.
template <class S, class A, class Given>
using PassedAs =
    std::conditional_t<std::same_as<A, std::remove_cvref_t<Given>> && Dumps<S, std::tuple<const A&>>, const A&, A>;

/// Calls `ask(values, options, token)`: of what is given as many as `A` has are the values, and behind them may stand options and a
/// token.
template <class S, class... A, class Ask, class... Given>
auto ask_with_values(Ask ask, Given&&... given) {
    using All = std::tuple<Given&&...>;
    constexpr std::size_t count = sizeof...(A);
    static_assert(sizeof...(Given) >= count, "communica: the route takes more values");
    All all(std::forward<Given>(given)...);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        static_assert((std::convertible_to<std::tuple_element_t<I, All>, A> && ...),
                      "communica: these are not the values that the route takes");
        const std::tuple<PassedAs<S, A, std::tuple_element_t<I, All>>...> values(
            static_cast<std::tuple_element_t<I, All>>(std::get<I>(all))...);
        if constexpr (sizeof...(Given) == count) {
            return ask(values, RequestOptions{}, default_token{});
        } else if constexpr (NotOptions<std::tuple_element_t<count, All>>) {
            static_assert(sizeof...(Given) == count + 1, "communica: the route takes fewer values");
            return ask(values, RequestOptions{}, std::get<count>(std::move(all)));
        } else if constexpr (sizeof...(Given) == count + 1) {
            return ask(values, std::get<count>(all), default_token{});
        } else {
            static_assert(sizeof...(Given) == count + 2, "communica: the route takes fewer values");
            return ask(values, std::get<count>(all), std::get<count + 1>(std::move(all)));
        }
    }(std::index_sequence_for<A...>{});
}

}  // namespace peer

template <class S>
class SimpleRequestsWith;
template <class S>
class RouteRequestsWith;

/// `request` and `notify` without routes.
///
/// `request<Reply>(value[, options][, token])` completes with the answer, or with the other side's error
/// (`RequesterError`, `ResponderError`, `SerializerError`, `UnknownError`) or an `errc`, no later than its deadline.
/// `try_request` completes with a `result<Reply>` instead of throwing. `notify` completes when the value is on its way.
///
/// The value is serialised before the function returns; one that can't be completes with `SerializerError`. Completion
/// is on the token's executor, by default the entity's. Cancelling (any type) forgets the request and leaves the
/// connection whole. Thread-safe.
template <class Derived>
class SimpleRequests {
 public:
    template <class Reply = nlohmann::json, Sendable V, NotOptions Token = default_token>
    auto request(const V& value, Token&& token = {}) const {
        return ask<Reply, peer::Throwing>(value, {}, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, Sendable V, NotOptions Token = default_token>
    auto request(const V& value, RequestOptions options, Token&& token = {}) const {
        return ask<Reply, peer::Throwing>(value, options, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, Sendable V, NotOptions Token = default_token>
    auto try_request(const V& value, Token&& token = {}) const {
        return ask<Reply, peer::Returning>(value, {}, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, Sendable V, NotOptions Token = default_token>
    auto try_request(const V& value, RequestOptions options, Token&& token = {}) const {
        return ask<Reply, peer::Returning>(value, options, std::forward<Token>(token));
    }
    template <Sendable V, NotOptions Token = default_token>
    auto notify(const V& value, Token&& token = {}) const {
        return notify(value, RequestOptions{}, std::forward<Token>(token));
    }
    template <Sendable V, NotOptions Token = default_token>
    auto notify(const V& value, RequestOptions options, Token&& token = {}) const {
        return peer::ask<void, peer::Throwing>(self().target(), wire::MessageType::notification, self().serializer(),
                                               {}, false, value, options, std::forward<Token>(token));
    }

    /// The same peer, asked in another serializer: `client.with(MsgpackSerializer{}).request<int>(value)`.
    template <Serializer S>
    SimpleRequestsWith<S> with(S serializer) const {
        return {self().target(), std::move(serializer)};
    }

 private:
    friend Derived;
    SimpleRequests() = default;

    template <class Reply, template <class> class Completion, class V, class Token>
    auto ask(const V& value, const RequestOptions& options, Token&& token) const {
        return peer::ask<Reply, Completion>(self().target(), wire::MessageType::request, self().serializer(), {}, false,
                                            value, options, std::forward<Token>(token));
    }
    const Derived& self() const { return static_cast<const Derived&>(*this); }
};

/// `request` and `notify` by route: a typed `Route`, or a name. Otherwise as `SimpleRequests`.
template <class Derived>
class RouteRequests {
 public:
    template <class R, class A, class S, NotOptions Token = default_token>
    auto request(const Route<R(A), S>& route, const std::type_identity_t<A>& argument, Token&& token = {}) const {
        return ask<R, peer::Throwing>(route, argument, {}, std::forward<Token>(token));
    }
    template <class R, class A, class S, NotOptions Token = default_token>
    auto request(const Route<R(A), S>& route, const std::type_identity_t<A>& argument, RequestOptions options,
                 Token&& token = {}) const {
        return ask<R, peer::Throwing>(route, argument, options, std::forward<Token>(token));
    }
    template <class R, class S, NotOptions Token = default_token>
    auto request(const Route<R(), S>& route, Token&& token = {}) const {
        return ask<R, peer::Throwing>(route, Nothing{}, {}, std::forward<Token>(token));
    }
    template <class R, class S, NotOptions Token = default_token>
    auto request(const Route<R(), S>& route, RequestOptions options, Token&& token = {}) const {
        return ask<R, peer::Throwing>(route, Nothing{}, options, std::forward<Token>(token));
    }
    template <class R, class A, class B, class... C, class S, class First, class Second, class... More>
    auto request(const Route<R(A, B, C...), S>& route, First&& first, Second&& second, More&&... more) const {
        return ask_several<peer::Throwing>(route, std::forward<First>(first), std::forward<Second>(second),
                                           std::forward<More>(more)...);
    }
    template <class R, class A, class B, class S, NotOptions Token = default_token>
    auto request(const Route<R(A, B), S>& route, const std::type_identity_t<A>& first,
                 const std::type_identity_t<B>& second, RequestOptions options, Token&& token = {}) const {
        return ask_several<peer::Throwing>(route, first, second, options, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, Sendable V = nlohmann::json, NotOptions Token = default_token>
    auto request(std::string_view route, const V& value, Token&& token = {}) const {
        return ask<Reply, peer::Throwing>(route, value, {}, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, Sendable V = nlohmann::json, NotOptions Token = default_token>
    auto request(std::string_view route, const V& value, RequestOptions options, Token&& token = {}) const {
        return ask<Reply, peer::Throwing>(route, value, options, std::forward<Token>(token));
    }

    template <class R, class A, class S, NotOptions Token = default_token>
    auto try_request(const Route<R(A), S>& route, const std::type_identity_t<A>& argument, Token&& token = {}) const {
        return ask<R, peer::Returning>(route, argument, {}, std::forward<Token>(token));
    }
    template <class R, class A, class S, NotOptions Token = default_token>
    auto try_request(const Route<R(A), S>& route, const std::type_identity_t<A>& argument, RequestOptions options,
                     Token&& token = {}) const {
        return ask<R, peer::Returning>(route, argument, options, std::forward<Token>(token));
    }
    template <class R, class S, NotOptions Token = default_token>
    auto try_request(const Route<R(), S>& route, Token&& token = {}) const {
        return ask<R, peer::Returning>(route, Nothing{}, {}, std::forward<Token>(token));
    }
    template <class R, class S, NotOptions Token = default_token>
    auto try_request(const Route<R(), S>& route, RequestOptions options, Token&& token = {}) const {
        return ask<R, peer::Returning>(route, Nothing{}, options, std::forward<Token>(token));
    }
    template <class R, class A, class B, class... C, class S, class First, class Second, class... More>
    auto try_request(const Route<R(A, B, C...), S>& route, First&& first, Second&& second, More&&... more) const {
        return ask_several<peer::Returning>(route, std::forward<First>(first), std::forward<Second>(second),
                                            std::forward<More>(more)...);
    }
    template <class R, class A, class B, class S, NotOptions Token = default_token>
    auto try_request(const Route<R(A, B), S>& route, const std::type_identity_t<A>& first,
                     const std::type_identity_t<B>& second, RequestOptions options, Token&& token = {}) const {
        return ask_several<peer::Returning>(route, first, second, options, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, Sendable V = nlohmann::json, NotOptions Token = default_token>
    auto try_request(std::string_view route, const V& value, Token&& token = {}) const {
        return ask<Reply, peer::Returning>(route, value, {}, std::forward<Token>(token));
    }
    template <class Reply = nlohmann::json, Sendable V = nlohmann::json, NotOptions Token = default_token>
    auto try_request(std::string_view route, const V& value, RequestOptions options, Token&& token = {}) const {
        return ask<Reply, peer::Returning>(route, value, options, std::forward<Token>(token));
    }

    template <class R, class A, class S, NotOptions Token = default_token>
    auto notify(const Route<R(A), S>& route, const std::type_identity_t<A>& argument, Token&& token = {}) const {
        return tell(route.name(), route.serializer(), argument, {}, std::forward<Token>(token));
    }
    template <class R, class A, class S, NotOptions Token = default_token>
    auto notify(const Route<R(A), S>& route, const std::type_identity_t<A>& argument, RequestOptions options,
                Token&& token = {}) const {
        return tell(route.name(), route.serializer(), argument, options, std::forward<Token>(token));
    }
    template <class R, class S, NotOptions Token = default_token>
    auto notify(const Route<R(), S>& route, Token&& token = {}) const {
        return tell(route.name(), route.serializer(), Nothing{}, {}, std::forward<Token>(token));
    }
    template <class R, class S, NotOptions Token = default_token>
    auto notify(const Route<R(), S>& route, RequestOptions options, Token&& token = {}) const {
        return tell(route.name(), route.serializer(), Nothing{}, options, std::forward<Token>(token));
    }
    template <class R, class A, class B, class... C, class S, class First, class Second, class... More>
    auto notify(const Route<R(A, B, C...), S>& route, First&& first, Second&& second, More&&... more) const {
        return tell_several(route, std::forward<First>(first), std::forward<Second>(second),
                            std::forward<More>(more)...);
    }
    template <class R, class A, class B, class S, NotOptions Token = default_token>
    auto notify(const Route<R(A, B), S>& route, const std::type_identity_t<A>& first,
                const std::type_identity_t<B>& second, RequestOptions options, Token&& token = {}) const {
        return tell_several(route, first, second, options, std::forward<Token>(token));
    }
    template <Sendable V = nlohmann::json, NotOptions Token = default_token>
    auto notify(std::string_view route, const V& value, Token&& token = {}) const {
        return tell(route, self().serializer(), value, {}, std::forward<Token>(token));
    }
    template <Sendable V = nlohmann::json, NotOptions Token = default_token>
    auto notify(std::string_view route, const V& value, RequestOptions options, Token&& token = {}) const {
        return tell(route, self().serializer(), value, options, std::forward<Token>(token));
    }

    /// The same peer, asked by names in another serializer: `client.with(MsgpackSerializer{}).request<int>("sum", value)`.
    template <Serializer S>
    RouteRequestsWith<S> with(S serializer) const {
        return {self().target(), std::move(serializer)};
    }

 private:
    friend Derived;
    RouteRequests() = default;

    template <class Reply, template <class> class Completion, class V, class Token>
    auto ask(std::string_view route, const V& value, const RequestOptions& options, Token&& token) const {
        return peer::ask<Reply, Completion>(self().target(), wire::MessageType::request, self().serializer(), route,
                                            true, value, options, std::forward<Token>(token));
    }
    template <class Reply, template <class> class Completion, class Signature, class S, class V, class Token>
    auto ask(const Route<Signature, S>& route, const V& value, const RequestOptions& options, Token&& token) const {
        return peer::ask<Reply, Completion>(self().target(), wire::MessageType::request, route.serializer(),
                                            route.name(), true, value, options, std::forward<Token>(token));
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
    auto tell(std::string_view route, const S& serializer, const V& value, const RequestOptions& options,
              Token&& token) const {
        return peer::ask<void, peer::Throwing>(self().target(), wire::MessageType::notification, serializer, route,
                                               true, value, options, std::forward<Token>(token));
    }
    const Derived& self() const { return static_cast<const Derived&>(*this); }
};

namespace peer {

/// What asks in a serializer of its own. Does not keep its entity alive.
template <class S>
class WithSerializer {
 public:
    WithSerializer(Target target, S serializer) : target_(std::move(target)), serializer_(std::move(serializer)) {}

 protected:
    Target target() const { return target_; }
    const S& serializer() const noexcept { return serializer_; }

 private:
    Target target_;
    [[no_unique_address]] S serializer_;
};

}  // namespace peer

template <class S>
class SimpleRequestsWith : public peer::WithSerializer<S>, public SimpleRequests<SimpleRequestsWith<S>> {
 public:
    using peer::WithSerializer<S>::WithSerializer;

 private:
    friend class SimpleRequests<SimpleRequestsWith>;
};

template <class S>
class RouteRequestsWith : public peer::WithSerializer<S>, public RouteRequests<RouteRequestsWith<S>> {
 public:
    using peer::WithSerializer<S>::WithSerializer;

 private:
    friend class RouteRequests<RouteRequestsWith>;
};

}  // namespace communica

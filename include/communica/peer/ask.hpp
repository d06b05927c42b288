// How a request starts: its options, its target and its serialised message.
#pragma once

#include "await_notification.hpp"
#include "operation.hpp"
#include "route.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace communica {

/// A header of a request: a name and a text.
struct Header {
    std::string_view name;
    /// Any text.
    std::string_view value;
};

/// The options of a request. Trivially destructible, so that an initializer can stand inside a `co_await` expression:
/// GCC 12 destroys other aggregates twice there.
struct RequestOptions {
    /// Covers the wait for a connection, sending and the answer. `std::nullopt`: no deadline. Default: 30 s.
    std::optional<std::chrono::steady_clock::duration> timeout = std::chrono::seconds{30};
    /// If false, a request without a connection fails at once with `errc::not_connected`, or with `errc::draining` if
    /// the peer refuses new requests. So does an unsent one when its connection is lost, unless it is idempotent.
    bool wait_for_connection = true;
    /// If true, the request is sent again when its connection is lost. The handler may then run twice.
    bool idempotent = false;
    /// Which of several waiting messages is sent first.
    Priority priority = Priority::normal;
    /// Headers for the handler's `Context`, such as a trace id. Borrowed until the function returns. Peers of the
    /// Python library do not get them.
    std::span<const Header> headers = {};
    /// Called with the progress that the handler reports. Borrowed until the function returns. Null: none. Never called
    /// by peers of the Python library and older versions.
    const OnProgress* on_progress = nullptr;
};
static_assert(std::is_trivially_destructible_v<RequestOptions>);

namespace peer {

/// Any type but `RequestOptions`. Distinguishes overloads.
template <class T>
concept NotOptions = !std::same_as<std::remove_cvref_t<T>, RequestOptions>;

/// Any value that can be sent: not `RequestOptions` and not a route, which have overloads of their own.
template <class T>
concept Sendable = NotOptions<T> && !AnyRoute<T>;

/// A type that a route's argument of type `A` is not made from.
template <class V, class A>
concept NoValueOf = !std::convertible_to<V, const A&>;

/// Makes the compiler state the types, instead of listing the overloads.
template <class A, class V>
struct MustBeValueOf {
    static_assert(std::convertible_to<V, const A&>,
                  "communica: this is no value for the route, whose type is the first argument of MustBeValueOf");
};

/// The requester of a request, or the resolver that finds it when the request starts.
struct RequestTarget {
    std::shared_ptr<Requester> requester;
    std::shared_ptr<RequesterResolver> source = nullptr;

    /// The executor of completions that have none of their own.
    asio::any_io_executor executor() const { return requester ? requester->executor() : source->executor(); }
};

/// Returns a JSON object of the headers.
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

/// Makes a message without its body.
inline PreparedPtr prepare_message(RequestTarget target, wire::MessageType type, std::string_view route,
                                   bool with_route, const RequestOptions& options) {
    PreparedPtr request = prepare(std::move(target.requester), std::move(target.source));
    Outgoing& outgoing = request->outgoing;
    outgoing.type = type;
    outgoing.timeout = options.timeout;
    outgoing.wait_for_connection = options.wait_for_connection;
    outgoing.idempotent = options.idempotent;
    outgoing.priority = options.priority;
    try {
        if (!options.headers.empty()) {
            outgoing.headers = quote_headers(options.headers);
        }
        if (options.on_progress != nullptr) [[unlikely]] {
            std::vector<Header> headers(options.headers.begin(), options.headers.end());
            headers.push_back({progress_header, "1"});
            outgoing.headers = quote_headers(headers);
            request->progress = options.on_progress->sink();
        }
        if (with_route) {
            outgoing.quoted_route = wire::quote_json(route);
        }
    } catch (...) {
        request->error = Error::of_serializer(std::current_exception());
    }
    return request;
}

template <class S, class Value>
void dump_into(Prepared& request, const S& serializer, Value&& value) {
    using Dumped = std::remove_cvref_t<Value>;
    static_assert(codec::MustDump<S, Dumped>::value, "communica: not a type to send");
    try {
        if constexpr (Dumps<S, Dumped>) {
            serializer.dump(std::forward<Value>(value), request.outgoing.body);
        }
    } catch (...) {
        request.error = Error::of_serializer(std::current_exception());
    }
}

/// Completes with the value, or throws the error.
template <class T>
asio::awaitable<T> value_of(asio::awaitable<Result<T>> request) {
    Result<T> outcome = co_await std::move(request);
    co_return std::move(outcome).value();
}

/// Serialises `value` at once. The token decides when the request starts.
template <class T, template <class> class Completion, class S, class Value, class Token>
auto ask(RequestTarget target, wire::MessageType type, const S& serializer, std::string_view route, bool with_route,
         Value&& value, const RequestOptions& options, Token&& token) {
    static_assert(!is_borrowed<T>, "communica: a reply is not borrowed: ask for std::string, std::vector, ...");
    static_assert(std::disjunction_v<std::is_void<T>, codec::MustLoad<S, T>>, "communica: not a reply type");
    if constexpr (std::is_same_v<Completion<T>, ExceptionCompletion<T>> && !std::is_void_v<T> &&
                  !std::is_default_constructible_v<T> && std::is_same_v<std::remove_cvref_t<Token>, default_token>) {
        // An error would be given with a `T`, which has no default value.
        return value_of<T>(ask<T, ResultCompletion>(std::move(target), type, serializer, route, with_route,
                                                    std::forward<Value>(value), options, std::forward<Token>(token)));
    } else {
        PreparedPtr request = prepare_message(std::move(target), type, route, with_route, options);
        dump_into(*request, serializer, std::forward<Value>(value));
        if constexpr (std::is_same_v<Completion<T>, ExceptionCompletion<void>> &&
                      std::is_same_v<std::remove_cvref_t<Token>, default_token>) {
            if (type == wire::MessageType::notification) {
                return await_notification(std::move(request));
            }
        }
        using Outcome = typename CompletionFor<Completion, T, Token>::type;
        if constexpr (completes<std::decay_t<Token>, typename Outcome::Signature>) {
            return asio::async_initiate<Token, typename Outcome::Signature>(InitiateRequest<T, Outcome, S>{}, token,
                                                                            std::move(request), serializer);
        } else {
            (void)MustComplete<typename Outcome::Signature, std::decay_t<Token>>();
        }
    }
}

/// How a value is stored in the array of several: by const reference, or as an `A` if its type differs or `S` cannot
/// dump references.
template <class S, class A, class Given>
using PassedAs =
    std::conditional_t<std::same_as<A, std::remove_cvref_t<Given>> && Dumps<S, std::tuple<const A&>>, const A&, A>;

/// Calls `ask(values, options, token)`. The first arguments, as many as `A` has, are the values. Options and a token
/// may follow.
template <class S, class... A, class Ask, class... Given>
auto ask_with_values(Ask ask, Given&&... given) {
    using All = std::tuple<Given&&...>;
    constexpr std::size_t count = sizeof...(A);
    static_assert(sizeof...(Given) >= count, "communica: the route takes more values");
    All all(std::forward<Given>(given)...);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        static_assert(
            (std::convertible_to<std::tuple_element_t<I, All>, PassedAs<S, A, std::tuple_element_t<I, All>>> && ...),
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

}  // namespace communica

// A stream that is opened again when its connection is lost.
#pragma once

#include "../../asio.hpp"
#include "../ask.hpp"
#include "../spawn.hpp"
#include "open.hpp"
#include "published.hpp"
#include "stream.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace communica {

/// The items that a subscription did not deliver.
struct Gaps {
    std::uint64_t items = 0;    ///< missed, as the peer has reported
    std::uint64_t unknown = 0;  ///< places where an unknown number may be missing
};

namespace peer {

template <class Item>
struct ValueOf {
    using type = Item;
    static constexpr bool has_token = false;
};
template <class T>
struct ValueOf<Published<T>> {
    using type = T;
    static constexpr bool has_token = true;
};

/// True if the stream may succeed over another connection, or later.
inline bool may_be_mended(const Error& error) noexcept {
    return error.code == errc::connection_lost || error.code == errc::not_connected || error.code == errc::draining ||
           error.code == errc::busy || error.code == errc::timeout ||
           (error.code == errc::closed && error.kind == Error::Kind::responder);  // reported by the peer
}

}  // namespace peer

/// The items of a stream over successive connections: the result of `subscribe`. Opens the stream at the first `next`.
/// Opens it again if the connection is lost or the peer closes, with the token of the last item if its items are
/// `Published`.
///
/// Movable. One reader at a time. Destroying it cancels the stream.
template <class Item>
class [[nodiscard]] Subscription {
    using T = typename peer::ValueOf<Item>::type;

 public:
    using value_type = T;
    /// Opens the stream after the item of this token.
    using Open = std::function<asio::awaitable<Stream<Item>>(std::string token)>;

    /// Made by the library.
    Subscription(asio::any_io_executor executor, Open open)
        : state_(std::make_shared<State>(State{std::move(executor), std::move(open)})) {}

    /// Reads the next item, over any connection. Opens a lost stream again at once, then after 1 ms, doubled up to 1 s,
    /// until an item arrives.
    /// Completes with: `void(std::exception_ptr, std::optional<T>)`, without a value once the peer has ended the stream
    /// in order.
    /// Executor: the token's, by default the entity's. One reader at a time.
    /// Cancellation: no item is lost.
    /// Errors: those that another connection does not fix: an exception of the handler, `SerializerError`, an unknown
    /// route, and `errc::closed` if this entity has stopped.
    template <class Token = default_token>
    auto next(Token&& token = {}) {
        peer::require_stream(state_ != nullptr);
        return peer::complete(state_->executor, next(state_), std::forward<Token>(token));
    }

    /// What was missed before the last item.
    Gaps gaps() const {
        peer::require_stream(state_ != nullptr);
        return state_->gaps;
    }
    /// How often the stream was opened again.
    std::uint64_t reopened() const {
        peer::require_stream(state_ != nullptr);
        return std::max<std::uint64_t>(state_->opened, 1) - 1;
    }

 private:
    struct State {
        asio::any_io_executor executor;
        Open open;
        std::optional<Stream<Item>> stream = {};
        std::string token = {};
        Gaps gaps = {};
        std::uint64_t opened = 0;
        std::chrono::milliseconds pause{0};
    };
    static constexpr std::chrono::milliseconds longest_pause{1000};

    static asio::awaitable<std::optional<T>> next(std::shared_ptr<State> state) {
        for (;;) {
            Error failure;
            if (!state->stream) {
                try {
                    auto stream = co_await state->open(state->token);
                    state->stream.emplace(std::move(stream));
                } catch (...) {
                    failure = Error::from(std::current_exception());
                }
                if (!state->stream && !peer::may_be_mended(failure)) {
                    std::rethrow_exception(failure.to_exception());
                }
                const bool is_again = state->stream && state->opened++ != 0;
                state->gaps.unknown += is_again && !peer::ValueOf<Item>::has_token ? 1 : 0;
            }
            if (state->stream) {
                auto item = co_await state->stream->try_next();
                if (item) {
                    state->pause = {};
                    co_return *item ? std::optional<T>(take(*state, **std::move(item))) : std::nullopt;
                }
                failure = item.error();
                if (!peer::may_be_mended(failure) && failure.code != errc::closed) {
                    std::rethrow_exception(failure.to_exception());
                }
                state->stream.reset();
            }
            if (state->pause.count() != 0) {
                co_await base::wait_for(state->pause);
            }
            state->pause = std::clamp(2 * state->pause, std::chrono::milliseconds{1}, longest_pause);
        }
    }

    static T take(State& state, Item&& item) {
        if constexpr (peer::ValueOf<Item>::has_token) {
            state.token = std::move(item.token);
            if (item.missed < 0) {
                ++state.gaps.unknown;
            } else {
                state.gaps.items += static_cast<std::uint64_t>(item.missed);
            }
            return std::move(item.value);
        } else {
            return std::move(item);
        }
    }

    std::shared_ptr<State> state_;
};

namespace peer {

template <class Item, class... A, class S>
asio::awaitable<Stream<Item>> open_again(RequestTarget target, Route<Stream<Item>(A...), S> route,
                                         std::shared_ptr<const std::tuple<std::remove_cvref_t<A>...>> values,
                                         std::string token) {
    const Header header{peer::resume_header, token};
    RequestOptions options{.timeout = std::nullopt};
    if (!token.empty()) {
        options.headers = std::span(&header, 1);
    }
    auto opening = std::apply(
        [&](const auto&... value) {
            return open_with<StreamShape<Stream<Item>(A...)>>(target, route.serializer(), route.name(), true, value...,
                                                              options);
        },
        *values);
    co_return co_await std::move(opening);
}

template <class Item, class... A, class S, class... Given>
Subscription<Item> subscribe(RequestTarget target, const Route<Stream<Item>(A...), S>& route, Given&&... given) {
    static_assert(sizeof...(Given) == sizeof...(A), "communica: these are not as many values as the route takes");
    const auto executor = target.executor();
    auto values = std::make_shared<const std::tuple<std::remove_cvref_t<A>...>>(std::forward<Given>(given)...);
    return {executor, [target = std::move(target), route, values = std::move(values)](std::string token) {
                return open_again<Item, A...>(target, route, values, std::move(token));
            }};
}

}  // namespace peer

}  // namespace communica

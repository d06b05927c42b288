// Runs blocking handlers on another executor, so that connections are not blocked.
#pragma once

#include "../asio.hpp"
#include "call_on.hpp"
#include "handler_traits.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace communica {
namespace peer {

template <class F, class R, class... A>
class OnExecutor {
 public:
    OnExecutor(asio::any_io_executor executor, F function)
        : executor_(std::move(executor)), function_(std::make_shared<F>(std::move(function))) {}

    asio::awaitable<R> operator()(A... arguments) const {
        // References among the arguments are to state of the awaiting handler.
        return run(executor_, function_, std::tuple<A...>(std::forward<A>(arguments)...));
    }

 private:
    using Stored = std::conditional_t<std::is_void_v<R>, Nothing, R>;

    static asio::awaitable<R> run(asio::any_io_executor executor, std::shared_ptr<F> function,
                                  std::tuple<A...> arguments) {
        std::optional<Stored> result;
        auto call = call_on(std::move(executor), [&] {
            if constexpr (std::is_void_v<R>) {
                apply(*function, arguments);
            } else {
                result.emplace(apply(*function, arguments));
            }
        });
        co_await std::move(call);
        if constexpr (!std::is_void_v<R>) {
            co_return *std::move(result);
        }
    }

    static decltype(auto) apply(F& function, std::tuple<A...>& arguments) {
        return std::apply([&](auto&... argument) -> decltype(auto) { return load_and_call(function, argument...); },
                          arguments);
    }

    template <class First, class... Extras>
    static decltype(auto) load_and_call(F& function, First& first, Extras&... extras) {
        if constexpr (!LoadedAs<First>::is_later) {
            return function(static_cast<First&>(first), extras...);
        } else if constexpr (std::is_same_v<First, LoadLater<typename LoadedAs<First>::type>>) {
            return function(first.load(), extras...);
        } else {
            auto values = first.load();
            return std::apply(
                [&](auto&... value) -> decltype(auto) { return function(std::move(value)..., extras...); }, values);
        }
    }
    static decltype(auto) load_and_call(F& function) { return function(); }

    asio::any_io_executor executor_;
    std::shared_ptr<F> function_;
};

template <class F, class R, class Data, class Extras>
struct MakeOnExecutor;
template <class F, class R, class Data, class... E>
struct MakeOnExecutor<F, R, Data, std::tuple<E...>> {
    using type = OnExecutor<F, R, LoadLater<Data>, E&...>;
};
template <class F, class R, class... E>
struct MakeOnExecutor<F, R, void, std::tuple<E...>> {
    using type = OnExecutor<F, R, E&...>;
};

}  // namespace peer

/// Runs `function`, a handler that is not a coroutine, on `executor` (a thread pool's) instead of the connection's.
/// Loads its value there too, because loading many megabytes takes long. Several threads may call it at once.
/// Cancellation waits for a running call, and drops one that still waits for a thread.
///
///     routes.add("hash", communica::on_executor(pool, [](Job job) { return slow_hash(job); }));
template <ExecutorSource E, class F>
auto on_executor(E&& executor, F function) {
    static_assert(peer::Deducible<F>,
                  "communica: on_executor needs a callable of one signature: name it with with_signature<R(A)>(f)");
    using Its = peer::Signature<F>;
    using Made = typename peer::MakeOnExecutor<F, typename Its::Result, typename Its::Args::Data,
                                               typename Its::Args::Extras>::type;
    return Made(executor_of(std::forward<E>(executor)), std::move(function));
}

}  // namespace communica

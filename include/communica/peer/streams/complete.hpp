// Turns a coroutine of the library into an operation with any token.
#pragma once

#include "../../asio.hpp"

#include <concepts>
#include <type_traits>
#include <utility>

namespace communica::peer {

/// With the default token, returns the coroutine itself, which costs nothing. Any other token completes with
/// `void(std::exception_ptr, T)`.
template <class T, class Token>
auto complete(const asio::any_io_executor& executor, asio::awaitable<T> coroutine, Token&& token) {
    if constexpr (std::same_as<std::remove_cvref_t<Token>, default_token>) {
        return coroutine;
    } else {
        return asio::co_spawn(executor, std::move(coroutine), std::forward<Token>(token));
    }
}

}  // namespace communica::peer

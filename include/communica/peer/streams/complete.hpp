// A coroutine of the library's as an operation with any token.
#pragma once

#include "../../asio.hpp"

#include <concepts>
#include <type_traits>
#include <utility>

namespace communica::peer {

/// With the default token it is awaited as it is, which costs nothing more. Any other is given `void(std::exception_ptr, T)`.
template <class T, class Token>
auto complete(const asio::any_io_executor& executor, asio::awaitable<T> coroutine, Token&& token) {
    if constexpr (std::same_as<std::remove_cvref_t<Token>, default_token>) {
        return coroutine;
    } else {
        return asio::co_spawn(executor, std::move(coroutine), std::forward<Token>(token));
    }
}

}  // namespace communica::peer

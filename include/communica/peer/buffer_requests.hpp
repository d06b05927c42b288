// Requests whose body is a buffer that is moved into the message, and the memory for such buffers.
#pragma once

#include "ask.hpp"

#include <cstddef>
#include <string_view>
#include <tuple>
#include <utility>

namespace communica::peer {

/// Calls `ask(options, token)` with the options and the token of `given`, which may lack either.
template <class Ask, class... Given>
auto ask_with_options(Ask ask, Given&&... given) {
    static_assert(sizeof...(Given) <= 2, "communica: options and a token follow the buffer");
    std::tuple<Given&&...> all(std::forward<Given>(given)...);
    if constexpr (sizeof...(Given) == 0) {
        return ask(RequestOptions{}, default_token{});
    } else if constexpr (sizeof...(Given) == 2) {
        return ask(std::get<0>(all), std::get<1>(std::move(all)));
    } else if constexpr ((NotOptions<Given> && ...)) {
        return ask(RequestOptions{}, std::get<0>(std::move(all)));
    } else {
        return ask(std::get<0>(all), default_token{});
    }
}

/// Executes at once, without waiting for a connection.
asio::awaitable<Buffer> lend(RequestTarget target, std::size_t size);

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "buffer_requests.ipp"
#endif

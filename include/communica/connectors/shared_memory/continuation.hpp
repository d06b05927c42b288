// A step between a wait and the completion handler of the operation that waits.
#pragma once

#include "../../asio.hpp"

#include <cstddef>
#include <utility>

namespace communica::detail {

/// The completion handler of a wait: calls `then(error, handler)`, with the handler's executor and allocator.
template <class Handler, class Then>
struct Continuation {
    using executor_type = asio::associated_executor_t<Handler>;
    using allocator_type = asio::associated_allocator_t<Handler>;
    executor_type get_executor() const noexcept { return asio::get_associated_executor(handler); }
    allocator_type get_allocator() const noexcept { return asio::get_associated_allocator(handler); }

    void operator()(asio::error_code error = {}, std::size_t = 0) { then(error, std::move(handler)); }

    Handler handler;
    Then then;
};

/// Posts `handler(results...)`.
template <class Handler, class... Results>
void complete_later(const asio::any_io_executor& executor, Handler handler, Results... results) {
    auto then = [results...](asio::error_code, Handler&& to_call) { std::move(to_call)(results...); };
    asio::post(executor, Continuation<Handler, decltype(then)>{std::move(handler), std::move(then)});
}

}  // namespace communica::detail

// A coroutine of the library as an operation with any token.
#pragma once

#include "../asio.hpp"
#include "../error.hpp"
#include "completion.hpp"

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

namespace communica::peer {

/// A handler of `void(asio::error_code, T)` as one of `void(std::exception_ptr, T)`, with the same associated executor, allocator
/// and cancellation slot.
template <class Handler>
class CodeHandler {
 public:
    using executor_type = asio::associated_executor_t<Handler, asio::any_io_executor>;
    using allocator_type = asio::associated_allocator_t<Handler>;
    using cancellation_slot_type = asio::associated_cancellation_slot_t<Handler>;

    CodeHandler(Handler&& handler, const asio::any_io_executor& executor)
        : handler_(std::move(handler)), executor_(asio::get_associated_executor(handler_, executor)) {}

    executor_type get_executor() const noexcept { return executor_; }
    allocator_type get_allocator() const noexcept { return asio::get_associated_allocator(handler_); }
    cancellation_slot_type get_cancellation_slot() const noexcept {
        return asio::get_associated_cancellation_slot(handler_);
    }

    template <class... T>
    void operator()(const std::exception_ptr& error, T&&... value) {
        const asio::error_code code = error ? asio::error_code(Error::from(error).code) : asio::error_code();
        std::move(handler_)(code, std::forward<T>(value)...);
    }

 private:
    Handler handler_;
    executor_type executor_;
};

/// Runs the coroutine on `executor`. Completes with `void(std::exception_ptr, T)`, or with an error code in its place where the
/// token takes one.
template <class T, class Token>
auto spawn(const asio::any_io_executor& executor, asio::awaitable<T> coroutine, Token&& token) {
    asio::awaitable<T> own = base::with_standard_errors(std::move(coroutine));
    if constexpr (TakesErrorCode<Token, T>) {
        return asio::async_initiate<Token, typename CodeCompletion<T>::Signature>(
            [executor](auto&& handler, asio::awaitable<T> work) {
                using Own = std::decay_t<decltype(handler)>;
                base::spawn_on(executor, std::move(work),
                               CodeHandler<Own>(Own(std::forward<decltype(handler)>(handler)), executor));
            },
            token, std::move(own));
    } else {
        return base::spawn_on(executor, std::move(own), std::forward<Token>(token));
    }
}

/// The same, but with the default token the coroutine itself, which costs nothing more.
template <class T, class Token>
auto complete(const asio::any_io_executor& executor, asio::awaitable<T> coroutine, Token&& token) {
    if constexpr (std::same_as<std::remove_cvref_t<Token>, default_token>) {
        return base::with_standard_errors(std::move(coroutine));
    } else {
        return spawn(executor, std::move(coroutine), std::forward<Token>(token));
    }
}

}  // namespace communica::peer

#pragma once

#include "asio.hpp"

namespace communica::base {

COMMUNICA_INLINE void rethrow_on(const asio::any_io_executor& executor, const std::exception_ptr& exception) {
    asio::post(executor, Task([exception] { std::rethrow_exception(exception); }));
}

COMMUNICA_INLINE void post_or_again(const asio::any_io_executor& executor, const Task& task) {
    try {
        asio::post(executor, Task(task));
    } catch (const std::bad_alloc&) {
        asio::post(executor, Task(task));
    }
}

COMMUNICA_INLINE asio::awaitable<void> wait_for(std::chrono::steady_clock::duration time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    throw_error(co_await timer.async_wait(no_throw));
}

COMMUNICA_INLINE void emit_on(const asio::any_io_executor& executor,
                              const std::shared_ptr<asio::cancellation_signal>& signal, asio::cancellation_type type) {
    asio::dispatch(executor, Task([signal, type] { signal->emit(type); }));
}

COMMUNICA_INLINE Strand::Strand(const asio::any_io_executor& executor) {
    if (const auto* const direct = target_of<Direct>(executor)) {
        executor_ = direct_.emplace(*direct);
    } else {
        executor_ = asio::make_strand(executor);
    }
}

COMMUNICA_INLINE asio::any_io_executor make_strand_on(const asio::any_io_executor& executor) {
    return Strand(executor).executor();
}

COMMUNICA_INLINE bool is_running_on(const asio::any_io_executor& strand) {
    using OnContext = asio::strand<asio::io_context::executor_type>;
    using OnAny = asio::strand<asio::any_io_executor>;
    if (const auto* const on_context = target_of<OnContext>(strand)) {
        return on_context->running_in_this_thread();
    }
    const auto* const on_any = target_of<OnAny>(strand);
    return on_any != nullptr && on_any->running_in_this_thread();
}

}  // namespace communica::base

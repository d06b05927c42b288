// Calls functions that block, on another executor.
#pragma once

#include "../asio.hpp"

#include <atomic>
#include <memory>
#include <system_error>
#include <utility>

namespace communica::peer {

/// Whether a coroutine has been cancelled, for other threads.
class CancelledFlag {
 public:
    explicit CancelledFlag(asio::cancellation_state state)
        : state_(state), set_(std::make_shared<std::atomic<bool>>(false)) {
        if (asio::cancellation_slot slot = state_.slot(); slot.is_connected()) {
            slot.assign([set = set_](asio::cancellation_type) { *set = true; });
        }
    }
    CancelledFlag(const CancelledFlag&) = delete;
    CancelledFlag& operator=(const CancelledFlag&) = delete;
    ~CancelledFlag() {
        if (asio::cancellation_slot slot = state_.slot(); slot.is_connected()) {
            slot.clear();
        }
    }

    const std::shared_ptr<std::atomic<bool>>& get() const noexcept { return set_; }

 private:
    asio::cancellation_state state_;
    std::shared_ptr<std::atomic<bool>> set_;
};

template <class F>
asio::awaitable<void> call_unless(std::shared_ptr<const std::atomic<bool>> cancelled, F function) {
    if (*cancelled) {
        throw std::system_error(make_error_code(asio::error::operation_aborted));
    }
    function();
    co_return;
}

/// Calls `function` on `executor`. Cancellation waits for a running call, and drops one that still waits for a thread.
///
/// Asio itself would cancel the call's coroutine on any thread of a pool, while it runs. In Asio 1.26 (Boost 1.81) a coroutine that
/// was cancelled and never suspended ends the program.
template <class F>
asio::awaitable<void> call_on(asio::any_io_executor executor, F function) {
    const CancelledFlag cancelled(co_await asio::this_coro::cancellation_state);
    auto call = call_unless(cancelled.get(), std::move(function));
    co_await asio::co_spawn(executor, std::move(call),
                            asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable));
}

}  // namespace communica::peer

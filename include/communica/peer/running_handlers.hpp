// The coroutine handlers that are at work for one peer.
#pragma once

#include "../asio.hpp"

#include <list>
#include <memory>
#include <utility>

namespace communica::peer {

/// A coroutine handler at work. `signal` is emitted on `executor`, which is also the coroutine's.
struct RunningHandler {
    asio::any_io_executor executor;
    asio::cancellation_signal signal;
    std::list<std::shared_ptr<RunningHandler>>::iterator place;
    bool listed = true;
};

/// Knows them, so that they can be cancelled. Not thread-safe.
class RunningHandlers {
 public:
    bool empty() const noexcept { return handlers_.empty(); }

    std::shared_ptr<RunningHandler> begin(asio::any_io_executor executor) {
        auto handler = std::make_shared<RunningHandler>();
        handler->executor = std::move(executor);
        handler->place = handlers_.insert(handlers_.end(), handler);
        return handler;
    }

    void end(RunningHandler& handler) {
        if (std::exchange(handler.listed, false)) {
            handlers_.erase(handler.place);
        }
    }

    /// Cancels all, each on its own executor, and forgets them.
    void cancel_all() {
        for (const auto& handler : handlers_) {
            handler->listed = false;
            asio::post(handler->executor, [handler] { handler->signal.emit(asio::cancellation_type::terminal); });
        }
        handlers_.clear();
    }

 private:
    std::list<std::shared_ptr<RunningHandler>> handlers_;
};

}  // namespace communica::peer

// The user's callbacks: called as long as the entity lives, and no longer.
#pragma once

#include "../asio.hpp"

#include <concepts>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace communica {

enum class LogLevel { debug, info, warning, error };

/// Takes what an entity has to say to people.
using Log = std::function<void(LogLevel, std::string_view)>;

namespace entities {

/// Calls hooks, one at a time, until it is closed. What they throw is the executor's to deal with. Thread-safe.
class Hooks {
 public:
    Hooks(asio::any_io_executor executor, Log log) : executor_(std::move(executor)), log_(std::move(log)) {}

    template <class... Parameters, class... Arguments>
    void call(const std::function<void(Parameters...)>& hook, const Arguments&... arguments) const {
        if (hook) {
            run([&] { hook(arguments...); });
        }
    }

    template <std::invocable F>
    void run(F function) const {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            return;
        }
        try {
            function();
        } catch (...) {
            rethrow_on(executor_, std::current_exception());
        }
    }

    /// `text()` makes the message: not called if nobody listens.
    template <class Text>
    void log(LogLevel level, Text text) const {
        if (log_) {
            std::string message = "a text that could not be made";
            try {
                message = text();
            } catch (...) {  // NOLINT(bugprone-empty-catch): an address, say, that its connector throws at
            }
            call(log_, level, std::string_view(message));
        }
    }

    /// No call begins any more. Waits for one that is at work on another thread.
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }

 private:
    asio::any_io_executor executor_;
    Log log_;
    mutable std::recursive_mutex mutex_;  // a hook may end its entity, and with it this
    bool closed_ = false;
};

}  // namespace entities
}  // namespace communica

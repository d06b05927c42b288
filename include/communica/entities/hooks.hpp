// The user's callbacks, which are called until the entity is destroyed.
#pragma once

#include "../asio.hpp"
#include "../counters.hpp"
#include "../error.hpp"
#include "../peer/handlers.hpp"
#include "../peer/hook.hpp"
#include "../peer/unconfirmed.hpp"
#include "../separate_compilation.hpp"
#include "default_log.hpp"

#include <concepts>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace communica {

/// Receives the log messages of an entity.
using Log = Hook<void(LogLevel, std::string_view)>;

/// A `log` that discards all messages. Without a `log`, warnings and errors go to standard error.
inline void no_log(LogLevel, std::string_view) {}

namespace entities {

/// Calls hooks, one at a time, until it is closed. Their exceptions are rethrown on the executor. Thread-safe.
class Hooks {
 public:
    Hooks(asio::any_io_executor executor, Log log, std::shared_ptr<Counters> counters)
        : executor_(std::move(executor)),
          least_(log ? LogLevel::debug : LogLevel::warning),
          log_(log ? std::move(log) : DefaultLog()),
          counters_(std::move(counters)) {}

    template <class... Parameters, class... Arguments>
    void call(const std::function<void(Parameters...)>& hook, const Arguments&... arguments) const {
        if (hook) {
            run([&] { hook(worded(arguments)...); });
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
            try {
                base::rethrow_on(executor_, std::current_exception());
            } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory; the exception is lost
            }
        }
    }

    /// Logs the message that `text()` returns. `text` is called only if the level is logged.
    template <class Text>
    void log(LogLevel level, Text text) const {
        if (level >= least_) {
            std::string message;
            std::string_view said = "a text that could not be made";
            try {
                said = message = text();
            } catch (...) {  // NOLINT(bugprone-empty-catch): for example, the connector can't give its address
            }
            call(log_, level, said);
        }
    }

    /// Counts and logs a failed request, notification or stream of the peer. The level is debug if the peer gets a
    /// requester, responder or serializer error, else warning. Long names and texts, mostly the peer's, are shortened.
    void on_failure(const peer::Failure& failure) const;

    /// Logs a timeout, whose error the user gets, too.
    void on_late(const std::string& text) const {
        log(LogLevel::debug, [&] { return "a request timed out: " + text; });
    }

    /// Counts and logs notifications that may be lost, because their connection ended with the error `why`. `peer()` returns the name of the peer.
    template <class Name>
    void on_unconfirmed(const peer::UnconfirmedNotifications& unconfirmed, const Error& why, Name peer) const {
        if (unconfirmed.count() != 0) {
            if (counters_) {
                Counters::add(counters_->unconfirmed_notifications, unconfirmed.count());
            }
            log(LogLevel::warning, [&] { return peer() + ": " + unconfirmed.text(why); });
        }
    }

    /// Starts no further calls. Waits for a call that is running on another thread.
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }

 private:
    /// Gives an error its message. Called where exceptions are caught.
    static Error worded(const Error& error) { return error.worded(); }
    template <class Argument>
    static const Argument& worded(const Argument& argument) {
        return argument;  // NOLINT(bugprone-return-const-ref-from-parameter): the argument outlives its use
    }

    asio::any_io_executor executor_;
    LogLevel least_;
    Log log_;
    std::shared_ptr<Counters> counters_;
    mutable std::recursive_mutex mutex_;  // recursive: a hook may destroy its entity, which calls `close`
    bool closed_ = false;
};

}  // namespace entities
}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "hooks.ipp"
#endif

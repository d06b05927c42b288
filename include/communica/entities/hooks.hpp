// The user's callbacks: called as long as the entity lives, and no longer.
#pragma once

#include "../asio.hpp"
#include "../counters.hpp"
#include "../error.hpp"
#include "../peer/handlers.hpp"
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

/// Takes what an entity has to say to people.
using Log = std::function<void(LogLevel, std::string_view)>;

/// For `log`: an entity that says nothing. Without any `log` its warnings and errors go to standard error.
inline void no_log(LogLevel, std::string_view) {}

namespace entities {

/// InflightCalls hooks, one at a time, until it is closed. What they throw is the executor's to deal with. Thread-safe.
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
                rethrow_on(executor_, std::current_exception());
            } catch (...) {  // NOLINT(bugprone-empty-catch): nor is there memory to tell of it
            }
        }
    }

    /// `text()` makes the message: not called if nobody listens.
    template <class Text>
    void log(LogLevel level, Text text) const {
        if (level >= least_) {
            std::string message;
            std::string_view said = "a text that could not be made";
            try {
                said = message = text();
            } catch (...) {  // NOLINT(bugprone-empty-catch): an address, say, that its connector throws at
            }
            call(log_, level, said);
        }
    }

    /// Something failed at this side. It is a warning where nobody else hears of it, or nobody meant it. Names and texts are
    /// the other side's as a rule, and cut where they are long.
    void on_failure(const peer::Failure& failure) const;

    /// No call begins any more. Waits for one that is at work on another thread.
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }

 private:
    /// Errors are given with their words, and made so where a hook may throw.
    static Error worded(const Error& error) { return error.worded(); }
    template <class Argument>
    static const Argument& worded(const Argument& argument) {
        return argument;  // NOLINT(bugprone-return-const-ref-from-parameter): used within the call, which has it
    }

    asio::any_io_executor executor_;
    LogLevel least_;
    Log log_;
    std::shared_ptr<Counters> counters_;
    mutable std::recursive_mutex mutex_;  // a hook may end its entity, and with it this
    bool closed_ = false;
};

}  // namespace entities
}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "hooks.ipp"
#endif

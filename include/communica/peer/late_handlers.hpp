// Reports handlers that do not end before the deadlines of their requests.
#pragma once

#include "../error.hpp"
#include "handlers.hpp"
#include "inflight_call.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace communica::peer {

/// Passes them to the log and the counters of an entity. Calls code of the user: call it without a lock.
class LateHandlers {
 public:
    /// Null: nothing is reported.
    explicit LateHandlers(std::shared_ptr<const Handlers> handlers) : handlers_(std::move(handlers)) {}

    void report(std::string_view route, std::chrono::milliseconds timeout, Failure::What what) const noexcept {
        try {
            if (handlers_) {
                const Error error{errc::timeout, "its handler did not end within its timeout of " +
                                                     std::to_string(timeout.count()) + " ms"};
                handlers_->report({route, error, what});
            }
        } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory, or the log throws
        }
    }

    void report(const InflightCall& call) const noexcept {
        try {
            report(call.route(), call.timeout(),
                   call.wants_answer ? Failure::What::request : Failure::What::notification);
        } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory
        }
    }

 private:
    std::shared_ptr<const Handlers> handlers_;
};

}  // namespace communica::peer

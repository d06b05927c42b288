// Reports handlers that do not end in time.
#pragma once

#include "../error.hpp"
#include "handlers.hpp"
#include "inflight_call.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::peer {

/// Passes them to the log and the counters of an entity. Calls code of the user: call it without a lock.
class LateHandlers {
 public:
    /// Null: nothing is reported.
    explicit LateHandlers(std::shared_ptr<const Handlers> handlers) : handlers_(std::move(handlers)) {}

    /// A request that had this timeout.
    void report(std::string_view route, std::chrono::milliseconds timeout) const noexcept {
        report(route, Failure::What::request, [timeout] {
            return "its handler did not end within its timeout of " + std::to_string(timeout.count()) + " ms";
        });
    }

    /// The handlers of a sender that was forgotten, which were cancelled.
    void report_forgotten(const std::vector<std::shared_ptr<InflightCall>>& calls) const noexcept {
        const auto text = [] { return std::string("its handler did not end before its sender was forgotten"); };
        try {
            for (const auto& call : calls) {
                if (!call->wants_answer) {
                    report(call->route(), Failure::What::notification, text, errc::connection_lost);
                }
            }
        } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory
        }
    }

    void report(const InflightCall& call) const noexcept {
        try {
            if (call.wants_answer) {
                return report(call.route(), call.timeout());
            }
            report(call.route(), Failure::What::notification, [] {
                return std::string("its handler did not end within the resume window of its sender, which is gone");
            });
        } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory
        }
    }

 private:
    template <class Text>
    void report(std::string_view route, Failure::What what, Text text, errc why = errc::timeout) const noexcept {
        try {
            if (handlers_) {
                const Error error{why, text()};
                handlers_->report({route, error, what});
            }
        } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory, or the log throws
        }
    }

    std::shared_ptr<const Handlers> handlers_;
};

}  // namespace communica::peer

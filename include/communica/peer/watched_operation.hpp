// An operation that reports its end to an asking interceptor.
#pragma once

#include "../asio.hpp"
#include "asking.hpp"
#include "pending_requests.hpp"

#include <memory>
#include <utility>

namespace communica::peer {

/// Replaces the operation that it wraps.
class WatchedOperation final : public Operation {
 public:
    /// Takes `inner`, unless it throws.
    static OperationPtr wrap(OperationPtr& inner, AskingEnd on_end, const asio::any_io_executor& executor) {
        auto* const watched = new WatchedOperation(std::move(on_end), executor);
        watched->inner_ = std::move(inner);
        return OperationPtr(watched);
    }

    std::shared_ptr<const ProgressSink> progress() const override { return inner_->progress(); }
    void succeed(const Answer& answer, Completions* to) override { end({}, to).release()->succeed(answer, to); }
    void fail(Error error, Completions* to) override { end(error, to).release()->fail(std::move(error), to); }

 private:
    WatchedOperation(AskingEnd on_end, const asio::any_io_executor& executor)
        : on_end_(std::move(on_end)), executor_(executor) {}

    /// Destroys this, as an operation is gone once it is completed. Where the completion is posted, the caller may hold a
    /// lock, so the report is posted as well.
    OperationPtr end(const Error& error, const Completions* to) {
        OperationPtr inner = std::move(inner_);
        const AskingEnd on_end = std::move(on_end_);
        const asio::any_io_executor executor = std::move(executor_);
        destroy();
        try {
            to == nullptr ? base::post_or_again(executor, [on_end, error] { on_end(error); }) : on_end(error);
        } catch (...) {  // NOLINT(bugprone-empty-catch): must not throw; without memory the end is not reported
        }
        return inner;
    }
    void destroy() noexcept override { delete this; }

    OperationPtr inner_;
    AskingEnd on_end_;
    asio::any_io_executor executor_;  // for posted reports
};

}  // namespace communica::peer

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
    void succeed(const Answer& answer, CompletionMode mode) override { end({}, mode).release()->succeed(answer, mode); }
    void fail(Error error, CompletionMode mode) override { end(error, mode).release()->fail(std::move(error), mode); }

 private:
    WatchedOperation(AskingEnd on_end, const asio::any_io_executor& executor)
        : on_end_(std::move(on_end)), executor_(executor) {}

    /// Destroys this, as an operation is gone once it is completed. With `post`, the caller may hold a lock, so the
    /// report is posted.
    OperationPtr end(const Error& error, CompletionMode mode) {
        OperationPtr inner = std::move(inner_);
        const AskingEnd on_end = std::move(on_end_);
        const asio::any_io_executor executor = std::move(executor_);
        destroy();
        try {
            mode == CompletionMode::post ? asio::post(executor, base::Task([on_end, error] { on_end(error); }))
                                         : on_end(error);
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

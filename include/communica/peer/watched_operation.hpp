// An operation whose end is told to an asking interceptor.
#pragma once

#include "../asio.hpp"
#include "asking.hpp"
#include "pending_requests.hpp"

#include <utility>

namespace communica::peer {

/// In the place of the operation that it is wrapped around.
class WatchedOperation final : public Operation {
 public:
    /// Takes `inner`, or throws and leaves it.
    static OperationPtr wrap(OperationPtr& inner, AskingEnd on_end, const asio::any_io_executor& executor) {
        auto* const watched = new WatchedOperation(std::move(on_end), executor);
        watched->inner_ = std::move(inner);
        return OperationPtr(watched);
    }

    bool is_notification() const noexcept override { return inner_->is_notification(); }
    void succeed(const Answer& answer, CompletionMode mode) override { end({}, mode).release()->succeed(answer, mode); }
    void fail(Error error, CompletionMode mode) override { end(error, mode).release()->fail(std::move(error), mode); }

 private:
    WatchedOperation(AskingEnd on_end, const asio::any_io_executor& executor)
        : on_end_(std::move(on_end)), executor_(executor) {}

    /// As any operation that is completed this one is gone after it. What is posted may come from under a lock.
    OperationPtr end(const Error& error, CompletionMode mode) {
        OperationPtr inner = std::move(inner_);
        const AskingEnd on_end = std::move(on_end_);
        const asio::any_io_executor executor = std::move(executor_);
        destroy();
        try {
            mode == CompletionMode::post ? asio::post(executor, Task([on_end, error] { on_end(error); }))
                                         : on_end(error);
        } catch (...) {  // NOLINT(bugprone-empty-catch): it must not throw; without memory to post it is not told
        }
        return inner;
    }
    void destroy() noexcept override { delete this; }

    OperationPtr inner_;
    AskingEnd on_end_;
    asio::any_io_executor executor_;  // for what is posted
};

}  // namespace communica::peer

// An operation whose end is told to an asking interceptor.
#pragma once

#include "asking.hpp"
#include "pending_requests.hpp"

#include <utility>

namespace communica::peer {

/// In the place of the operation that it is wrapped around.
class WatchedOperation final : public Operation {
 public:
    /// Takes `inner`, or throws and leaves it.
    static OperationPtr wrap(OperationPtr& inner, AskingEnd on_end) {
        auto* const watched = new WatchedOperation(std::move(on_end));
        watched->inner_ = std::move(inner);
        return OperationPtr(watched);
    }

    bool is_notification() const noexcept override { return inner_->is_notification(); }
    void succeed(const Answer& answer, Via via) override { end({}).release()->succeed(answer, via); }
    void fail(Error error, Via via) override { end(error).release()->fail(std::move(error), via); }

 private:
    explicit WatchedOperation(AskingEnd on_end) : on_end_(std::move(on_end)) {}

    /// As any operation that is completed this one is gone after it.
    OperationPtr end(const Error& error) {
        OperationPtr inner = std::move(inner_);
        const AskingEnd on_end = std::move(on_end_);
        destroy();
        on_end(error);
        return inner;
    }
    void destroy() noexcept override { delete this; }

    OperationPtr inner_;
    AskingEnd on_end_;
};

}  // namespace communica::peer

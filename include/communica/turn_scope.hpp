// Work that a turn of a strand leaves for its thread.
#pragma once

#include <memory>
#include <utility>

namespace communica::base {

/// Work that is to run after the turn that causes it.
class AfterTurn {
 public:
    virtual void run_after_turn() noexcept = 0;

 protected:
    ~AfterTurn() = default;
};

/// Surrounds the call of a strand that runs a turn. Work that the turn leaves runs on the same thread as soon as the strand
/// is free again: without a pass through the event loop, which would cost a system call. A turn that queued behind another
/// may run on a thread without a scope.
class TurnScope {
 public:
    TurnScope() noexcept : outer_(std::exchange(innermost, this)) {}
    TurnScope(const TurnScope&) = delete;
    TurnScope& operator=(const TurnScope&) = delete;
    ~TurnScope() {
        innermost = nullptr;  // what the work causes does not wait for its end
        if (work_) {
            work_->run_after_turn();
        }
        innermost = outer_;
    }

    /// Leaves work for the end of the innermost scope of this thread. Returns false if there is none, or if it has other work.
    static bool leave(const std::shared_ptr<AfterTurn>& work) noexcept {
        if (innermost == nullptr || innermost->work_) {
            return false;
        }
        innermost->work_ = work;
        return true;
    }

 private:
    static inline thread_local constinit TurnScope* innermost = nullptr;

    TurnScope* outer_;
    std::shared_ptr<AfterTurn> work_;
};

}  // namespace communica::base

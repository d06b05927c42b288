// Counts the threads that call handlers, and waits until there are none.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

namespace communica::peer {

/// A handler checks after `begin` whether it may still start. A thread that forbids calls before `wait` may destroy the
/// state of the handlers after it. Thread-safe.
class CallsUnderWay {
 public:
    /// A running call, linked to the outer calls of its thread. A connection has one frame, because its calls run one
    /// after another.
    struct Frame {
        const CallsUnderWay* calls = nullptr;
        Frame* outer = nullptr;
    };

    void begin(Frame& frame) noexcept {
        frame = {this, std::exchange(innermost, &frame)};
        count_.fetch_add(1);  // sequentially consistent, as is the check: one of the two sees the other
    }
    void end(Frame& frame) noexcept {
        innermost = frame.outer;
        count_.fetch_sub(1);
    }

    /// Waits until the calls of other threads have ended. Returns at once inside a call, which cannot end first.
    void wait() const {
        for (const Frame* frame = innermost; frame != nullptr; frame = frame->outer) {
            if (frame->calls == this) {
                return;
            }
        }
        for (std::chrono::microseconds pause{1}; count_.load() != 0; pause = std::min(2 * pause, most)) {
            std::this_thread::sleep_for(pause);
        }
    }

 private:
    static constexpr std::chrono::microseconds most{1000};
    static inline thread_local constinit Frame* innermost = nullptr;  // the innermost call of this thread

    std::atomic<int> count_ = 0;
};

}  // namespace communica::peer

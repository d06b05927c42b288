// Which threads are calling handlers now, and how to wait until none is.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

namespace communica::peer {

/// Handlers look, after `begin`, whether they may still start. Who says before `wait` that none may, can destroy what they
/// refer to after it. Thread-safe.
class CallsUnderWay {
 public:
    /// Of one connection, whose calls are one after the other.
    struct Frame {
        const CallsUnderWay* calls = nullptr;
        Frame* outer = nullptr;
    };

    void begin(Frame& frame) noexcept {
        frame = {this, std::exchange(innermost, &frame)};
        count_.fetch_add(1);  // sequentially consistent, as is the look: one of the two sees the other
    }
    void end(Frame& frame) noexcept {
        innermost = frame.outer;
        count_.fetch_sub(1);
    }

    /// Until other threads have ended theirs. Inside a call there is nothing to wait for: it has started.
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
    static inline thread_local constinit Frame* innermost = nullptr;  // of this thread

    std::atomic<int> count_ = 0;
};

}  // namespace communica::peer

// What an entity says that was given no log.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace communica {

enum class LogLevel { debug, info, warning, error };

namespace entities {

/// Writes warnings and errors to standard error, at most so many lines a second: another process may cause them. Copies
/// count together. Thread-safe.
class DefaultLog {
 public:
    static constexpr int lines_a_second = 20;

    void operator()(LogLevel level, std::string_view text) const {
        std::string line = "communica: ";
        {
            const std::lock_guard lock(state_->mutex);
            const auto now = std::chrono::steady_clock::now();
            if (now - state_->begun >= std::chrono::seconds{1}) {
                state_->begun = now;
                state_->lines = 0;
            }
            if (++state_->lines > lines_a_second) {
                ++state_->left_out;
                return;
            }
            if (state_->left_out != 0) {
                line += "(" + std::to_string(state_->left_out) + " lines left out) ";
                state_->left_out = 0;
            }
        }
        line += level == LogLevel::error ? "error: " : "warning: ";
        line += text;
        line += '\n';
        std::fwrite(line.data(), 1, line.size(), stderr);
    }

 private:
    struct State {
        std::mutex mutex;
        std::chrono::steady_clock::time_point begun = {};
        int lines = 0;
        std::uint64_t left_out = 0;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace entities
}  // namespace communica

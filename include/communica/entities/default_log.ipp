#pragma once

#include "../plain_text.hpp"
#include "default_log.hpp"

#include <cstdio>
#include <string>

namespace communica::entities {

COMMUNICA_INLINE void DefaultLog::operator()(LogLevel level, std::string_view text) const {
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
    line += base::without_controls(text);
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace communica::entities

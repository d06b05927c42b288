// Records why a client has no connection.
#pragma once

#include "../error.hpp"

#include <mutex>
#include <string>

namespace communica::entities {

/// Records how connections and attempts to connect end. Thread-safe.
class ConnectFailures {
 public:
    void add(const Error& ending, bool was_connected) {
        const std::lock_guard lock(mutex_);
        last_ = ending.worded();
        attempts_ = was_connected ? 0 : attempts_ + 1;
    }

    /// How the last connection or attempt ended. It has no code before the first.
    Error last() const {
        const std::lock_guard lock(mutex_);
        return last_;
    }

    std::string text() const {
        const std::lock_guard lock(mutex_);
        const std::string why = last_.code ? last_.message : "the first attempt goes on";
        return attempts_ < 2 ? why : why + ", " + std::to_string(attempts_) + " attempts";
    }

 private:
    mutable std::mutex mutex_;
    Error last_;
    int attempts_ = 0;  // failed attempts since the last connection
};

}  // namespace communica::entities

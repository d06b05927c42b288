// The log of an entity whose options have none.
#pragma once

#include "../separate_compilation.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

namespace communica {

/// The severity of a log message.
enum class LogLevel { debug, info, warning, error };

namespace entities {

/// Writes warnings and errors to standard error, at most `lines_a_second`, because peers may cause them. Copies share
/// the limit. Thread-safe.
class DefaultLog {
 public:
    static constexpr int lines_a_second = 20;

    void operator()(LogLevel level, std::string_view text) const;

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

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "default_log.ipp"
#endif

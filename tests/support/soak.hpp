// What the soaks share.
#pragma once

#include <communica/asio.hpp>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

namespace test {

inline unsigned from_environment(const char* name, unsigned otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : static_cast<unsigned>(std::stoul(value));
}

/// Cancels the request that has its slot after a while. A request that has ended keeps nothing waiting: `timer.cancel()`.
struct LateCancellation {
    explicit LateCancellation(asio::io_context& context) : timer(context) {}

    static void begin(const std::shared_ptr<LateCancellation>& cancellation, std::chrono::milliseconds time) {
        cancellation->timer.expires_after(time);
        cancellation->timer.async_wait(
            [cancellation](asio::error_code) { cancellation->signal.emit(asio::cancellation_type::terminal); });
    }

    asio::cancellation_signal signal;
    asio::steady_timer timer;
};

}  // namespace test

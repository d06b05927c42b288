// What a connector has learned about its broker, kept from one link to the next.
#pragma once

#include <atomic>
#include <cstddef>
#include <limits>

namespace communica::rabbitmq {

/// Shared by the copies of a connector. Thread-safe.
class BrokerNotes {
 public:
    /// Stores the limit that the broker named when it refused a message for its size.
    void on_limit(std::size_t max_message) noexcept { max_message_ = max_message; }
    std::size_t max_message() const noexcept { return max_message_; }

    /// The index of the URL's host to try first: the one behind the last host that failed.
    std::size_t first_host() const noexcept { return first_host_; }
    void set_first_host(std::size_t number) noexcept { first_host_ = number; }

 private:
    std::atomic<std::size_t> max_message_ = std::numeric_limits<std::size_t>::max();
    std::atomic<std::size_t> first_host_ = 0;
};

}  // namespace communica::rabbitmq

// What a connector has found out about its broker, and keeps from one link to the next.
#pragma once

#include <atomic>
#include <cstddef>
#include <limits>

namespace communica::rabbitmq {

/// Shared by copies of a connector, on any threads.
class BrokerNotes {
 public:
    /// The broker refused a message for its size, and said how large one may be.
    void on_limit(std::size_t max_message) noexcept { max_message_ = max_message; }
    std::size_t max_message() const noexcept { return max_message_; }

    /// Of a URL's hosts, the number of the one to try first: where one was given up, by whomever, the one behind it.
    std::size_t first_host() const noexcept { return first_host_; }
    void set_first_host(std::size_t number) noexcept { first_host_ = number; }

 private:
    std::atomic<std::size_t> max_message_ = std::numeric_limits<std::size_t>::max();
    std::atomic<std::size_t> first_host_ = 0;
};

}  // namespace communica::rabbitmq

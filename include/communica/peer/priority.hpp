// The priority of a message among those that wait to be sent.
#pragma once

#include "../connection.hpp"

#include <cstdint>

namespace communica {

/// Which of several waiting requests and notifications is sent first (docs/requests.md, "priority").
enum class Priority : std::uint8_t {
    low,     ///< sent while the connection has less than 64 KiB of requests and notifications to write
    normal,  ///< in the order of sending
    high,    ///< before all that waits with another priority
};

namespace peer {

constexpr SendClass send_class_of(Priority priority) noexcept {
    if (priority == Priority::normal) [[likely]] {
        return SendClass::request;
    }
    return priority == Priority::high ? SendClass::high_request : SendClass::low_request;
}

}  // namespace peer

}  // namespace communica

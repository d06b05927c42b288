// What the connections of one connector have in common.
#pragma once

#include "links.hpp"
#include "names.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <string>

namespace communica::rabbitmq {

struct Settings {
    std::shared_ptr<SharedLink> link;
    std::string exchange;
    QueueNames names;
    std::chrono::steady_clock::duration keep_alive;   ///< RmqOptions::keep_alive
    std::chrono::steady_clock::duration keep_queues;  ///< RmqOptions::keep_queues
    std::size_t max_message;                          ///< RmqOptions::max_message
    std::string token;                                ///< of this connector, to know what it has said itself
};

/// Random bytes, for ids that no two ever share.
inline std::string random_bytes(std::size_t size) {
    std::random_device random;
    std::string bytes;
    while (bytes.size() < size) {
        bytes += static_cast<char>(random());
    }
    return bytes;
}

}  // namespace communica::rabbitmq

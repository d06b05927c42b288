// The settings shared by the connections of a connector.
#pragma once

#include "broker_notes.hpp"
#include "links.hpp"
#include "names.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace communica::rabbitmq {

struct Settings {
    std::shared_ptr<SharedLink> link;
    std::string exchange;
    QueueNames names;
    std::chrono::steady_clock::duration keep_alive;   ///< RmqOptions::keep_alive
    std::chrono::steady_clock::duration keep_queues;  ///< RmqOptions::keep_queues
    std::optional<std::size_t> max_message;           ///< RmqOptions::max_message
    std::shared_ptr<BrokerNotes> notes;
};

/// Random bytes for unique ids.
inline std::string random_bytes(std::size_t size) {
    std::random_device random;
    std::string bytes;
    while (bytes.size() < size) {
        bytes += static_cast<char>(random());
    }
    return bytes;
}

inline std::string in_hexadecimal(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text += "0123456789abcdef"[value >> 4];
        text += "0123456789abcdef"[value & 15];
    }
    return text;
}

}  // namespace communica::rabbitmq

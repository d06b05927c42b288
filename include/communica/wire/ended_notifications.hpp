// A report of how many notifications have ended (docs/protocol.md, "notifications").
#pragma once

#include "../buffer.hpp"
#include "json_tree.hpp"
#include "metadata.hpp"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace communica::wire {

/// Notifications of one connection, counted from its start.
struct EndedNotifications {
    std::uint64_t all = 0;     ///< handled, refused or dropped
    std::uint64_t failed = 0;  ///< of these: refused, or their handler failed
};

/// Writes the total as the body. The number of failures is a key of the metadata, which older peers ignore; it is
/// absent if it is 0.
inline void write_ended_notifications(Buffer& metadata, Buffer& body, const EndedNotifications& ended) {
    if (ended.failed == 0) {
        metadata.append(taken_metadata);
    } else {
        metadata.append(taken_metadata.substr(0, taken_metadata.size() - 1));
        metadata.append(", \"failed\": ");
        metadata.append(std::to_string(ended.failed));
        metadata.push_back('}');
    }
    body.append(std::to_string(ended.all));
}

/// Reads a report from metadata that is known to be valid, and a body. Null if the body is malformed. A malformed number
/// of failures counts as 0.
inline std::optional<EndedNotifications> read_ended_notifications(std::string_view metadata, std::string_view body) {
    EndedNotifications ended;
    const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), ended.all);
    if (error != std::errc() || end != body.data() + body.size()) {
        return std::nullopt;
    }
    if (metadata != taken_metadata) {
        if (const auto tree = read_json(metadata); tree && tree->is_object()) {
            const auto failed = tree->find("failed");
            if (failed != tree->end() && failed->is_number_unsigned()) {
                ended.failed = failed->get<std::uint64_t>();
            }
        }
    }
    return ended;
}

}  // namespace communica::wire

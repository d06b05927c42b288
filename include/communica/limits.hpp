// What the other side may cost us at the most. Each has a finite default.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace communica {

/// Limits of one connection, all in bytes.
struct Limits {
    /// Metadata and body of one message, or of all its chunks together, that is accepted.
    std::size_t max_message = 64 * 1024 * 1024;
    /// Metadata of one message that is accepted.
    std::size_t max_metadata = 64 * 1024;
    /// Metadata and body that are sent in one frame; a larger message goes in chunks. The default, which is the
    /// Python library's, leaves every message whole that `max_message` can allow on a 32-bit length.
    std::size_t max_frame = std::numeric_limits<std::uint32_t>::max() - 5;
};

}  // namespace communica

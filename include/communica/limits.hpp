// What the other side may cost us at the most. Each has a finite default.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace communica {

/// Limits of one connection, in bytes where nothing else is said.
struct Limits {
    /// Metadata and body of one message, or of all its chunks together, that is accepted.
    std::size_t max_message = 64 * 1024 * 1024;
    /// What the value of one message may take once it is loaded, in multiples of `max_message`: containers take more than
    /// their text. Counted by the library's own serializers.
    std::size_t max_expansion = 8;
    /// Metadata of one message that is accepted.
    std::size_t max_metadata = 64 * 1024;
    /// Metadata and body that are sent in one frame; a larger message goes in chunks. The default, which is the
    /// Python library's, leaves every message whole that `max_message` can allow on a 32-bit length.
    std::size_t max_frame = std::numeric_limits<std::uint32_t>::max() - 5;

    /// Requests of the other side that are at work at a time, in number.
    std::size_t max_requests = 16 * 1024;
    /// Requests of the other side at work, and answers that it has not read. Over it, requests are answered `busy`.
    std::size_t max_inflight_bytes = 64 * 1024 * 1024;
    /// The same for all connections of an entity, unfinished messages included.
    std::size_t max_inflight_bytes_in_all = 512 * 1024 * 1024;
    /// Refusals that the other side has not read. Over it, the connection closes as a `slow_peer`.
    std::size_t max_refusals = 1024 * 1024;
    /// Requests and notifications of this side that wait to be sent. Over it, they fail with `errc::queue_full`.
    std::size_t max_unsent = 64 * 1024 * 1024;

    /// Streams of the other side's that are open at a time, in number. One more is refused as `busy`.
    std::size_t max_streams = 16 * 1024;
    /// What may come of one stream, and was not read, at first; at least 1 KiB.
    std::size_t stream_window = 256 * 1024;
    /// The same in items.
    std::size_t stream_items = 1024;
    /// As far as the window of a stream grows whose reader waits for what is on its way.
    std::size_t max_stream_window = 4 * 1024 * 1024;

    /// How long the other side may read nothing while something waits to be written, in time. Then the connection
    /// closes as a `slow_peer`.
    std::chrono::steady_clock::duration write_timeout = std::chrono::seconds{30};
    /// How long the other side may be silent, in time, if it answers pings; it is asked several times within it.
    std::chrono::steady_clock::duration liveness_timeout = std::chrono::seconds{15};

    /// `max_expansion` in bytes.
    constexpr std::size_t max_loaded() const noexcept {
        constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
        return max_expansion != 0 && max_message > most / max_expansion ? most : max_message * max_expansion;
    }
};

}  // namespace communica

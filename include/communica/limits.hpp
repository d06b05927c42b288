// Limits on the resources that a peer may use. Each has a finite default.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace communica {

/// Limits of one connection, in bytes unless stated otherwise.
struct Limits {
    /// Largest accepted message: metadata and body, all chunks together.
    std::size_t max_message = 64 * 1024 * 1024;
    /// Largest memory of the loaded value of one message, as a multiple of `max_message`: containers take more than
    /// their text. The library's own serializers enforce it.
    std::size_t max_expansion = 8;
    /// Largest accepted metadata of one message.
    std::size_t max_metadata = 64 * 1024;
    /// Largest metadata and body sent in one frame. A larger message is sent in chunks. The default, which is the
    /// Python library's, sends every message whole that fits a 32-bit length.
    std::size_t max_frame = std::numeric_limits<std::uint32_t>::max() - 5;
    /// Largest accepted number of descriptors in one message, at most 253. 0: none are accepted.
    std::size_t max_descriptors = 253;
    /// Number of descriptors kept for all connections of an entity together: of received values that are not loaded yet,
    /// and of answers that the peer has not taken. Above it, such messages and answers fail.
    std::size_t max_descriptors_in_all = 512;

    /// Number of running requests of the peer.
    std::size_t max_requests = 16 * 1024;
    /// Running requests of the peer, and responses that it has not read. Above it, requests are answered `busy`.
    std::size_t max_inflight_bytes = 64 * 1024 * 1024;
    /// The same for all connections of an entity together, including incomplete messages.
    std::size_t max_inflight_bytes_in_all = 512 * 1024 * 1024;
    /// Rejections that the peer has not read. Above it, the connection closes with `errc::slow_peer`.
    std::size_t max_refusals = 1024 * 1024;
    /// Requests and notifications of this side that wait to be sent. Above it, they fail with `errc::queue_full`.
    std::size_t max_unsent = 64 * 1024 * 1024;

    /// Number of open streams of the peer. Further ones are refused as `busy`.
    std::size_t max_streams = 16 * 1024;
    /// Initial receive window of a stream: bytes received and not read. At least 1 KiB.
    std::size_t stream_window = 256 * 1024;
    /// Initial receive window of a stream, in items.
    std::size_t stream_items = 1024;
    /// Largest receive window of a stream. The window grows while the reader waits for data in flight.
    std::size_t max_stream_window = 4 * 1024 * 1024;

    /// Longest time without an item in a stream of the peer. Default: no limit.
    std::chrono::steady_clock::duration stream_idle_limit = std::chrono::steady_clock::duration::max();
    /// Longest time that a stream of the peer may take. Default: no limit.
    std::chrono::steady_clock::duration stream_time_limit = std::chrono::steady_clock::duration::max();

    /// Longest time in which the peer reads nothing while data waits to be written. Then the connection closes with
    /// `errc::slow_peer`.
    std::chrono::steady_clock::duration write_timeout = std::chrono::seconds{30};
    /// Longest silence of a peer that supports pings. Several pings are sent within it.
    std::chrono::steady_clock::duration liveness_timeout = std::chrono::seconds{15};

    /// `max_expansion` in bytes.
    constexpr std::size_t max_loaded() const noexcept {
        constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
        return max_expansion != 0 && max_message > most / max_expansion ? most : max_message * max_expansion;
    }
};

}  // namespace communica

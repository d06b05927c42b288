// Optional operations of streams. A connection uses those that its stream has.
#pragma once

#include "../asio.hpp"
#include "../asio/local.hpp"
#include "../buffer.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace communica::stream {

/// Has a handshake of its own, before the first byte.
template <class S>
concept HasHandshake = requires(S& stream) { stream.handshake(); };

/// Knows the peer's `subject()` after the handshake.
template <class S>
concept KnowsSubject = requires(S& stream) { stream.subject(); };

/// Has a shutdown message of its own, which the peer answers.
template <class S>
concept HasAsyncShutdown = requires(S& stream) { stream.async_shutdown(no_throw); };

/// Can shut down its sending direction alone.
template <class S>
concept HasShutdownSend = requires(S& stream) { stream.shutdown(S::shutdown_send); };

/// Can end its sending direction with a shutdown message, while a read is pending.
template <class S>
concept HasAsyncShutdownSend = requires(S& stream) { stream.async_shutdown_send(no_throw); };

/// Can wait for readability without a buffer.
template <class S>
concept HasAsyncWait = requires(S& stream) { stream.async_wait(S::wait_read, no_throw); };

/// Reads and writes fail with `would_block` instead of waiting.
template <class S>
concept IsNonBlocking = requires(S& stream) { stream.native_non_blocking(); };

/// Can tell whether an error concerns the identity of a side, so that a retry would fail again.
template <class S>
concept KnowsIdentityErrors = requires(const asio::error_code& error) { S::is_about_identity(error); };

/// Pending operations can be cancelled without closing it.
template <class S>
concept HasCancel = requires(S& stream, asio::error_code& error) { stream.cancel(error); };

/// May hold decoded bytes after a read; `read_pending` takes them without another read.
template <class S>
concept HasReadPending = requires(S& stream, asio::mutable_buffer buffer) { stream.read_pending(buffer); };

/// Received bytes lie in memory: reading and polling take no system call.
template <class S>
concept ReadsInMemory = S::reads_in_memory;

/// Has memory of its own, and can free it while idle.
template <class S>
concept GivesBackMemory = requires(S& stream) { stream.give_back_memory(); };

/// May lend memory for bodies: `segments()` is null if it does not.
template <class S>
concept LendsMemory = requires(S& stream) { stream.segments(); };
/// Empty if it has no such memory.
template <class S>
std::optional<Buffer> lend_from(const S& stream, std::size_t size) {
    if constexpr (LendsMemory<S>) {
        if (const auto& segments = stream.segments()) {
            return segments->lend(size);
        }
    }
    return std::nullopt;
}

/// May pass descriptors (`passes_descriptors()` tells). `expect_descriptors()` makes the next read receive those of one
/// message, `take_descriptors(count, share)` returns them, `write_with(frame, list, error)` sends a frame with them.
template <class S>
concept PassesDescriptors = requires(S& stream) { stream.passes_descriptors(); };
template <class S>
bool passes_descriptors(const S& stream) {
    if constexpr (PassesDescriptors<S>) {
        return stream.passes_descriptors();
    } else {
        return false;
    }
}

/// Can tell how many received bytes a read would return at once.
template <class S>
concept HasAvailable = requires(S& stream, asio::error_code& error) { stream.available(error); };

/// See `Connection::binding`.
template <class S>
std::string binding_of(const S& stream) {
    if constexpr (requires { stream.binding(); }) {
        return stream.binding();
    } else if constexpr (requires { stream.local_endpoint().protocol().family(); }) {
        return stream.local_endpoint().protocol().family() == asio::local::stream_protocol().family() ? "local" : "tcp";
    } else {
        return "local";  // a pipe
    }
}

}  // namespace communica::stream

// What streams differ in: a connection uses what its stream has.
#pragma once

#include "../asio.hpp"

#include <asio/local/stream_protocol.hpp>

#include <string>

namespace communica::stream {

/// A handshake of its own, before the first byte.
template <class S>
concept HasHandshake = requires(S& stream) { stream.handshake(); };

/// Knows from it the other side's `subject()`.
template <class S>
concept KnowsSubject = requires(S& stream) { stream.subject(); };

/// A goodbye of its own, which the other side answers.
template <class S>
concept HasAsyncShutdown = requires(S& stream) { stream.async_shutdown(no_throw); };

/// One direction can end by itself.
template <class S>
concept HasShutdownSend = requires(S& stream) { stream.shutdown(S::shutdown_send); };

/// One direction can end by a goodbye of its own, beside a read.
template <class S>
concept HasAsyncShutdownSend = requires(S& stream) { stream.async_shutdown_send(no_throw); };

/// Reading can be awaited before there is memory for it.
template <class S>
concept HasAsyncWait = requires(S& stream) { stream.async_wait(S::wait_read, no_throw); };

/// Reads and writes say at once when they would have to wait.
template <class S>
concept IsNonBlocking = requires(S& stream) { stream.native_non_blocking(); };

/// Knows of an error whether it is about who the two sides are, so that it would come again.
template <class S>
concept KnowsIdentityErrors = requires(const asio::error_code& error) { S::is_about_identity(error); };

/// What waits for it can be ended without it.
template <class S>
concept HasCancel = requires(S& stream, asio::error_code& error) { stream.cancel(error); };

/// What has come with what was read may wait inside the stream, and be taken without reading.
template <class S>
concept HasReadPending = requires(S& stream, asio::mutable_buffer buffer) { stream.read_pending(buffer); };

/// What has come lies in memory: to read, or to look whether there is anything, takes no system call.
template <class S>
concept ReadsInMemory = S::reads_in_memory;

/// Has memory of its own, which it gives back while it is not used.
template <class S>
concept GivesBackMemory = requires(S& stream) { stream.give_back_memory(); };

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

// Connections through memory shared by two processes of one machine, by name. Linux.
#pragma once

#include "../connector.hpp"
#include "../separate_compilation.hpp"
#include "shared_memory_options.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace communica {

/// Connects through shared memory. The peers find each other at a local socket, `NAME.shm.sock` where the
/// `LocalConnector` of the name has `NAME.sock`, under the same rules for users, directories and stale socket files.
/// There the client passes a sealed memory file with a ring for each direction. Messages go through that memory; the
/// system is called only to wake a sleeping side. When a process ends, even by a signal, its connection ends at once.
/// The memory is freed with its last user.
///
/// The peer may change the memory at any time. So bytes are copied out before they are parsed, each position is read
/// once and checked, and an invalid one ends the connection with `errc::protocol_error`. Nothing the peer does blocks
/// this side.
///
/// Bodies in memory of `lend` are not copied: the message refers to them. The receiver reads and writes them in place,
/// if it takes a `Buffer`, `Bytes` or `std::string_view` by `BytesSerializer`; any other value is loaded from a copy.
///
/// A waiting side sleeps. With `ClientOptions::busy_poll` and `ServerOptions::busy_poll` it polls for that long
/// instead, without system calls: 10 us at a time, between which its thread does other work.
///
/// Needs `/proc`. Copies are independent; const functions are thread-safe.
///
/// Errors: `connect` fails with `errc::handshake_failed` and the reason if the server refuses the memory, and with the
/// system's error if there is no server.
class SharedMemoryConnector {
 public:
    /// 50 ms, because a server on the same machine restarts quickly.
    std::chrono::milliseconds first_retry() const noexcept { return std::chrono::milliseconds{50}; }

    /// Throws `errc::invalid_argument` for an invalid name or size.
    explicit SharedMemoryConnector(std::string name, SharedMemoryOptions options = {});

    const std::string& name() const noexcept { return name_; }
    const SharedMemoryOptions& options() const noexcept { return options_; }  ///< `ring_size` in whole pages
    std::string address() const;

    /// `{"type": "SharedMemoryConnector", "name": "calculator"}`, with the members of a `LocalConnector`, and with
    /// `"ring_size"`, `"max_ring_size"`, `"max_lent"`, `"max_lending_connections"` and `"or_local"` if they are not the
    /// defaults.
    std::string dump_state() const;
    static SharedMemoryConnector load_state(const std::string& text);

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const;
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const;

 private:
    std::string name_;
    SharedMemoryOptions options_;
};

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "shared_memory.ipp"
#endif

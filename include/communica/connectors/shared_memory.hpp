// Connections through memory that two processes of one machine share, by name. Linux.
#pragma once

#include "../connector.hpp"
#include "../separate_compilation.hpp"
#include "shared_memory_options.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace communica {

/// Meets at a local socket, `NAME.shm.sock` where the `LocalConnector` of the name has `NAME.sock`, under the same rules: who may
/// connect, which directory is trusted, what an earlier server left. There the client hands over a sealed file of memory with a ring each way;
/// messages then go through that memory, and the system is called only to wake a side that sleeps. A process that ends, also by
/// a signal, ends its connection at once, and the memory goes with its last user.
///
/// The other side may change the memory at any time. Whatever is read of it is copied out before it is looked at, every position is read
/// once and checked, and what can't be there ends the connection (`errc::protocol_error`). Nothing of what it does makes this side block.
///
/// A side that waits sleeps. With `ClientOptions::busy_poll` and `ServerOptions::busy_poll` it polls for so long instead, without a system call: 10 us at a
/// time, between which the other work of its thread gets its turn.
///
/// Needs `/proc`. `connect` ends with `errc::handshake_failed` and the reason where the server refuses the memory, with the system's error
/// where there is no server. Copies are independent; thread-safe as far as const.
class SharedMemoryConnector {
 public:
    /// A server on the same machine is soon back.
    std::chrono::milliseconds first_retry() const noexcept { return std::chrono::milliseconds{50}; }

    /// Throws `errc::invalid_argument` for a name or a size that can't be.
    explicit SharedMemoryConnector(std::string name, SharedMemoryOptions options = {});

    const std::string& name() const noexcept { return name_; }
    const SharedMemoryOptions& options() const noexcept { return options_; }  ///< with whole pages
    std::string address() const;

    /// `{"type": "SharedMemoryConnector", "name": "calculator"}`, `"ring_size"`, `"max_ring_size"` and `"or_local"` if they are not the defaults, and
    /// what a `LocalConnector` has.
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

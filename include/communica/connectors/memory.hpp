// Connections inside one process, without a byte stream: for tests, and for components that may become processes later.
#pragma once

#include "../connector.hpp"
#include "../separate_compilation.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace communica {
namespace detail {
class MemoryHub;
}  // namespace detail

/// Connects entities of one process. Copies of a connector reach each other; separately made ones do not. Messages are
/// moved, not framed. It has no state, as no other process can reach it: `dump_state` and `load_state` throw
/// `errc::invalid_state`. Without memory for a message it may end the program, as Asio's channels do not report that.
class MemoryConnector {
 public:
    std::chrono::milliseconds first_retry() const noexcept { return std::chrono::milliseconds{10}; }

    MemoryConnector();

    std::string address() const { return "memory"; }
    std::string dump_state() const;
    static MemoryConnector load_state(const std::string& text);

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const;
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const;

 private:
    std::shared_ptr<detail::MemoryHub> hub_;
};

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "memory.ipp"
#endif

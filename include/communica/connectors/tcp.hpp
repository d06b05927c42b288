// Connections over TCP.
#pragma once

#include "../connector.hpp"
#include "../separate_compilation.hpp"
#include "detail/tcp_address.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace communica {

/// TCP to `host`, a name or an IPv4 or IPv6 address, and `port`. A client tries the host's addresses, alternating
/// between the families and 250 ms apart, and uses the first that connects (RFC 8305). A server listens on all of them,
/// or, with the host `*`, on all addresses of the machine, of both families. A name lookup has a thread of its own, for
/// which nothing waits.
///
/// `TCP_NODELAY` is set, because the library coalesces messages itself. The system's keep-alive (after 30 s) detects a
/// dead machine even if the peer answers no pings.
class TcpConnector {
 public:
    TcpConnector(std::string host, std::uint16_t port) : address_{std::move(host), port} {}

    /// A name or an address; `*` for a server on all addresses.
    const std::string& host() const noexcept { return address_.host; }
    /// 0 lets the system choose; `Server::connector_state` has the chosen port.
    std::uint16_t port() const noexcept { return address_.port; }
    std::string address() const { return address_.text(); }

    /// `{"type": "TcpConnector", "host": "localhost", "port": 16161, "ssl": false}`
    std::string dump_state() const;
    static TcpConnector load_state(const std::string& text);

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const;
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const;

 private:
    detail::TcpAddress address_;
};

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "tcp.ipp"
#endif

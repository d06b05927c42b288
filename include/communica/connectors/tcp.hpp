// Connections over TCP.
#pragma once

#include "../connector.hpp"
#include "detail/tcp_listener.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace communica {

/// TCP to `host`, a name or an IPv4 or IPv6 address, and `port`. A client tries the host's addresses in turn; a server
/// listens on all of them. Port 0 lets the system choose (`server.connector_state()` then says which it took).
/// `TCP_NODELAY` is set: the library gathers what belongs together itself. A dead machine at the other end is found by
/// the system's keep-alive (after 30 s), also where the peer answers no pings.
class TcpConnector {
 public:
    TcpConnector(std::string host, std::uint16_t port) : address_{std::move(host), port} {}

    const std::string& host() const noexcept { return address_.host; }
    std::uint16_t port() const noexcept { return address_.port; }
    std::string address() const { return address_.text(); }

    /// `{"type": "TcpConnector", "host": "localhost", "port": 16161, "ssl": false}`
    std::string dump_state() const { return detail::tcp_state(address_, false); }
    static TcpConnector load_state(const std::string& text) {
        const detail::ConnectorState state(text, "TcpConnector");
        if (state.get_or("ssl", false)) {
            detail::ConnectorState::fail("it wants TLS: a TlsConnector loads it");
        }
        return {state.get<std::string>("host"), state.get<std::uint16_t>("port")};
    }

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const {
        co_return make_connection(co_await detail::connect_tcp(address_, executor), options);
    }

    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const {
        co_return std::make_shared<detail::TcpListener>(co_await detail::listen_tcp(address_, executor), address_.host,
                                                        false, &make_connection, executor, options);
    }

 private:
    static std::shared_ptr<Connection> make_connection(detail::Socket socket, const ConnectionOptions& options) {
        return std::make_shared<detail::SocketConnection>(std::move(socket), Credentials{}, options);
    }

    detail::TcpAddress address_;
};

}  // namespace communica

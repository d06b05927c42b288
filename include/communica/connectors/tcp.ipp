#pragma once

#include "detail/tcp_listener.hpp"
#include "tcp.hpp"

namespace communica {

namespace detail {

COMMUNICA_INLINE std::shared_ptr<Connection> make_tcp_connection(Socket socket, const ConnectionOptions& options) {
    return std::make_shared<SocketConnection>(std::move(socket), Credentials{}, options);
}

}  // namespace detail

COMMUNICA_INLINE std::string TcpConnector::dump_state() const { return detail::tcp_state(address_, false); }

COMMUNICA_INLINE TcpConnector TcpConnector::load_state(const std::string& text) {
    const detail::ConnectorState state(text, "TcpConnector");
    if (state.get_or("ssl", false)) {
        detail::ConnectorState::fail("it wants TLS: a TlsConnector loads it");
    }
    return {state.get<std::string>("host"), state.get<std::uint16_t>("port")};
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Connection>> TcpConnector::connect(asio::any_io_executor executor,
                                                                                    ConnectionOptions options) const {
    co_return detail::make_tcp_connection(co_await detail::connect_tcp(address_, executor), options);
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Listener>> TcpConnector::listen(asio::any_io_executor executor,
                                                                                 ConnectionOptions options) const {
    co_return std::make_shared<detail::TcpListener>(co_await detail::listen_tcp(address_, executor), address_.host,
                                                    false, &detail::make_tcp_connection, executor, options);
}

}  // namespace communica

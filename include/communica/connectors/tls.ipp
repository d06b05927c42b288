#pragma once

#include "detail/tcp_listener.hpp"
#include "detail/tls_client.hpp"
#include "tls.hpp"

namespace communica {

namespace detail {

using TlsConnection = stream::StreamConnection<TlsStream>;

struct MakeTlsConnection {
    std::shared_ptr<asio::ssl::context> context;

    std::shared_ptr<Connection> operator()(Socket socket, const ConnectionOptions& options) const {
        return std::make_shared<TlsConnection>(TlsStream(std::move(socket), context, asio::ssl::stream_base::server),
                                               Credentials{}, options);
    }
};

}  // namespace detail

COMMUNICA_INLINE TlsConnector::TlsConnector(std::string host, std::uint16_t port,
                                            std::shared_ptr<asio::ssl::context> context, TlsOptions options)
    : address_{std::move(host), port}, context_(std::move(context)), options_(std::move(options)) {
    if (!context_) {
        throw std::system_error(errc::invalid_argument, "a TlsConnector needs an ssl context");
    }
}

COMMUNICA_INLINE std::string TlsConnector::dump_state() const { return detail::tcp_state(address_, true); }

COMMUNICA_INLINE TlsConnector TlsConnector::load_state(const std::string& text,
                                                       std::shared_ptr<asio::ssl::context> context,
                                                       TlsOptions options) {
    const detail::ConnectorState state(text, "TcpConnector");
    if (!state.get_or("ssl", false)) {
        detail::ConnectorState::fail("it is without TLS: a TcpConnector loads it");
    }
    if (!context) {
        detail::ConnectorState::fail("it wants TLS: load it with an ssl context");
    }
    return {state.get<std::string>("host"), state.get<std::uint16_t>("port"), std::move(context), std::move(options)};
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Connection>> TlsConnector::connect(asio::any_io_executor executor,
                                                                                    ConnectionOptions options) const {
    detail::TlsStream stream = co_await detail::connect_tls(address_, context_, options_, executor);
    co_return std::make_shared<detail::TlsConnection>(std::move(stream), Credentials{}, options);
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Listener>> TlsConnector::listen(asio::any_io_executor executor,
                                                                                 ConnectionOptions options) const {
    const detail::MakeTlsConnection make{context_};
    co_return std::make_shared<detail::TcpListener>(co_await detail::listen_tcp(address_, executor), address_.host,
                                                    true, make, executor, options);
}

}  // namespace communica

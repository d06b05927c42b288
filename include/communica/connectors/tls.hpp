// Connections over TLS. Needs OpenSSL: target communica::tls.
#pragma once

#include "../asio/ssl.hpp"
#include "../connector.hpp"
#include "../separate_compilation.hpp"
#include "detail/tcp_address.hpp"
#include "tls_options.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace communica {

/// TLS 1.2 and later over TCP to `host` and `port`; otherwise as `TcpConnector`.
///
/// `context` has the certificates and the trusted authorities. Many connectors may share it; it must not be changed
/// while they are used. A server needs a certificate and key in it, and requires client certificates if it has
/// `verify_peer | verify_fail_if_no_peer_cert`. A client verifies the server's certificate and host name against the
/// authorities, whatever the context's verify mode, and presents a certificate if the context has one. Handlers see the
/// peer's subject in `Context::credentials()`.
///
/// The connection closes with TLS's close_notify; if that is missing it ends with `errc::connection_lost` ("stream
/// truncated").
///
/// Errors: a failed handshake ends with `errc::handshake_failed` and a text that says why. If one side refuses the
/// other's certificate, it ends with `authentication_failed`, and a client stops, because a retry would fail again.
class TlsConnector {
 public:
    TlsConnector(std::string host, std::uint16_t port, std::shared_ptr<asio::ssl::context> context,
                 TlsOptions options = {});
    TlsConnector(std::string host, std::uint16_t port, asio::ssl::context context, TlsOptions options = {})
        : TlsConnector(std::move(host), port, std::make_shared<asio::ssl::context>(std::move(context)),
                       std::move(options)) {}

    /// A name or an address; `*` for a server on all addresses.
    const std::string& host() const noexcept { return address_.host; }
    /// As in `TcpConnector`.
    std::uint16_t port() const noexcept { return address_.port; }
    std::string address() const { return address_.text(); }

    /// `{"type": "TcpConnector", "host": "localhost", "port": 16161, "ssl": true}`, without the context.
    std::string dump_state() const;
    static TlsConnector load_state(const std::string& text, std::shared_ptr<asio::ssl::context> context,
                                   TlsOptions options = {});
    /// Throws `errc::invalid_state`: a state has no context.
    static TlsConnector load_state(const std::string& text) { return load_state(text, nullptr); }

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const;
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const;

 private:
    detail::TcpAddress address_;
    std::shared_ptr<asio::ssl::context> context_;
    TlsOptions options_;
};

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "tls.ipp"
#endif

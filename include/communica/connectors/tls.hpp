// Connections over TLS. Needs OpenSSL: target communica::tls.
#pragma once

#include "../connector.hpp"
#include "../separate_compilation.hpp"
#include "detail/tcp_address.hpp"
#include "tls_options.hpp"

#include <asio/ssl/context.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace communica {

/// TLS 1.2 and later over TCP to `host` and `port`, otherwise as `TcpConnector`.
///
/// `context` holds the certificates and whom this side trusts, and may be shared by many connectors; it must not be
/// changed while they are used. A server needs a certificate and key in it, and asks the clients for theirs if it has
/// `verify_peer | verify_fail_if_no_peer_cert`. A client verifies the server's certificate and host name against the
/// context's authorities, whatever its verify mode; it shows a certificate if the context has one. Each side's handlers
/// see the other's subject in `Context::credentials()`.
///
/// A handshake that fails ends with `errc::handshake_failed`, and the cause in words; where one side refuses the other's
/// certificate with `authentication_failed`, after which a client stops: it would be refused again. The connection is ended by TLS's own
/// close_notify; one that breaks off without is `errc::connection_lost` ("stream truncated").
class TlsConnector {
 public:
    TlsConnector(std::string host, std::uint16_t port, std::shared_ptr<asio::ssl::context> context,
                 TlsOptions options = {});
    TlsConnector(std::string host, std::uint16_t port, asio::ssl::context context, TlsOptions options = {})
        : TlsConnector(std::move(host), port, std::make_shared<asio::ssl::context>(std::move(context)),
                       std::move(options)) {}

    /// A name or an address; `*` for a server on all addresses.
    const std::string& host() const noexcept { return address_.host; }
    /// As that of `TcpConnector`.
    std::uint16_t port() const noexcept { return address_.port; }
    std::string address() const { return address_.text(); }

    /// `{"type": "TcpConnector", "host": "localhost", "port": 16161, "ssl": true}`: where, but nothing of the context.
    std::string dump_state() const;
    static TlsConnector load_state(const std::string& text, std::shared_ptr<asio::ssl::context> context,
                                   TlsOptions options = {});
    /// Throws `errc::invalid_state`: a state holds no context.
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

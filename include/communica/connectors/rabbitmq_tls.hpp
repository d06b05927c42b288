// RabbitMQ over TLS, for amqps URLs. Needs OpenSSL and rabbitmq-c: target communica::rabbitmq_tls.
#pragma once

#include "../asio/ssl.hpp"
#include "detail/tls_client.hpp"
#include "rabbitmq.hpp"
#include "tls_options.hpp"

#include <memory>
#include <system_error>
#include <utility>

namespace communica::rabbitmq {

/// Throws `errc::handshake_failed`, or the system's error.
inline asio::awaitable<std::unique_ptr<ByteStream>> dial_tls(Url::Host host, asio::any_io_executor executor,
                                                             std::shared_ptr<asio::ssl::context> context,
                                                             TlsOptions options) {
    communica::detail::TcpAddress address{std::move(host.name), host.port};
    communica::detail::TlsStream stream = co_await communica::detail::connect_tls(
        std::move(address), std::move(context), std::move(options), std::move(executor));
    co_await stream.handshake();
    co_return std::make_unique<ByteStreamOver<communica::detail::TlsStream>>(std::move(stream));
}

/// A dialer for `RmqOptions::dialer`: TLS 1.2 and later to each of the URL's hosts. Connectors share a connection to
/// their broker only if they have the same dialer, so create one and use it for all of them.
///
/// `context` has the trusted authorities, and a certificate with its key if the broker asks for one. It must not be
/// changed while the dialer is used. Each host's certificate is verified against the authorities, whatever the
/// context's verify mode, and must name the host of the URL, or `TlsOptions::server_name`.
///
/// User and password are sent to a host only after its handshake. The handshake counts toward the host's time for the
/// login: ten seconds, and less if the URL has several hosts.
///
/// The dialer decides, not the scheme: with it an `amqp` URL uses TLS too, at port 5672 unless the URL names another.
///
/// Thread safety: any number of threads may use the dialer.
/// Errors: throws `errc::invalid_argument` without a context. If the handshake fails at the last host, `connect` and
/// `listen` fail with `errc::handshake_failed`, or with `authentication_failed` for a refused certificate; the text
/// says why.
inline std::shared_ptr<const Dialer> over_tls(std::shared_ptr<asio::ssl::context> context, TlsOptions options = {}) {
    if (!context) {
        throw std::system_error(errc::invalid_argument, "RabbitMQ over TLS needs an ssl context");
    }
    const auto dial = [context = std::move(context), options = std::move(options)](Url::Host host,
                                                                                   asio::any_io_executor executor) {
        return dial_tls(std::move(host), std::move(executor), context, options);
    };
    return std::make_shared<const Dialer>(Dialer{dial});
}

}  // namespace communica::rabbitmq

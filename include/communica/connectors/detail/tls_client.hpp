// The client's end of a TLS channel over TCP.
#pragma once

#include "../../asio/ssl.hpp"
#include "../tls_options.hpp"
#include "tcp_race.hpp"
#include "tls_stream.hpp"

#include <memory>
#include <string>
#include <utility>

namespace communica::detail {

/// Connects, and sets the required host name. The TLS handshake is still to be done.
inline asio::awaitable<TlsStream> connect_tls(TcpAddress address, std::shared_ptr<asio::ssl::context> context,
                                              TlsOptions options, asio::any_io_executor executor) {
    const std::string& server = options.server_name.empty() ? address.host : options.server_name;
    TlsStream stream(co_await connect_tcp(address, std::move(executor)), std::move(context),
                     asio::ssl::stream_base::client);
    stream.name_host(server);
    if (options.verify_server) {
        stream.require_host(server);
    } else {
        stream.require_nobody();
    }
    co_return stream;
}

}  // namespace communica::detail

// What the benchmarks over TLS have in common.
#pragma once

#include "../tests/support/certificates.hpp"

#include <asio/ssl.hpp>

namespace bench {

/// Shows a certificate that nobody verifies: that costs a handshake, and no request.
inline asio::ssl::context server_context() {
    asio::ssl::context context(asio::ssl::context::tls);
    test::Certificate({.common_name = "server"}).show_in(context);
    return context;
}

}  // namespace bench

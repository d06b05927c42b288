// Shared by the benchmarks over TLS.
#pragma once

#include "../tests/support/certificates.hpp"

#include <asio/ssl.hpp>

namespace bench {

/// A context with a certificate that no client verifies. Verification would cost handshakes, not requests.
inline asio::ssl::context server_context() {
    asio::ssl::context context(asio::ssl::context::tls);
    test::Certificate({.common_name = "server"}).show_in(context);
    return context;
}

}  // namespace bench

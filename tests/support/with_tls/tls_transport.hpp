// TLS as one of the transports: where OpenSSL is found.
#pragma once

#include "certificates.hpp"

#include <communica/connectors/any.hpp>
#include <communica/connectors/memory.hpp>
#include <communica/connectors/tls.hpp>

#include <memory>
#include <string>

namespace test {

inline constexpr bool has_tls = true;

using TestConnector =
    communica::AnyConnectorOf<communica::TcpConnector, communica::LocalConnector, communica::DescriptorConnector,
                              communica::MemoryConnector, communica::TlsConnector>;

/// Both sides' contexts: each shows a certificate of one authority, and trusts that.
struct TlsContexts {
    TlsContexts() {
        const Certificate authority({.common_name = "authority"});
        const Certificate at_server({.common_name = "server"}, &authority);
        const Certificate at_client({.common_name = "client"}, &authority);
        at_server.show_in(*server);
        at_client.show_in(*client);
        for (const auto& context : {server, client}) {
            authority.trust_in(*context);
            context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
        }
    }

    std::shared_ptr<asio::ssl::context> server = std::make_shared<asio::ssl::context>(asio::ssl::context::tls);
    std::shared_ptr<asio::ssl::context> client = std::make_shared<asio::ssl::context>(asio::ssl::context::tls);
};
inline const TlsContexts& tls_contexts() {
    static const TlsContexts contexts;
    return contexts;
}

inline TestConnector tls_at_server() { return communica::TlsConnector("127.0.0.1", 0, tls_contexts().server); }
inline TestConnector tls_at_client(const std::string& state) {
    return communica::TlsConnector::load_state(state, tls_contexts().client);
}

}  // namespace test

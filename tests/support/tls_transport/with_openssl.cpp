#include "support/certificates.hpp"
#include "support/tls_transport.hpp"

#include <communica/connectors/tls.hpp>

namespace test {

namespace {

struct Contexts {
    Contexts() {
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
const Contexts& contexts() {
    static const Contexts made;
    return made;
}

}  // namespace

bool TlsTransport::exists() { return true; }

TlsTransport TlsTransport::at_server() {
    const communica::TlsConnector connector("127.0.0.1", 0, contexts().server);
    return {communica::ConnectionFactory(connector), communica::ListenerFactory(connector), connector.dump_state()};
}

TlsTransport TlsTransport::load_state(const std::string& state) {
    const auto connector = communica::TlsConnector::load_state(state, contexts().client);
    return {communica::ConnectionFactory(connector), communica::ListenerFactory(connector), connector.dump_state()};
}

}  // namespace test

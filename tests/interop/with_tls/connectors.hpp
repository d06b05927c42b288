// The connectors that the interop peer knows: where OpenSSL is found, with TLS.
#pragma once

#include <communica/connectors/any.hpp>
#include <communica/connectors/tls.hpp>

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <string>

namespace interop {

using Connector = communica::AnyConnectorOf<communica::TcpConnector, communica::LocalConnector,
                                            communica::DescriptorConnector, communica::TlsConnector>;

/// Shows and wants certificates as `certificates.py` does.
inline asio::ssl::context tls_context() {
    const char* directory = std::getenv("COMMUNICA_CERTIFICATES");
    const std::string at = directory != nullptr ? std::string(directory) + "/" : "";
    asio::ssl::context context(asio::ssl::context::tls);
    context.load_verify_file(at + "authority.pem");
    context.use_certificate_chain_file(at + "peer.pem");
    context.use_private_key_file(at + "peer.pem", asio::ssl::context::pem);
    context.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    return context;
}

inline Connector load_connector(const std::string& state) {
    const auto json = nlohmann::json::parse(state, nullptr, false);
    if (json.is_object() && json.value("ssl", nlohmann::json()) == true) {
        return communica::TlsConnector::load_state(state, std::make_shared<asio::ssl::context>(tls_context()));
    }
    return Connector::load_state(state);
}

}  // namespace interop

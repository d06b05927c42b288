// TLS for the interop peer where OpenSSL is found.
#pragma once

#include <communica/connectors/tls.hpp>

#include <asio/ssl/context.hpp>

#include <cstdlib>
#include <memory>
#include <string>
#include <tuple>

namespace interop {

using TlsKinds = std::tuple<communica::TlsConnector>;

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

template <class Any>
Any load_tls(const std::string& state) {
    return communica::TlsConnector::load_state(state, std::make_shared<asio::ssl::context>(tls_context()));
}

}  // namespace interop

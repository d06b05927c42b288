#include "../address.hpp"
#include "context.hpp"

#include <communica/connectors/keyed.hpp>
#include <communica/connectors/tls.hpp>

namespace tool {

asio::ssl::context tls_context(const Access& access) {
    asio::ssl::context context(asio::ssl::context::tls);
    if (!access.ca_file.empty()) {
        context.load_verify_file(access.ca_file);
    } else {
        context.set_default_verify_paths();
    }
    if (!access.certificate_file.empty()) {
        context.use_certificate_chain_file(access.certificate_file);
        context.use_private_key_file(
            access.private_key_file.empty() ? access.certificate_file : access.private_key_file,
            asio::ssl::context::pem);
    }
    return context;
}

Address tls_address(const std::string& host, std::uint16_t port, const Access& access) {
    communica::TlsOptions options;
    options.server_name = access.server_name;
    options.verify_server = !access.insecure;
    return Address(communica::TlsConnector(host, port, tls_context(access), options));
}

Address with_key_of(const Address& address, const std::string& key_file) {
    std::string key = read_file(key_file);
    while (key.ends_with('\n')) {
        key.pop_back();
    }
    return Address(communica::with_key(address, communica::SharedKey(key)));
}

}  // namespace tool

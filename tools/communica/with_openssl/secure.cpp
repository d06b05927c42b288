#include "../address.hpp"
#include "context.hpp"

#include <communica/connectors/keyed.hpp>
#include <communica/connectors/tls.hpp>
#include <communica/error.hpp>

#include <exception>
#include <string>
#include <system_error>

namespace tool {

namespace {

/// Lets `load` read the file. A file that is not as it should be is the fault of who has named it.
template <class F>
void use(const std::string& file, F load) {
    try {
        load(file);
    } catch (const std::exception& e) {
        throw std::system_error(communica::errc::invalid_argument, "can't use " + file + ": " + e.what());
    }
}

}  // namespace

asio::ssl::context tls_context(const Access& access) {
    asio::ssl::context context(asio::ssl::context::tls);
    if (!access.ca_file.empty()) {
        use(access.ca_file, [&](const std::string& file) { context.load_verify_file(file); });
    } else {
        context.set_default_verify_paths();
    }
    if (!access.certificate_file.empty()) {
        const std::string& key = access.private_key_file.empty() ? access.certificate_file : access.private_key_file;
        use(access.certificate_file, [&](const std::string& file) { context.use_certificate_chain_file(file); });
        use(key, [&](const std::string& file) { context.use_private_key_file(file, asio::ssl::context::pem); });
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

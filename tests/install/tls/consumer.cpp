#include <communica/connectors/keyed.hpp>
#include <communica/connectors/tls.hpp>

#include <iostream>

int main() {
    const communica::TlsConnector connector("localhost", 16161, asio::ssl::context(asio::ssl::context::tls));
    std::cout << with_key(connector, communica::SharedKey("0123456789abcdef")).dump_state() << '\n';
}

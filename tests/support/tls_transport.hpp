// TLS as one of the transports, compiled once: in tls_transport/with_openssl.cpp, or where there is no OpenSSL in the other.
#pragma once

#include <communica/connector.hpp>

#include <memory>
#include <string>

namespace test {

/// A `TlsConnector` whose contexts show certificates of one authority, and trust that, on both sides.
class TlsTransport {
 public:
    /// Was OpenSSL found?
    static bool exists();

    static TlsTransport at_server();
    /// For clients.
    static TlsTransport load_state(const std::string& state);

    std::string address() const { return connector_.address(); }
    std::string dump_state() const { return state_; }
    asio::awaitable<std::shared_ptr<communica::Connection>> connect(asio::any_io_executor executor,
                                                                    communica::ConnectionOptions options) const {
        return connector_.connect(std::move(executor), std::move(options));
    }
    asio::awaitable<std::shared_ptr<communica::Listener>> listen(asio::any_io_executor executor,
                                                                 communica::ConnectionOptions options) const {
        return connector_.listen(std::move(executor), std::move(options));
    }

 private:
    TlsTransport(communica::ErasedConnector connector, std::string state)
        : connector_(std::move(connector)), state_(std::move(state)) {}

    communica::ErasedConnector connector_;
    std::string state_;
};

}  // namespace test

// TLS as one of the transports, compiled once: in tls_transport/with_openssl.cpp, or where there is no OpenSSL in the other.
#pragma once

#include "part_transport.hpp"

#include <string>

namespace test {

/// A `TlsConnector` whose contexts show certificates of one authority, and trust that, on both sides.
class TlsTransport : public PartTransport {
 public:
    /// Was OpenSSL found?
    static bool exists();

    static TlsTransport at_server();
    /// For clients.
    static TlsTransport load_state(const std::string& state);

 private:
    using PartTransport::PartTransport;
};

}  // namespace test

// How a TLS client verifies the server.
#pragma once

#include <string>

namespace communica {

/// How a `TlsConnector` verifies the peer.
struct TlsOptions {
    /// The name that the server's certificate must have, also sent as SNI. Empty: the host.
    std::string server_name = {};
    /// False: a client accepts any certificate. The connection is encrypted, but open to a man in the middle.
    bool verify_server = true;
};

}  // namespace communica

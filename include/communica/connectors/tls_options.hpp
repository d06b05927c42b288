// Whom a TLS client wants at the other end.
#pragma once

#include <string>

namespace communica {

/// How a `TlsConnector` verifies the other side.
struct TlsOptions {
    /// What a client wants to be named in the server's certificate, and asks for (SNI). Empty: the host that it connects to.
    std::string server_name = {};
    /// False: a client talks to whoever is there, with any certificate. What it sends is hidden from those who listen,
    /// not from somebody in between.
    bool verify_server = true;
};

}  // namespace communica

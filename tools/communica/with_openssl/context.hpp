// What TLS needs of the command line.
#pragma once

#include "../address.hpp"

#include <asio/ssl/context.hpp>

namespace tool {

/// The trusted authorities, and this side's certificate.
asio::ssl::context tls_context(const Access& access);

}  // namespace tool

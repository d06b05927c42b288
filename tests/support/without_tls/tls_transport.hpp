// TLS as one of the transports: where OpenSSL is not found, there is none.
#pragma once

#include <communica/connectors/any.hpp>
#include <communica/connectors/memory.hpp>

#include <stdexcept>
#include <string>

namespace test {

inline constexpr bool has_tls = false;

using TestConnector = communica::AnyConnectorOf<communica::TcpConnector, communica::LocalConnector,
                                                communica::DescriptorConnector, communica::MemoryConnector>;

inline TestConnector tls_at_server() { throw std::logic_error("these tests were built without OpenSSL"); }
inline TestConnector tls_at_client(const std::string&) { return tls_at_server(); }

}  // namespace test

// The address of a server on the network.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace communica::detail {

/// The host that stands for all addresses of this machine, of both families.
inline constexpr std::string_view every_address = "*";

/// A host and a port.
struct TcpAddress {
    std::string host;
    std::uint16_t port = 0;

    std::string text() const {
        const bool is_ipv6 = host.find(':') != host.npos;
        return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
    }
};

}  // namespace communica::detail

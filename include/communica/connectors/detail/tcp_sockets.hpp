// Listens on all addresses of a host.
#pragma once

#include "../../asio/sockets.hpp"
#include "../../connection.hpp"
#include "platform.hpp"
#include "socket.hpp"
#include "tcp_address.hpp"
#include "tcp_lookup.hpp"

#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

namespace communica::detail {

/// The port of an `Acceptor` or a `SocketAcceptor`.
std::uint16_t bound_port(const auto& acceptor) {
    const auto bound = acceptor.local_endpoint();
    asio::ip::tcp::endpoint endpoint;
    endpoint.resize(bound.size());
    std::memcpy(endpoint.data(), bound.data(), bound.size());
    return endpoint.port();
}

inline TcpEndpoints both_families(std::uint16_t port) {
    return {{asio::ip::address_v6::any(), port}, {asio::ip::address_v4::any(), port}};
}

inline void listen_on(Acceptor& acceptor, const asio::ip::tcp::endpoint& endpoint, asio::error_code& error) {
    try {
        base::with_standard_errors([&] {
            open_socket(acceptor, endpoint.protocol());
            claim_address(acceptor);
            if (endpoint.address().is_v6()) {
                acceptor.set_option(asio::ip::v6_only(true));  // the IPv4 address has its own socket
            }
            acceptor.non_blocking(true);
            acceptor.bind(endpoint);
            acceptor.listen(asio::socket_base::max_listen_connections);
        });
    } catch (const std::system_error& e) {
        error = e.code();
    }
}

/// Listens on each address of the host, with one port. A port that the system chose for the first address may be in use
/// on another: then the system chooses again.
inline asio::awaitable<std::vector<SocketAcceptor>> listen_tcp(TcpAddress address, asio::any_io_executor executor) {
    TcpEndpoints endpoints = both_families(address.port);
    if (address.host != every_address) {
        endpoints = co_await resolve(address);
    }
    for (int attempts_left = address.port == 0 ? 9 : 0;; --attempts_left) {
        std::vector<SocketAcceptor> acceptors;
        asio::error_code error;
        for (const auto& endpoint : endpoints) {
            const auto port = acceptors.empty() ? address.port : bound_port(acceptors.front());
            asio::error_code failure;
            Acceptor acceptor(executor);
            if (listen_on(acceptor, {endpoint.address(), port}, failure); !failure) {
                acceptors.emplace_back(std::move(acceptor));
            } else if (!is_absent_address(failure) || acceptors.empty()) {
                error = failure;
            }
        }
        if (!acceptors.empty() && (!error || is_absent_address(error))) {
            co_return acceptors;
        }
        if (error != asio::error::address_in_use || attempts_left <= 0) {
            throw std::system_error(error, address.text());
        }
    }
}

}  // namespace communica::detail

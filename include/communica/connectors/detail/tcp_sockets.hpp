// TCP sockets: a host's addresses, connecting to one of them, listening on all of them.
#pragma once

#include "../../connection.hpp"
#include "platform.hpp"
#include "socket.hpp"
#include "tcp_address.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace communica::detail {

/// Of an `Acceptor` or a `SocketAcceptor`.
std::uint16_t bound_port(const auto& acceptor) {
    const auto bound = acceptor.local_endpoint();
    asio::ip::tcp::endpoint endpoint;
    endpoint.resize(bound.size());
    std::memcpy(endpoint.data(), bound.data(), bound.size());
    return endpoint.port();
}

inline void prepare_tcp_socket(Socket& socket) {
    socket.set_option(asio::ip::tcp::no_delay(true));
    keep_alive(socket);
}

/// The addresses of the host. A name is looked up by Asio's resolver, which has a thread of its own for it.
inline asio::awaitable<std::vector<asio::ip::tcp::endpoint>> resolve(TcpAddress address,
                                                                     asio::any_io_executor executor) {
    std::vector<asio::ip::tcp::endpoint> endpoints;
    asio::error_code error;
    if (const auto numeric = asio::ip::make_address(address.host, error); !error) {
        endpoints.emplace_back(numeric, address.port);
        co_return endpoints;
    }
    asio::ip::tcp::resolver resolver(executor);
    const auto [failure, results] =
        co_await resolver.async_resolve(address.host, std::to_string(address.port), no_throw);
    if (failure) {
        throw std::system_error(failure, address.text());
    }
    for (const auto& entry : results) {
        endpoints.push_back(entry.endpoint());
    }
    co_return endpoints;
}

/// A connection to the first of the host's addresses that takes one, on `executor`.
inline asio::awaitable<Socket> connect_tcp(TcpAddress address, asio::any_io_executor executor) {
    asio::error_code error = asio::error::host_not_found;
    for (const auto& endpoint : co_await resolve(address, executor)) {
        Socket socket(executor);
        open_socket(socket, endpoint.protocol());
        std::tie(error) = co_await socket.async_connect(endpoint, no_throw);
        if (!error) {
            prepare_tcp_socket(socket);
            co_return socket;
        }
        if (error == asio::error::operation_aborted) {
            break;
        }
    }
    throw std::system_error(error, address.text());
}

inline void listen_on(Acceptor& acceptor, const asio::ip::tcp::endpoint& endpoint, asio::error_code& error) {
    try {
        open_socket(acceptor, endpoint.protocol());
        claim_address(acceptor);
        if (endpoint.address().is_v6()) {
            acceptor.set_option(asio::ip::v6_only(true));  // the IPv4 address has a socket of its own
        }
        acceptor.non_blocking(true);
        acceptor.bind(endpoint);
        acceptor.listen(asio::socket_base::max_listen_connections);
    } catch (const std::system_error& e) {
        error = e.code();
    }
}

/// Listens on every address of the host, on one port. When the system chose it for the first, another may hold it
/// elsewhere: then the system chooses again.
inline asio::awaitable<std::vector<SocketAcceptor>> listen_tcp(TcpAddress address, asio::any_io_executor executor) {
    const auto endpoints = co_await resolve(address, executor);
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

// Connections over TCP.
#pragma once

#include "../connector.hpp"
#include "detail/socket_listener.hpp"
#include "detail/state.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

namespace communica {
namespace detail {

inline std::shared_ptr<Connection> make_tcp_connection(Socket socket, const ConnectionOptions& options) {
    socket.set_option(asio::ip::tcp::no_delay(true));
    detail::keep_alive(socket);
    return std::make_shared<SocketConnection>(std::move(socket), Credentials{}, options);
}

inline std::uint16_t bound_port(const Acceptor& acceptor) {
    const auto bound = acceptor.local_endpoint();
    asio::ip::tcp::endpoint endpoint;
    endpoint.resize(bound.size());
    std::memcpy(endpoint.data(), bound.data(), bound.size());
    return endpoint.port();
}

class TcpListener final : public SocketListener {
 public:
    TcpListener(std::vector<Acceptor> acceptors, std::string host, asio::any_io_executor executor,
                const ConnectionOptions& options)
        : SocketListener(std::move(acceptors), std::move(executor), options),
          host_(std::move(host)),
          port_(bound_port(this->acceptors().front())) {}

    // `inline` here, or every file that includes this one is given a whole connection to compile.
    inline std::string address() const override;
    inline std::string state() const override;

 private:
    std::shared_ptr<Connection> make_connection(Socket socket) override {
        return make_tcp_connection(std::move(socket), options());
    }

    std::string host_;
    std::uint16_t port_;
};

}  // namespace detail

/// TCP to `host`, a name or an IPv4 or IPv6 address, and `port`. A client tries the host's addresses in turn; a server
/// listens on all of them. Port 0 lets the system choose (`server.connector_state()` then says which it took).
/// `TCP_NODELAY` is set: the library gathers what belongs together itself. A dead machine at the other end is found by
/// the system's keep-alive (after 30 s), also where the peer answers no pings.
class TcpConnector {
 public:
    TcpConnector(std::string host, std::uint16_t port) : host_(std::move(host)), port_(port) {}

    const std::string& host() const noexcept { return host_; }
    std::uint16_t port() const noexcept { return port_; }

    std::string address() const {
        const bool is_ipv6 = host_.find(':') != host_.npos;
        return (is_ipv6 ? "[" + host_ + "]" : host_) + ":" + std::to_string(port_);
    }

    /// `{"type": "TcpConnector", "host": "localhost", "port": 16161, "ssl": false}`
    std::string dump_state() const {
        return "{\"type\": \"TcpConnector\", \"host\": " + detail::quote_ascii(host_) +
               ", \"port\": " + std::to_string(port_) + ", \"ssl\": false}";
    }
    static TcpConnector load_state(const std::string& text) {
        const detail::ConnectorState state(text, "TcpConnector");
        if (state.get_or("ssl", false)) {
            detail::ConnectorState::fail("it wants TLS: a TlsConnector loads it");
        }
        return {state.get<std::string>("host"), state.get<std::uint16_t>("port")};
    }

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const {
        asio::error_code error = asio::error::host_not_found;
        for (const Endpoint& endpoint : co_await resolve(executor)) {
            detail::Socket socket(make_strand_on(executor));
            detail::open_socket(socket, endpoint.protocol());
            std::tie(error) = co_await socket.async_connect(endpoint, no_throw);
            if (!error) {
                co_return detail::make_tcp_connection(std::move(socket), options);
            }
            if (error == asio::error::operation_aborted) {
                break;
            }
        }
        throw std::system_error(error, address());
    }

    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const {
        const auto endpoints = co_await resolve(executor);
        co_return std::make_shared<detail::TcpListener>(listen_on_all(endpoints, executor), host_, executor, options);
    }

 private:
    using Endpoint = asio::ip::tcp::endpoint;
    using Acceptor = detail::Acceptor;

    /// The addresses of the host. A name is looked up by Asio's resolver, which has a thread of its own for it.
    asio::awaitable<std::vector<Endpoint>> resolve(asio::any_io_executor executor) const {
        std::vector<Endpoint> endpoints;
        asio::error_code error;
        if (const auto numeric = asio::ip::make_address(host_, error); !error) {
            endpoints.emplace_back(numeric, port_);
            co_return endpoints;
        }
        asio::ip::tcp::resolver resolver(executor);
        const auto [failure, results] = co_await resolver.async_resolve(host_, std::to_string(port_), no_throw);
        if (failure) {
            throw std::system_error(failure, address());
        }
        for (const auto& entry : results) {
            endpoints.push_back(entry.endpoint());
        }
        co_return endpoints;
    }

    /// Listens on every address, on one port. When the system chose it for the first, another may hold it elsewhere:
    /// then the system chooses again.
    std::vector<Acceptor> listen_on_all(const std::vector<Endpoint>& endpoints,
                                        const asio::any_io_executor& executor) const {
        for (int attempts_left = port_ == 0 ? 9 : 0;; --attempts_left) {
            std::vector<Acceptor> acceptors;
            asio::error_code error;
            for (const Endpoint& endpoint : endpoints) {
                const auto port = acceptors.empty() ? port_ : detail::bound_port(acceptors.front());
                asio::error_code failure;
                Acceptor acceptor(executor);
                if (listen_on(acceptor, {endpoint.address(), port}, failure); !failure) {
                    acceptors.push_back(std::move(acceptor));
                } else if (!detail::is_absent_address(failure) || acceptors.empty()) {
                    error = failure;
                }
            }
            if (!acceptors.empty() && (!error || detail::is_absent_address(error))) {
                return acceptors;
            }
            if (error != asio::error::address_in_use || attempts_left <= 0) {
                throw std::system_error(error, address());
            }
        }
    }

    static void listen_on(Acceptor& acceptor, const Endpoint& endpoint, asio::error_code& error) {
        try {
            detail::open_socket(acceptor, endpoint.protocol());
            acceptor.set_option(asio::socket_base::reuse_address(true));
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

    std::string host_;
    std::uint16_t port_;
};

namespace detail {

inline std::string TcpListener::address() const { return TcpConnector(host_, port_).address(); }
inline std::string TcpListener::state() const { return TcpConnector(host_, port_).dump_state(); }

}  // namespace detail
}  // namespace communica

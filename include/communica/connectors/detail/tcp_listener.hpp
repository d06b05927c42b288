// Listens over TCP, for plain and for TLS connections.
#pragma once

#include "state.hpp"
#include "stream_listener.hpp"
#include "tcp_race.hpp"
#include "tcp_sockets.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace communica::detail {

/// `{"type": "TcpConnector", "host": "localhost", "port": 16161, "ssl": false}`
inline std::string tcp_state(const TcpAddress& address, bool tls) {
    return "{\"type\": \"TcpConnector\", \"host\": " + quote_ascii(address.host) +
           ", \"port\": " + std::to_string(address.port) + ", \"ssl\": " + (tls ? "true" : "false") + "}";
}

class TcpListener final : public StreamListener<SocketAcceptor> {
 public:
    using Make = std::function<std::shared_ptr<Connection>(Socket, const ConnectionOptions&)>;

    TcpListener(std::vector<SocketAcceptor> acceptors, std::string host, bool tls, Make make,
                const asio::any_io_executor& executor, const ConnectionOptions& options)
        : StreamListener(std::move(acceptors), executor, options),
          address_{std::move(host), bound_port(this->acceptors().front())},
          tls_(tls),
          make_(std::move(make)) {}

    std::string address() const override { return address_.text(); }
    std::string state() const override {
        return tcp_state(address_.host == every_address ? TcpAddress{"localhost", address_.port} : address_, tls_);
    }

 private:
    std::shared_ptr<Connection> make_connection(Socket socket) override {
        prepare_tcp_socket(socket);
        return make_(std::move(socket), options());
    }

    TcpAddress address_;
    bool tls_;
    Make make_;
};

}  // namespace communica::detail

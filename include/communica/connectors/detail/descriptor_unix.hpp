// Adopts sockets that exist already: one end of a connection, or a listening socket.
#pragma once

#include "../../asio/local.hpp"
#include "../../asio/sockets.hpp"
#include "../../connection.hpp"
#include "../../error.hpp"
#include "local_places_unix.hpp"
#include "local_unix.hpp"
#include "owned_descriptor_unix.hpp"
#include "sockets_unix.hpp"
#include "stream_listener.hpp"
#include "tcp_address.hpp"
#include "tcp_listener.hpp"

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>

namespace communica::detail {

/// The value of a SOL_SOCKET option; -1 if the descriptor does not have it.
inline int socket_option(int descriptor, int name) noexcept {
    int value = -1;
    ::socklen_t size = sizeof value;
    return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

inline bool is_listening(int descriptor) noexcept {
    return socket_option(descriptor, SO_TYPE) == SOCK_STREAM && socket_option(descriptor, SO_ACCEPTCONN) == 1;
}

/// Makes a connection from a connected stream socket. Throws `errc::invalid_argument` for a file, a listening socket,
/// or a datagram socket. Closes the descriptor on every failure.
inline std::shared_ptr<Connection> adopt_descriptor(int descriptor, const asio::any_io_executor& executor,
                                                    const ConnectionOptions& options) {
    OwnedDescriptor owned(descriptor);
    close_on_exec(descriptor);
    if (socket_option(descriptor, SO_TYPE) != SOCK_STREAM || is_listening(descriptor)) {
        throw std::system_error(errc::invalid_argument,
                                "descriptor " + std::to_string(descriptor) + " is not one end of a stream socket");
    }
    Socket socket(executor);
    assign_or_close(socket, asio::local::stream_protocol(), owned.release());
    return std::make_shared<SocketConnection>(std::move(socket), peer_credentials(descriptor), options);
}

/// Accepts from a socket that another process has bound. That process removes the file of a local socket.
class AdoptedListener final : public StreamListener<SocketAcceptor> {
 public:
    AdoptedListener(SocketAcceptor acceptor, std::string state, TrustedUsers users,
                    const asio::any_io_executor& executor, const ConnectionOptions& options)
        : StreamListener(one(std::move(acceptor)), executor, options),
          state_(std::move(state)),
          users_(std::move(users)) {
        const SocketProtocol::endpoint bound = acceptors().front().local_endpoint();
        is_local_ = bound.protocol().family() == AF_UNIX;
        if (is_local_) {
            read_path(bound);
        } else {
            read_address(bound);
        }
    }

    std::string address() const override { return address_; }
    std::string state() const override { return state_; }

 private:
    static std::vector<SocketAcceptor> one(SocketAcceptor acceptor) {
        std::vector<SocketAcceptor> all;
        all.push_back(std::move(acceptor));
        return all;
    }

    /// The state is that of a `LocalConnector` if the socket's path has the form of one.
    void read_path(const SocketProtocol::endpoint& bound) {
        asio::local::stream_protocol::endpoint local;
        local.resize(bound.size());
        std::memcpy(local.data(), bound.data(), bound.size());
        address_ = local.path();
        constexpr std::string_view ending = ".sock";
        const auto slash = address_.rfind('/');
        if (slash != address_.npos && address_.ends_with(ending)) {
            const std::string name = address_.substr(slash + 1, address_.size() - slash - 1 - ending.size());
            state_ = "{\"type\": \"LocalConnector\", \"name\": " + quote_ascii(name) +
                     ", \"directory\": " + quote_ascii(address_.substr(0, slash)) + "}";
        }
    }
    void read_address(const SocketProtocol::endpoint& bound) {
        asio::ip::tcp::endpoint endpoint;
        endpoint.resize(bound.size());
        std::memcpy(endpoint.data(), bound.data(), bound.size());
        const bool is_any = endpoint.address().is_unspecified();
        const TcpAddress at{is_any ? "localhost" : endpoint.address().to_string(), endpoint.port()};
        address_ = at.text();
        state_ = tcp_state(at, false);
    }

    std::shared_ptr<Connection> make_connection(Socket socket) override {
        if (is_local_) {
            return make_if_trusted(make_socket_connection, std::move(socket), users_, options());
        }
        prepare_tcp_socket(socket);
        return std::make_shared<SocketConnection>(std::move(socket), Credentials{}, options());
    }

    std::string address_;
    std::string state_;
    TrustedUsers users_;
    bool is_local_ = false;
};

/// Closes the descriptor on every failure. `state` is the connector's, used if no other connector can reach the socket.
inline std::shared_ptr<Listener> adopt_listening(int descriptor, std::string state, std::vector<std::int64_t> users,
                                                 const asio::any_io_executor& executor,
                                                 const ConnectionOptions& options) {
    OwnedDescriptor owned(descriptor);
    close_on_exec(descriptor);
    ::sockaddr_storage bound{};
    ::socklen_t size = sizeof bound;
    if (::getsockname(descriptor, reinterpret_cast<::sockaddr*>(&bound), &size) != 0) {
        throw_errno("getsockname");
    }
    Acceptor acceptor(executor);
    assign_or_close(acceptor, SocketProtocol(bound.ss_family, 0), owned.release());
    acceptor.non_blocking(true);
    return std::make_shared<AdoptedListener>(SocketAcceptor(std::move(acceptor)), std::move(state),
                                             TrustedUsers(std::move(users)), executor, options);
}

inline void close_descriptor(int descriptor) noexcept { ::close(descriptor); }

}  // namespace communica::detail

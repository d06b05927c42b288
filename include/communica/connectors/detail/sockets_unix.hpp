// Sockets on POSIX systems, close-on-exec from their creation (Asio's are not).
#pragma once

#include "../../asio.hpp"
#include "socket.hpp"
#include "system_unix.hpp"

#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace communica::detail {

/// Assigns the descriptor to the socket, or closes it.
void assign_or_close(auto& socket, const SocketProtocol& protocol, int descriptor) {
    asio::error_code error;
    try {
        socket.assign(protocol, descriptor, error);
    } catch (...) {  // memory runs out
        ::close(descriptor);
        throw;
    }
    if (error) {
        ::close(descriptor);
        throw std::system_error(error, "assign");
    }
}

/// Opens a `Socket` or an `Acceptor` that child processes do not inherit.
void open_socket(auto& socket, const SocketProtocol& protocol) {
    const int descriptor = new_socket(protocol.family(), protocol.type(), protocol.protocol());
    if (descriptor < 0) {
        throw_errno("socket");
    }
    assign_or_close(socket, protocol, descriptor);
}

/// To be called before `bind`: lets a server use the port of one that has just ended.
inline void claim_address(Acceptor& acceptor) { acceptor.set_option(asio::socket_base::reuse_address(true)); }

/// For `StreamListener`. Accepted sockets use the acceptor's executor.
class SocketAcceptor {
 public:
    using Stream = Socket;

    explicit SocketAcceptor(Acceptor acceptor) : acceptor_(std::move(acceptor)) {}

    SocketProtocol::endpoint local_endpoint() const { return acceptor_.local_endpoint(); }

    std::optional<Socket> take() {
        for (;;) {
            const int descriptor = accept_socket(acceptor_.native_handle());
            if (descriptor >= 0) {
                Socket socket(acceptor_.get_executor());
                assign_or_close(socket, acceptor_.local_endpoint().protocol(), descriptor);
                return socket;
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                return std::nullopt;
            }
            if (errno != EINTR && errno != ECONNABORTED) {
                throw_errno("accept");
            }
        }
    }

    template <class Ready>
    void async_wait(const asio::any_io_executor& executor, Ready ready) {
        acceptor_.async_wait(Acceptor::wait_read,
                             asio::bind_executor(executor, [ready = std::move(ready)](asio::error_code) { ready(); }));
    }

    void close() {
        asio::error_code ignored;
        acceptor_.close(ignored);
    }

 private:
    Acceptor acceptor_;
};

/// Does this machine lack the address, or its whole family? Without IPv6 a name may still have an IPv6 address.
/// Compared by number: before 1.24 Asio's codes are never equal to a `std::errc`.
inline bool is_absent_address(const asio::error_code& error) noexcept {
    return error.value() == EADDRNOTAVAIL || error.value() == EAFNOSUPPORT;
}

/// Enables TCP keep-alive: a probe after 15 s of silence, then every 5 s. The connection ends after 3 unanswered
/// probes, or when sent data was not acknowledged for 30 s.
inline void keep_alive(Socket& socket) {
    const auto set = [&](int level, int option, int value) {  // failures are ignored
        ::setsockopt(socket.native_handle(), level, option, &value, sizeof value);
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
#if defined(__linux__) && !defined(COMMUNICA_PLAIN_POSIX)
    set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(IPPROTO_TCP, TCP_KEEPCNT, 3);
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
#endif
}

/// Enlarges the send buffer of a local socket from 208 KiB to 1 MiB, as far as the system allows. A large message then
/// needs fewer switches between the two sides (1 MiB there and back takes 265 us instead of 380).
inline void enlarge_send_buffer(Socket& socket) {
    constexpr int wanted = 1024 * 1024;
    int size = 0;
    ::socklen_t length = sizeof size;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDBUF, &size, &length) == 0 && size < wanted) {
        ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);  // a failure is ignored
    }
}

}  // namespace communica::detail

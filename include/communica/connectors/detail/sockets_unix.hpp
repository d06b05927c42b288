// Sockets on POSIX systems, close-on-exec from their first moment (Asio's own are not).
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

/// Makes the descriptor the socket's, or closes it.
void assign_or_close(auto& socket, const SocketProtocol& protocol, int descriptor) {
    try {
        socket.assign(protocol, descriptor);
    } catch (...) {  // also for want of memory
        ::close(descriptor);
        throw;
    }
}

/// Opens a `Socket` or an `Acceptor` that a child process does not inherit.
void open_socket(auto& socket, const SocketProtocol& protocol) {
    const int descriptor = new_socket(protocol.family(), protocol.type(), protocol.protocol());
    if (descriptor < 0) {
        throw_errno("socket");
    }
    assign_or_close(socket, protocol, descriptor);
}

/// Before `bind`: a port whose last server has just ended can be had at once.
inline void claim_address(Acceptor& acceptor) { acceptor.set_option(asio::socket_base::reuse_address(true)); }

/// For `StreamListener`. The connections' sockets are on the acceptor's executor.
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

/// Has this machine not the address, or nothing of its family? Without IPv6 there may still be a name for an IPv6
/// address. By number: before 1.24 Asio's codes are never equal to a `std::errc`.
inline bool is_absent_address(const asio::error_code& error) noexcept {
    return error.value() == EADDRNOTAVAIL || error.value() == EAFNOSUPPORT;
}

/// Lets the system find out whether the machine at the other end of a TCP connection is there: asked after 15 s of silence,
/// then every 5 s, given up after 3 questions, or when something sent was not acknowledged for 30 s.
inline void keep_alive(Socket& socket) {
    const auto set = [&](int level, int option, int value) {  // a connection goes on without
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

/// Lets the other side of a local socket take 1 MiB at once instead of 208 KiB, as far as the system allows it: the two
/// sides of a large message change places less often (1 MiB there and back 265 us instead of 380).
inline void enlarge_send_buffer(Socket& socket) {
    constexpr int wanted = 1024 * 1024;
    int size = 0;
    ::socklen_t length = sizeof size;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDBUF, &size, &length) == 0 && size < wanted) {
        ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);  // goes on without
    }
}

}  // namespace communica::detail

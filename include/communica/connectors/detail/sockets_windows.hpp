// Sockets on Windows, which child processes do not inherit (Asio's own are).
#pragma once

#include "../../asio.hpp"
#include "../../connection.hpp"
#include "socket.hpp"

#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <mstcpip.h>

namespace communica::detail {

[[noreturn]] inline void throw_system(::DWORD code, const std::string& what) {
    throw std::system_error(static_cast<int>(code), asio::error::get_system_category(), what);
}

/// Opens a `Socket` or an `Acceptor` that a child process does not inherit.
void open_socket(auto& socket, const SocketProtocol& protocol) {
    const ::SOCKET handle = ::WSASocketW(protocol.family(), protocol.type(), protocol.protocol(), nullptr, 0,
                                         WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (handle == INVALID_SOCKET) {
        throw_system(static_cast<::DWORD>(::WSAGetLastError()), "socket");
    }
    socket.assign(protocol, handle);
}

/// The socket option SO_EXCLUSIVEADDRUSE, set.
class ExclusiveAddress {
 public:
    int level(const auto&) const noexcept { return SOL_SOCKET; }
    int name(const auto&) const noexcept { return SO_EXCLUSIVEADDRUSE; }
    const ::BOOL* data(const auto&) const noexcept { return &value_; }
    std::size_t size(const auto&) const noexcept { return sizeof value_; }

 private:
    ::BOOL value_ = TRUE;
};

/// Before `bind`: nobody else can take the address while it is in use. (`SO_REUSEADDR` would let everybody.)
inline void claim_address(Acceptor& acceptor) { acceptor.set_option(ExclusiveAddress()); }

/// For `StreamListener`. Each connection gets a strand of `executor`.
class SocketAcceptor {
 public:
    using Stream = Socket;

    SocketAcceptor(Acceptor acceptor, asio::any_io_executor executor)
        : acceptor_(std::move(acceptor)), executor_(std::move(executor)), accepted_(std::make_shared<Accepted>()) {}

    SocketProtocol::endpoint local_endpoint() const { return acceptor_.local_endpoint(); }

    std::optional<Socket> take() {
        const asio::error_code error = std::exchange(accepted_->error, {});
        // The client's own doing: it is gone again.
        if (error && error != asio::error::connection_aborted && error != asio::error::connection_reset) {
            throw std::system_error(error, "accept");
        }
        return std::exchange(accepted_->socket, std::nullopt);
    }

    /// Windows has no waiting for a connection: it is accepted here.
    template <class Ready>
    void async_wait(const asio::any_io_executor& executor, Ready ready) {
        auto done = [accepted = accepted_, ready = std::move(ready)](asio::error_code error, Socket socket) {
            if (error) {
                accepted->error = error;
            } else if (!accepted->closed) {
                // Only now: a child that was started since, and inherits handles, has it too.
                ::SetHandleInformation(reinterpret_cast<::HANDLE>(static_cast<::SOCKET>(socket.native_handle())),
                                       HANDLE_FLAG_INHERIT, 0);
                accepted->socket.emplace(std::move(socket));
            }
            ready();
        };
        acceptor_.async_accept(make_strand_on(executor_), asio::bind_executor(executor, std::move(done)));
    }

    void close() {
        asio::error_code ignored;
        acceptor_.close(ignored);
        accepted_->closed = true;
        accepted_->socket.reset();  // nobody takes it any more
    }

 private:
    struct Accepted {
        bool closed = false;
        std::optional<Socket> socket = {};
        asio::error_code error = {};
    };

    Acceptor acceptor_;
    asio::any_io_executor executor_;
    std::shared_ptr<Accepted> accepted_;
};

/// Has this machine not the address, or nothing of its family? Without IPv6 there may still be a name for an IPv6
/// address.
inline bool is_absent_address(const asio::error_code& error) noexcept {
    return error.value() == WSAEADDRNOTAVAIL || error.value() == WSAEAFNOSUPPORT;
}

/// Lets the system find out whether the machine at the other end of a TCP connection is there: asked after 15 s of silence,
/// then every 5 s, given up after 3 questions (before Windows 10 1709: 10), or when something sent was not acknowledged
/// for 30 s.
inline void keep_alive(Socket& socket) {
    const auto set = [&](int level, int option, ::DWORD value) {  // a connection goes on without
        ::setsockopt(socket.native_handle(), level, option, reinterpret_cast<const char*>(&value), sizeof value);
    };
    ::tcp_keepalive times{.onoff = 1, .keepalivetime = 15'000, .keepaliveinterval = 5'000};
    ::DWORD unused = 0;
    ::WSAIoctl(socket.native_handle(), SIO_KEEPALIVE_VALS, &times, sizeof times, nullptr, 0, &unused, nullptr, nullptr);
    constexpr int keep_count = 16;  // TCP_KEEPCNT and TCP_MAXRT of ws2ipdef.h, which MinGW has not
    constexpr int max_retransmission_seconds = 5;
    set(IPPROTO_TCP, keep_count, 3);
    set(IPPROTO_TCP, max_retransmission_seconds, 30);
}

}  // namespace communica::detail

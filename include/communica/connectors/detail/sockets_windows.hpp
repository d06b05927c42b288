// Sockets on Windows that child processes do not inherit (they inherit Asio's).
#pragma once

#include "../../asio.hpp"
#include "../../asio/windows.hpp"
#include "../../connection.hpp"
#include "socket.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <mstcpip.h>
#include <mswsock.h>

namespace communica::detail {

[[noreturn]] inline void throw_system(::DWORD code, const std::string& what) {
    throw std::system_error(static_cast<int>(code), asio::error::get_system_category(), what);
}

/// Opens a `Socket` or an `Acceptor` that child processes do not inherit.
void open_socket(auto& socket, const SocketProtocol& protocol) {
    const ::SOCKET handle = ::WSASocketW(protocol.family(), protocol.type(), protocol.protocol(), nullptr, 0,
                                         WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (handle == INVALID_SOCKET) {
        throw_system(static_cast<::DWORD>(::WSAGetLastError()), "socket");
    }
    asio::error_code error;
    socket.assign(protocol, handle, error);
    if (error) {
        ::closesocket(handle);
        throw std::system_error(error, "socket");
    }
}

/// Sets the socket option SO_EXCLUSIVEADDRUSE.
class ExclusiveAddress {
 public:
    int level(const auto&) const noexcept { return SOL_SOCKET; }
    int name(const auto&) const noexcept { return SO_EXCLUSIVEADDRUSE; }
    const ::BOOL* data(const auto&) const noexcept { return &value_; }
    std::size_t size(const auto&) const noexcept { return sizeof value_; }

 private:
    ::BOOL value_ = TRUE;
};

/// To be called before `bind`: no other process can take the address while it is in use. (`SO_REUSEADDR` allows it.)
inline void claim_address(Acceptor& acceptor) { acceptor.set_option(ExclusiveAddress()); }

/// To be called after starting an operation. It completes through the completion port, even if done, or here if it
/// failed.
inline void release_or_complete(asio::windows::overlapped_ptr& operation, ::DWORD error) {
    if (error == ERROR_SUCCESS || error == ERROR_IO_PENDING) {
        operation.release();
    } else {
        operation.complete({static_cast<int>(error), asio::error::get_system_category()}, 0);
    }
}

/// For `StreamListener`. Accepted sockets use the acceptor's executor.
///
/// Windows accepts into a socket created in advance, instead of waiting for readability. Asio's `async_accept` is not
/// used, because child processes started in the meantime would inherit its socket and keep the connection open.
class SocketAcceptor {
 public:
    using Stream = Socket;

    explicit SocketAcceptor(Acceptor acceptor) : acceptor_(std::move(acceptor)), state_(std::make_shared<State>()) {}

    SocketProtocol::endpoint local_endpoint() const { return acceptor_.local_endpoint(); }

    std::optional<Socket> take() {
        if (const asio::error_code error = std::exchange(state_->error, {}); error && !is_clients_doing(error)) {
            throw std::system_error(error, "accept");
        }
        if (!std::exchange(state_->connected, false)) {
            return std::nullopt;
        }
        return std::exchange(state_->socket, std::nullopt);
    }

    template <class Ready>
    void async_wait(const asio::any_io_executor& executor, Ready ready) {
        Socket& socket = state_->socket.emplace(acceptor_.get_executor());
        open_socket(socket, acceptor_.local_endpoint().protocol());
        const ::SOCKET listening = acceptor_.native_handle();
        auto done = [state = state_, listening, ready = std::move(ready)](asio::error_code error, std::size_t) {
            state->end_wait(error, listening);
            ready();
        };
        asio::windows::overlapped_ptr operation(acceptor_.get_executor(),
                                                asio::bind_executor(executor, std::move(done)));
        constexpr ::DWORD length = address_length;
        ::DWORD unused = 0;
        const bool is_done = ::AcceptEx(listening, socket.native_handle(), state_->addresses, 0, length, length,
                                        &unused, operation.get()) != 0;
        release_or_complete(operation, is_done ? ERROR_SUCCESS : static_cast<::DWORD>(::WSAGetLastError()));
    }

    void close() {
        asio::error_code ignored;
        acceptor_.close(ignored);
        state_->closed = true;
        if (state_->connected) {
            state_->socket.reset();  // it is not taken any more
        }
    }

 private:
    static constexpr std::size_t address_length = sizeof(::sockaddr_storage) + 16;  // required by AcceptEx

    struct State {
        void end_wait(asio::error_code failure, ::SOCKET listening) {
            if (!failure && !closed) {
                // Without this the socket can't be shut down.
                ::setsockopt(socket->native_handle(), SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                             reinterpret_cast<const char*>(&listening), sizeof listening);
                connected = true;
            } else {
                error = failure;
                socket.reset();
            }
        }

        std::optional<Socket> socket = {};  // for the next connection
        bool connected = false;
        bool closed = false;
        asio::error_code error = {};
        char addresses[2 * address_length];  // of both ends, written by the system
    };

    /// The client left before it was accepted.
    static bool is_clients_doing(const asio::error_code& error) {
        return error == asio::error::connection_aborted || error == asio::error::connection_reset ||
               error.value() == ERROR_NETNAME_DELETED;
    }

    Acceptor acceptor_;
    std::shared_ptr<State> state_;
};

/// Does this machine lack the address, or its whole family? Without IPv6 a name may still have an IPv6 address.
inline bool is_absent_address(const asio::error_code& error) noexcept {
    return error.value() == WSAEADDRNOTAVAIL || error.value() == WSAEAFNOSUPPORT;
}

/// Enables TCP keep-alive: a probe after 15 s of silence, then every 5 s. The connection ends after 3 unanswered probes
/// (10 before Windows 10 1709), or when sent data was not acknowledged for 30 s.
inline void keep_alive(Socket& socket) {
    const auto set = [&](int level, int option, ::DWORD value) {  // failures are ignored
        ::setsockopt(socket.native_handle(), level, option, reinterpret_cast<const char*>(&value), sizeof value);
    };
    ::tcp_keepalive times{.onoff = 1, .keepalivetime = 15'000, .keepaliveinterval = 5'000};
    ::DWORD unused = 0;
    ::WSAIoctl(socket.native_handle(), SIO_KEEPALIVE_VALS, &times, sizeof times, nullptr, 0, &unused, nullptr, nullptr);
    constexpr int keep_count = 16;  // TCP_KEEPCNT and TCP_MAXRT of ws2ipdef.h, which MinGW lacks
    constexpr int max_retransmission_seconds = 5;
    set(IPPROTO_TCP, keep_count, 3);
    set(IPPROTO_TCP, max_retransmission_seconds, 30);
}

}  // namespace communica::detail

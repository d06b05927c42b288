// Plain sockets, for programs that measure a library without its own.
#pragma once

#include "harness.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace bench {

inline void check(int result, const char* what) {
    if (result < 0) {
        throw std::system_error(errno, std::generic_category(), what);
    }
}

inline void set_no_delay(int descriptor) {
    const int on = 1;
    check(::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

/// Calls `function(address, size)` with the address of the options.
template <class Function>
int with_address(const Options& options, Function function) {
    if (options.tcp) {
        ::sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(options.port()));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return function(reinterpret_cast<const ::sockaddr*>(&address), ::socklen_t{sizeof address});
    }
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (options.address.size() >= sizeof address.sun_path) {
        throw std::invalid_argument("the socket's path is too long");
    }
    options.address.copy(address.sun_path, sizeof address.sun_path - 1);
    return function(reinterpret_cast<const ::sockaddr*>(&address), ::socklen_t{sizeof address});
}

inline int open_socket(const Options& options) {
    const int descriptor = ::socket(options.tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(descriptor, "socket");
    return descriptor;
}

inline int connect_socket(const Options& options) {
    const int descriptor = open_socket(options);
    check(with_address(options, [&](auto... address) { return ::connect(descriptor, address...); }), "connect");
    if (options.tcp) {
        set_no_delay(descriptor);
    }
    return descriptor;
}

inline int listen_socket(const Options& options) {
    const int descriptor = open_socket(options);
    const int on = 1;
    check(::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
    check(with_address(options, [&](auto... address) { return ::bind(descriptor, address...); }), "bind");
    check(::listen(descriptor, 4096), "listen");
    return descriptor;
}

inline int accept_socket(const Options& options, int listener) {
    const int descriptor = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    check(descriptor, "accept");
    if (options.tcp) {
        set_no_delay(descriptor);
    }
    return descriptor;
}

}  // namespace bench

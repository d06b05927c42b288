// Linux's extensions of POSIX, and their replacements elsewhere. COMMUNICA_PLAIN_POSIX selects the replacements on
// Linux, for tests. Linux has no getpeereid: the program must define it.
#pragma once

#include "../../asio.hpp"
#include "../../connection.hpp"
#include "../../descriptor_unix.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#if defined(COMMUNICA_PLAIN_POSIX) && defined(__linux__)
extern "C" int getpeereid(int descriptor, uid_t* user, gid_t* group);  // NOLINT(readability-redundant-declaration)
#endif

namespace communica::detail {

[[noreturn]] inline void throw_errno(const char* what) {
    throw std::system_error(errno, asio::error::get_system_category(), what);
}

inline void close_on_exec(int descriptor) {
    if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
        throw_errno("fcntl");
    }
}

/// Is it the user of this process, or root?
inline bool is_own_user(::uid_t user) noexcept { return user == 0 || user == ::geteuid(); }

#if defined(__linux__) && !defined(COMMUNICA_PLAIN_POSIX)

/// Creates a socket that child processes do not inherit, or returns -1. Writing to a closed peer raises no SIGPIPE:
/// Asio sends with MSG_NOSIGNAL.
inline int new_socket(int family, int type, int protocol) { return ::socket(family, type | SOCK_CLOEXEC, protocol); }

/// Received descriptors are not inherited either.
inline constexpr int receives_close_on_exec = MSG_CMSG_CLOEXEC;
inline constexpr int sends_no_signal = MSG_NOSIGNAL;
inline Descriptor received(int descriptor) noexcept { return Descriptor(descriptor); }

/// Accepts a connection, with the same properties.
inline int accept_socket(int listener) { return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); }

/// The credentials of the peer of a local socket.
inline Credentials peer_credentials(int descriptor) {
    ::ucred credentials{};
    ::socklen_t size = sizeof credentials;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return {};
    }
    return {.pid = credentials.pid, .uid = credentials.uid, .is_own = is_own_user(credentials.uid)};
}

#else

/// Marks the descriptor after its creation. A process that another thread starts in between inherits it.
inline int prepared(int descriptor) {
    if (descriptor >= 0) {
        close_on_exec(descriptor);
#if defined(SO_NOSIGPIPE)
        const int on = 1;
        ::setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    }
    return descriptor;
}

inline int new_socket(int family, int type, int protocol) { return prepared(::socket(family, type, protocol)); }

inline constexpr int receives_close_on_exec = 0;
#if defined(MSG_NOSIGNAL)
inline constexpr int sends_no_signal = MSG_NOSIGNAL;
#else
inline constexpr int sends_no_signal = 0;
#endif
inline Descriptor received(int descriptor) noexcept {
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    return Descriptor(descriptor);
}

inline int accept_socket(int listener) { return prepared(::accept(listener, nullptr, nullptr)); }

inline Credentials peer_credentials(int descriptor) {
    ::uid_t user = 0;
    ::gid_t group = 0;
    if (::getpeereid(descriptor, &user, &group) != 0) {
        return {};
    }
    return {.uid = user, .is_own = is_own_user(user)};
}

#endif

}  // namespace communica::detail

// Socket activation and notifications for a service manager such as systemd. POSIX.
#pragma once

#include "descriptor.hpp"
#include "detail/activation_platform.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica {

/// A listening socket that the service manager has bound.
struct ActivatedSocket {
    std::string name;               ///< from the unit (`FileDescriptorName=`), or empty
    DescriptorConnector connector;  ///< for a server
};

/// Returns the sockets that the service manager passed to this process, in the unit's order. Empty if it passed none,
/// and from the second call on. Child processes do not inherit the sockets. Each closes with its connector.
///
/// Follows the protocol of sd_listen_fds(3): descriptors from 3 on, `LISTEN_FDS` of them, for the process `LISTEN_PID`,
/// named by `LISTEN_FDNAMES`.
///
/// Thread safety: call it before other threads use the environment, because it unsets these variables.
/// Errors: throws `errc::invalid_argument` if a variable can't be parsed, and the system's error if a descriptor is
/// closed.
///
///     auto sockets = communica::activated_sockets();
///     communica::SimpleServer server{context, sockets.at(0).connector, handler};
inline std::vector<ActivatedSocket> activated_sockets(const DescriptorOptions& options = {}) {
    std::vector<ActivatedSocket> sockets;
    for (auto& [descriptor, name] : detail::take_activated_descriptors()) {
        sockets.push_back({std::move(name), DescriptorConnector(descriptor, options)});
    }
    return sockets;
}

/// Sends the state of this process to the service manager: `"READY=1"` once its servers have started, `"STOPPING=1"`,
/// `"STATUS=..."`. Returns false if there is no service manager.
///
/// Follows the protocol of sd_notify(3): a datagram to `NOTIFY_SOCKET`. Blocks while the manager's socket is full.
///
/// Thread safety: thread-safe.
/// Errors: throws the system's error if the datagram can't be sent.
inline bool notify_service_manager(std::string_view state) { return detail::notify_service_manager(state); }

}  // namespace communica

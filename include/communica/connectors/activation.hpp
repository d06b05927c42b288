// What a service manager such as systemd hands to a process that it starts, and is told by it. POSIX.
#pragma once

#include "descriptor.hpp"
#include "detail/activation_platform.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica {

/// A socket that the service manager has bound and listens at.
struct ActivatedSocket {
    std::string name;               ///< as the unit says it (`FileDescriptorName=`), or empty
    DescriptorConnector connector;  ///< for a server
};

/// The sockets that were handed to this process, in the unit's order; none if it was not started for one. Once: a second call gives none, and
/// children do not inherit them. They are closed with their connectors. Follows the protocol of sd_listen_fds(3): descriptors from 3 on,
/// `LISTEN_FDS` of them, for the process `LISTEN_PID`, called `LISTEN_FDNAMES`; these variables are unset, so it is called before other threads
/// use the environment. Throws `errc::invalid_argument` where they can't be read, and the system's error where a descriptor is not open.
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

/// Tells the service manager how it is with this process: `"READY=1"` once its servers have started, `"STOPPING=1"`, `"STATUS=..."`. Says
/// false where nobody wants to know. Follows the protocol of sd_notify(3): a datagram to `NOTIFY_SOCKET`. Throws the system's error
/// where it can't be sent. Does not block for longer than the manager needs to make room. Thread-safe.
inline bool notify_service_manager(std::string_view state) { return detail::notify_service_manager(state); }

}  // namespace communica

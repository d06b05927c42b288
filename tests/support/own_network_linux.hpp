// A network of a test's own, of which it has to be root.
#pragma once

#include <communica/connectors/detail/owned_descriptor_unix.hpp>

#include <string>

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace test {

/// Gives this thread, and those that it starts, a network that has nothing but 127.0.0.1. False if the system does not let it.
inline bool take_own_network() {
    if (::unshare(CLONE_NEWNET) != 0) {
        return false;
    }
    const communica::detail::OwnedDescriptor any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ::ifreq loopback{};
    std::string("lo").copy(loopback.ifr_name, IFNAMSIZ - 1);
    loopback.ifr_flags = IFF_UP | IFF_RUNNING;
    return ::ioctl(any.get(), SIOCSIFFLAGS, &loopback) == 0;
}

}  // namespace test

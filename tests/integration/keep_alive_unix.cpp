// The system is told to watch TCP connections: who does not know pings is left to it.
#include "support/pair.hpp"

#include <map>

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace keep_alive_unix {

namespace {

/// What `getsockopt` says of one end of a TCP connection.
std::map<std::string, int> keep_alive_of(int descriptor) {
    std::map<std::string, int> options;
    const auto get = [&](const char* name, int level, int option) {
        int value = -1;
        ::socklen_t size = sizeof value;
        REQUIRE(::getsockopt(descriptor, level, option, &value, &size) == 0);
        options[name] = value;
    };
    get("SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE);
    get("TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE);
    get("TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL);
    get("TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT);
    get("TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT);
    return options;
}

std::uint16_t port_of(const ::sockaddr_in& address) { return ntohs(address.sin_port); }

/// The descriptors of this process that are an end of a TCP connection to or from this port.
std::vector<int> ends_of_connections(std::uint16_t port) {
    std::vector<int> found;
    ::DIR* directory = ::opendir("/proc/self/fd");
    REQUIRE(directory != nullptr);
    while (const ::dirent* entry = ::readdir(directory)) {
        const int descriptor = std::atoi(entry->d_name);
        ::sockaddr_in here{};
        ::sockaddr_in there{};
        ::socklen_t size = sizeof here;
        ::socklen_t size_of_other = sizeof there;
        if (::getsockname(descriptor, reinterpret_cast<::sockaddr*>(&here), &size) == 0 && here.sin_family == AF_INET &&
            ::getpeername(descriptor, reinterpret_cast<::sockaddr*>(&there), &size_of_other) == 0 &&
            (port_of(here) == port || port_of(there) == port)) {
            found.push_back(descriptor);
        }
    }
    ::closedir(directory);
    return found;
}

}  // namespace

TEST_CASE("the system watches every TCP connection, at both ends") {
    test::RoutePair pair(test::Transport::tcp);
    pair.run([&]() -> asio::awaitable<void> {
        const auto port = communica::TcpConnector::load_state(pair.server.connector_state()).port();
        const auto ends = ends_of_connections(port);
        CHECK(ends.size() == 2);
        const std::map<std::string, int> expected{{"SO_KEEPALIVE", 1},
                                                  {"TCP_KEEPIDLE", 15},
                                                  {"TCP_KEEPINTVL", 5},
                                                  {"TCP_KEEPCNT", 3},
                                                  {"TCP_USER_TIMEOUT", 30'000}};
        for (const int end : ends) {
            CHECK(keep_alive_of(end) == expected);
        }
        co_return;
    });
}

}  // namespace keep_alive_unix

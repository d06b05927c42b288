// Local sockets take more at once than the system's default, as far as that allows it.
#include "support/pair.hpp"

#include <algorithm>
#include <fstream>

#include <dirent.h>
#include <sys/socket.h>

namespace send_buffer_unix {

namespace {

/// The bytes that each connected local socket of this process takes before somebody reads.
std::vector<int> send_buffers() {
    std::vector<int> sizes;
    ::DIR* directory = ::opendir("/proc/self/fd");
    REQUIRE(directory != nullptr);
    while (const ::dirent* entry = ::readdir(directory)) {
        const int descriptor = std::atoi(entry->d_name);
        ::sockaddr_storage peer{};
        ::socklen_t length = sizeof peer;
        int size = 0;
        if (::getpeername(descriptor, reinterpret_cast<::sockaddr*>(&peer), &length) == 0 &&
            peer.ss_family == AF_UNIX) {
            length = sizeof size;
            REQUIRE(::getsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, &length) == 0);
            sizes.push_back(size);
        }
    }
    ::closedir(directory);
    return sizes;
}

}  // namespace

TEST_CASE("a local socket takes 1 MiB before somebody reads, or as much as the system lets it, at both ends") {
    int allowed = 0;
    std::ifstream("/proc/sys/net/core/wmem_max") >> allowed;
    REQUIRE(allowed > 0);
    const auto others = send_buffers().size();
    test::RoutePair pair(test::Transport::local);
    pair.run([&]() -> asio::awaitable<void> {
        const auto sizes = send_buffers();
        CHECK(sizes.size() == others + 2);
        const auto large =
            std::count_if(sizes.begin(), sizes.end(), [&](int size) { return size >= std::min(allowed, 1024 * 1024); });
        CHECK(large >= 2);
        co_return;
    });
}

}  // namespace send_buffer_unix

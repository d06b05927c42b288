// One end of a stream without the library and without coroutines, for tests that make thousands of connections: unless told
// to it never waits, so that one thread can be both sides.
#pragma once

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace test {

class RawSocket {
 public:
    explicit RawSocket(int descriptor) : descriptor_(descriptor) {
        if (descriptor < 0) {
            throw std::system_error(errno, std::generic_category(), "socket");
        }
    }
    RawSocket(RawSocket&& other) noexcept
        : came(std::move(other.came)), ended(other.ended), descriptor_(std::exchange(other.descriptor_, -1)) {}
    RawSocket& operator=(RawSocket&&) = delete;
    ~RawSocket() { cut(); }

    /// Connects to a local socket.
    static RawSocket connect(const std::string& path) {
        RawSocket made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ::sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        if (::connect(made.descriptor_, reinterpret_cast<::sockaddr*>(&address), sizeof address) != 0) {
            throw std::system_error(errno, std::generic_category(), path);
        }
        return made;
    }

    /// Two ends; the second is a descriptor for a `DescriptorConnector`.
    static std::pair<RawSocket, int> pair() {
        int ends[2] = {-1, -1};
        (void)::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
        return {RawSocket(ends[0]), ends[1]};
    }

    /// Sends what fits at once, which has to be all. False if the other side has closed.
    bool send(std::string_view bytes) {
        const ::ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            return false;
        }
        if (sent != static_cast<::ssize_t>(bytes.size())) {
            throw std::runtime_error("no room to send at once");
        }
        return true;
    }

    /// Ends the sending; the other side still may.
    void end() { ::shutdown(descriptor_, SHUT_WR); }
    void cut() {
        if (descriptor_ >= 0) {
            ::close(std::exchange(descriptor_, -1));
        }
    }

    /// Adds what is there to `came`, and notices the end.
    void receive() {
        for (char part[4096]; !ended;) {
            const ::ssize_t count = ::recv(descriptor_, part, sizeof part, MSG_DONTWAIT);
            if (count > 0) {
                came.append(part, static_cast<std::size_t>(count));
            } else if (count < 0 && errno == EAGAIN) {
                return;
            } else {
                ended = true;
            }
        }
    }

    /// Waits for more to come, or the end.
    void wait(std::chrono::steady_clock::duration longest) {
        ::pollfd poll{.fd = descriptor_, .events = POLLIN, .revents = 0};
        const auto time = std::chrono::ceil<std::chrono::milliseconds>(longest).count();
        if (::poll(&poll, 1, static_cast<int>(time)) == 0) {
            throw std::runtime_error("nothing came before the deadline");
        }
        receive();
    }

    std::string came;
    bool ended = false;

 private:
    int descriptor_;
};

}  // namespace test

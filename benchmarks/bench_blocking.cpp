// Blocking sockets: the minimum cost, that of the kernel. A frame is a length and that many bytes. There are no ids,
// because the server answers in order. All frames of one read are answered by one write.

#include "sockets.hpp"

#include <poll.h>
#include <cerrno>

namespace {

using bench::Ticks;

constexpr std::size_t head_size = sizeof(std::uint32_t);

void write_all(int socket, const char* bytes, std::size_t count) {
    while (count != 0) {
        const auto written = ::send(socket, bytes, count, MSG_NOSIGNAL);
        bench::check(static_cast<int>(written), "send");
        bytes += written;
        count -= static_cast<std::size_t>(written);
    }
}

/// A read buffer. `take_frames` removes the complete frames at its front.
class Input {
 public:
    Input(const bench::Options& options, std::size_t frame)
        : bytes_(std::max<std::size_t>(2 * frame, 256 * 1024)), spin_(options.busy_poll_us) {}

    bool read(int socket) {
        const auto receive = [&](int flags) {
            return ::recv(socket, bytes_.data() + filled_, bytes_.size() - filled_, flags);
        };
        auto count = receive(spin_.count() != 0 ? MSG_DONTWAIT : 0);
        const auto end = std::chrono::steady_clock::now() + spin_;
        while (count < 0 && errno == EAGAIN) {
            count = receive(std::chrono::steady_clock::now() < end ? MSG_DONTWAIT : 0);
        }
        if (count > 0) {
            filled_ += static_cast<std::size_t>(count);
        }
        return count > 0;
    }

    /// Calls `each` for every complete frame, then `all` with the bytes of all of them.
    template <class Each, class All>
    void take_frames(Each each, All all) {
        std::size_t taken = 0;
        for (std::uint32_t length = 0; filled_ - taken >= head_size; taken += head_size + length) {
            std::memcpy(&length, &bytes_[taken], head_size);
            if (filled_ - taken < head_size + length) {
                break;
            }
            each();
        }
        if (taken != 0) {
            all(bytes_.data(), taken);
            std::memmove(bytes_.data(), bytes_.data() + taken, filled_ - taken);
            filled_ -= taken;
        }
    }

 private:
    std::vector<char> bytes_;
    std::size_t filled_ = 0;
    const std::chrono::microseconds spin_;  // how long to busy-poll before a blocking read
};

void serve(const bench::Options& options) {
    const int listener = bench::listen_socket(options);
    bench::say_ready();
    const int socket = bench::accept_socket(options, listener);
    Input input(options, options.size + head_size);
    while (input.read(socket)) {
        input.take_frames([] {}, [socket](const char* bytes, std::size_t count) { write_all(socket, bytes, count); });
    }
}

/// Returns `count` consecutive frames with the same payload.
std::vector<char> make_frames(std::size_t size, std::size_t count) {
    std::vector<char> frames((head_size + size) * count, 'x');
    const auto length = static_cast<std::uint32_t>(size);
    for (std::size_t i = 0; i != count; ++i) {
        std::memcpy(&frames[i * (head_size + size)], &length, head_size);
    }
    return frames;
}

void ask_one_at_a_time(const bench::Options& options, int socket) {
    const auto frame = make_frames(options.size, 1);
    Input input(options, frame.size());
    bench::Meter meter(options);
    for (Ticks begin = bench::ticks();;) {
        write_all(socket, frame.data(), frame.size());
        for (bool answered = false; !answered;) {
            if (!input.read(socket)) {
                bench::fail("the server has gone");
            }
            input.take_frames([&] { answered = true; }, [](auto...) {});
        }
        begin = meter.lap(begin);
    }
}

void ask_many_at_once(const bench::Options& options, int socket) {
    const auto depth = static_cast<std::size_t>(options.depth);
    const auto frames = make_frames(options.size, depth);
    Input input(options, frames.size());
    std::vector<Ticks> begins(depth, bench::ticks());
    std::size_t oldest = 0;
    std::size_t to_send = frames.size();
    std::size_t sent_to = 0;  // the position in `frames`, which is sent repeatedly
    bench::Meter meter(options);
    for (;;) {
        if (to_send != 0) {
            const auto run = std::min(to_send, frames.size() - sent_to);
            if (const auto sent = ::send(socket, &frames[sent_to], run, MSG_DONTWAIT | MSG_NOSIGNAL); sent > 0) {
                to_send -= static_cast<std::size_t>(sent);
                sent_to = (sent_to + static_cast<std::size_t>(sent)) % frames.size();
                if (to_send != 0) {
                    continue;
                }
            } else {  // the socket's send buffer is full
                ::pollfd wait{.fd = socket, .events = POLLIN | POLLOUT, .revents = 0};
                bench::check(::poll(&wait, 1, -1), "poll");
                if ((wait.revents & POLLIN) == 0) {
                    continue;
                }
            }
        }
        if (!input.read(socket)) {
            bench::fail("the server has gone");
        }
        input.take_frames(
            [&] {
                begins[oldest] = meter.lap(begins[oldest]);
                oldest = (oldest + 1) % depth;
                to_send += head_size + options.size;
            },
            [](auto...) {});
    }
}

void ask(const bench::Options& options) {
    const int socket = bench::connect_socket(options);
    if (options.depth == 1) {
        ask_one_at_a_time(options, socket);
    } else {
        ask_many_at_once(options, socket);
    }
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }

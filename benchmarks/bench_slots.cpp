// Shared memory by hand: a slot of 64 B in each direction. Variants:
//
//     line   polls the slot's cache line: the minimum of two cores
//     epoll  sleeps in epoll_wait until an eventfd wakes it, as an event loop does: the minimum of one core

#include "shared_channel.hpp"

#include <sys/epoll.h>

namespace {

void relax() {
#if defined(__x86_64__)
    _mm_pause();
#endif
}

/// Waits for the message of this number: by polling, or by an epoll instance that watches `event`.
class Arrival {
 public:
    Arrival(const bench::Options& options, int event) : event_(event) {
        if (options.variant == "epoll") {
            epoll_ = ::epoll_create1(0);
            ::epoll_event wanted{.events = EPOLLIN, .data = {}};
            bench::check(::epoll_ctl(epoll_, EPOLL_CTL_ADD, event, &wanted), "epoll_ctl");
        }
    }
    void wait(const bench::SharedSlot& slot, std::uint64_t number) const {
        while (slot.number.load() != number) {
            if (epoll_ < 0) {
                relax();
                continue;
            }
            ::epoll_event event;
            bench::check(::epoll_wait(epoll_, &event, 1, -1), "epoll_wait");
            std::uint64_t count = 0;
            bench::check(static_cast<int>(::read(event_, &count, sizeof count)), "read");
        }
    }

 private:
    int event_;
    int epoll_ = -1;
};

void send(const bench::Options& options, bench::SharedSlot& slot, std::uint64_t number, int event, const char* bytes) {
    std::memcpy(slot.bytes, bytes, sizeof slot.bytes);
    slot.number.store(number);
    if (options.variant == "epoll") {
        const std::uint64_t one = 1;
        bench::check(static_cast<int>(::write(event, &one, sizeof one)), "write");
    }
}

void serve(const bench::Options& options) {
    const auto channel = bench::SharedChannel::serve(options);
    const Arrival arrival(options, channel.wakes_server);
    char bytes[64];
    for (std::uint64_t number = 1;; ++number) {
        arrival.wait(channel.page->to_server, number);
        std::memcpy(bytes, channel.page->to_server.bytes, sizeof bytes);
        send(options, channel.page->to_client, number, channel.wakes_client, bytes);
    }
}

void ask(const bench::Options& options) {
    const auto channel = bench::SharedChannel::connect(options);
    const Arrival arrival(options, channel.wakes_client);
    bench::Meter meter(options);
    char bytes[64] = {'x'};
    bench::Ticks begin = bench::ticks();
    for (std::uint64_t number = 1;; ++number) {
        send(options, channel.page->to_server, number, channel.wakes_server, bytes);
        arrival.wait(channel.page->to_client, number);
        if (channel.page->to_client.bytes[0] != 'x') {
            bench::fail("not what was sent");
        }
        begin = meter.lap(begin);
    }
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }

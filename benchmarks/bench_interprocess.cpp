// Boost.Interprocess: two message queues, which lock a mutex in shared memory and wait for its condition.

#include "harness.hpp"

#include <boost/interprocess/ipc/message_queue.hpp>

namespace {

using Queue = boost::interprocess::message_queue;
namespace ipc = boost::interprocess;

std::string queue_name(const bench::Options& options, const char* direction) {
    return "bench." + options.address.substr(options.address.rfind('/') + 1) + direction;
}

void serve(const bench::Options& options) {
    Queue in(ipc::create_only, queue_name(options, ".in").c_str(), 64, options.size);
    Queue out(ipc::create_only, queue_name(options, ".out").c_str(), 64, options.size);
    bench::say_ready();
    std::vector<char> bytes(options.size);
    for (;;) {
        std::size_t size = 0;
        unsigned priority = 0;
        in.receive(bytes.data(), bytes.size(), size, priority);
        out.send(bytes.data(), size, 0);
    }
}

void ask(const bench::Options& options) {
    const auto in = queue_name(options, ".in");
    const auto out = queue_name(options, ".out");
    Queue to_server(ipc::open_only, in.c_str());
    Queue to_client(ipc::open_only, out.c_str());
    Queue::remove(in.c_str());  // both stay mapped
    Queue::remove(out.c_str());
    std::vector<char> bytes(options.size, 'x');
    bench::Meter meter(options);
    for (bench::Ticks begin = bench::ticks();; begin = meter.lap(begin)) {
        to_server.send(bytes.data(), bytes.size(), 0);
        std::size_t size = 0;
        unsigned priority = 0;
        to_client.receive(bytes.data(), bytes.size(), size, priority);
        if (size != options.size) {
            bench::fail("not what was sent");
        }
    }
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }

// iceoryx 2: a client and a server of 64 B, or of 1 MiB that is written in place and answered by a copy, as a request is
// read-only. Variants: `event` sleeps in a WaitSet, `spin` polls. The server starts iox-roudi, which owns the memory.

#include "harness.hpp"

#include <iceoryx_posh/popo/untyped_client.hpp>
#include <iceoryx_posh/popo/untyped_server.hpp>
#include <iceoryx_posh/popo/wait_set.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

#include <thread>

#include <fcntl.h>
#include <sys/file.h>

namespace {

const iox::capro::ServiceDescription service{"bench", "echo", "bytes"};

void start_daemon() {
    // The last one was killed with its server: wait for its end, and remove its socket.
    const int lock = ::open("/tmp/iox-unique-roudi.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ::flock(lock, LOCK_EX);
    ::close(lock);
    ::unlink("/tmp/roudi");
    if (::fork() == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        std::freopen("/dev/null", "w", stdout);
        ::execlp("iox-roudi", "iox-roudi", "-l", "off", nullptr);
        std::_Exit(127);
    }
}

void join(const char* name, const bench::Options& options) {
    const std::string text = name + std::to_string(options.server ? ::getpid() : options.server_pid);
    iox::runtime::PoshRuntime::initRuntime(iox::RuntimeName_t(iox::cxx::TruncateToCapacity, text.c_str()));
}

void serve(const bench::Options& options) {
    start_daemon();
    join("server", options);
    iox::popo::UntypedServer server(service);
    iox::popo::WaitSet<> waiting;
    const bool spins = options.variant == "spin";
    if (!spins) {
        waiting.attachState(server, iox::popo::ServerState::HAS_REQUEST).or_else([](auto) { bench::fail("attach"); });
    }
    bench::say_ready();
    const auto size = static_cast<std::uint32_t>(options.size);
    for (;;) {
        bool taken = false;
        server.take().and_then([&](const void*& request) {
            taken = true;
            const auto* const header = iox::popo::RequestHeader::fromPayload(request);
            server.loan(header, size, 64)
                .and_then([&](void*& answer) {
                    std::memcpy(answer, request, size);
                    server.send(answer).or_else([](auto&) { bench::fail("send"); });
                })
                .or_else([](auto&) { bench::fail("loan"); });
            server.releaseRequest(request);
        });
        if (!taken && !spins) {
            waiting.wait();
        }
    }
}

void ask(const bench::Options& options) {
    join("client", options);
    iox::popo::UntypedClient client(service);
    iox::popo::WaitSet<> waiting;
    const bool spins = options.variant == "spin";
    if (!spins) {
        waiting.attachState(client, iox::popo::ClientState::HAS_RESPONSE).or_else([](auto) { bench::fail("attach"); });
    }
    while (client.getConnectionState() != iox::ConnectionState::CONNECTED) {
        std::this_thread::yield();
    }
    const auto size = static_cast<std::uint32_t>(options.size);
    bench::Meter meter(options);
    for (bench::Ticks begin = bench::ticks();; begin = meter.lap(begin)) {
        client.loan(size, 64)
            .and_then([&](void*& request) {
                std::memset(request, 'x', size);
                client.send(request).or_else([](auto&) { bench::fail("send"); });
            })
            .or_else([](auto&) { bench::fail("loan"); });
        for (bool answered = false; !answered;) {
            client.take().and_then([&](const void*& answer) {
                answered = static_cast<const char*>(answer)[size - 1] == 'x';
                client.releaseResponse(answer);
            });
            if (!answered && !spins) {
                waiting.wait();
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, serve, ask); }

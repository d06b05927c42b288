// A server process whose memory or descriptors others try to use up.
#include "support/memory.hpp"
#include "support/mixed_requests.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/raw_socket.hpp"
#include "support/scripted_peer.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include <sys/resource.h>

namespace exhaustion {

using test::Process;
using test::RawSocket;
using namespace std::chrono_literals;

namespace {

/// Processor time that the process `id` has used.
std::chrono::duration<double> processor_time(std::int64_t id) {
    std::ifstream file("/proc/" + std::to_string(id) + "/stat");
    std::string text;
    std::getline(file, text);
    std::istringstream rest(text.substr(text.rfind(')') + 2));
    std::string skipped;
    for (int field = 0; field != 11; ++field) {
        rest >> skipped;
    }
    double user = 0;
    double system = 0;
    rest >> user >> system;
    return std::chrono::duration<double>((user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK)));
}

void limit_descriptors(std::int64_t id, ::rlim_t most) {
    ::rlimit limit{};
    REQUIRE(::prlimit(static_cast<::pid_t>(id), RLIMIT_NOFILE, nullptr, &limit) == 0);
    limit.rlim_cur = std::min(most, limit.rlim_max);
    REQUIRE(::prlimit(static_cast<::pid_t>(id), RLIMIT_NOFILE, &limit, nullptr) == 0);
}

/// Blocks until all of it is taken. False if the other side has closed.
bool send_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ::ssize_t sent = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

int connect_to(const std::string& path) {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::connect(descriptor, reinterpret_cast<::sockaddr*>(&address), sizeof address) == 0);
    return descriptor;
}

/// A server process and a client of it.
struct Exhausted {
    test::TemporaryDirectory directory;
    communica::LocalConnector connector{"exhausted", {.directory = directory.path()}};
    Process serving{"serving", {connector.dump_state()}};
    std::string state = serving.expect("READY");
    asio::io_context context;
    int notes = 0;
    communica::RouteClient<communica::LocalConnector> client{context, connector, test::mixed_routes(notes),
                                                             test::quick_client()};
    template <class Body>
    void run(Body body) {
        test::run(context, body);
    }
    void end() {
        test::run(context, [&]() -> asio::awaitable<void> { co_await client.close(); });
        serving.end_input();
        CHECK(serving.wait() == test::in_order);
    }
};

}  // namespace

TEST_CASE("a server that runs out of descriptors rests, serves those it has, and accepts again when it can") {
    if (test::sanitized) {
        WARN("skipped: the sanitizers need descriptors of their own, to look at memory");
        return;
    }
    Exhausted exhausted;
    constexpr int room = 20;
    exhausted.run([&]() -> asio::awaitable<void> {
        co_await exhausted.client.connect();
        limit_descriptors(exhausted.serving.id(), room);
        std::vector<RawSocket>
            many;  // the system completes their connections; the server can't accept the last of them
        for (int number = 0; number != 2 * room; ++number) {
            many.push_back(RawSocket::connect(exhausted.connector.address()));
        }
        CHECK_AWAITED(1, exhausted.client.request<int>("echo", 1));

        const auto before = processor_time(exhausted.serving.id());
        asio::steady_timer pause(exhausted.context, 1s);  // for which its processor time is measured
        co_await pause.async_wait(asio::use_awaitable);
        const auto used = processor_time(exhausted.serving.id()) - before;
        std::cout << "without descriptors a server used " << used.count() * 1000 << " ms of processor time in 1 s\n";
        CHECK(used < 200ms);
        CHECK_AWAITED(2, exhausted.client.request<int>("echo", 2));

        many.clear();
        communica::RouteClient<communica::LocalConnector> late(exhausted.context, exhausted.connector, test::Routes{},
                                                               test::quick_client("late"));
        co_await late.connect({.timeout = test::patience});
        CHECK_AWAITED(3, late.request<int>("echo", 3));
        co_await late.close();
    });
    exhausted.end();
}

// Each of the thousand claims a message of 60 MiB and sends so many of its bytes: 4 MiB, eight times what there is for all,
// or what COMMUNICA_UNFINISHED_MIB says, up to 59.
TEST_CASE("a thousand connections that each hold a large message unfinished leave the server under 1 GiB") {
    const char* wanted = std::getenv("COMMUNICA_UNFINISHED_MIB");
    const std::size_t sent = (wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 4) * test::mebibyte;
    constexpr std::size_t claimed = 60 * test::mebibyte;
    constexpr std::size_t count = 1000;
    limit_descriptors(::getpid(), count + 100);
    Exhausted exhausted;
    limit_descriptors(exhausted.serving.id(), count + 100);
    exhausted.run([&]() -> asio::awaitable<void> { co_await exhausted.client.connect(); });

    std::vector<int> sockets;
    std::size_t most = 0;
    const std::string metadata = R"({"id": "1", "type": 1, "route": "echo"})";
    const std::string part(256 * 1024, 'x');
    for (std::size_t number = 0; number != count; ++number) {
        const int socket = connect_to(exhausted.connector.address());
        sockets.push_back(socket);
        CHECK(send_all(socket, test::client_hello("unfinished " + std::to_string(number))));
        CHECK(send_all(socket, test::u32(5 + metadata.size() + claimed) + '\x0a' + test::u32(4 + metadata.size()) +
                                   metadata + "\""));
    }
    std::size_t open = 0;
    for (std::size_t bytes = 0; bytes < sent; bytes += part.size()) {
        open = 0;
        for (const int socket : sockets) {
            open += send_all(socket, part) ? 1u : 0u;
        }
        most = std::max(most, test::resident_bytes(exhausted.serving.id()));
    }
    CHECK(open == count);
    std::cout << count << " connections sent " << sent / test::mebibyte << " MiB each of an unfinished message of "
              << claimed / test::mebibyte << " MiB: the server had " << most / test::mebibyte << " MiB at the most\n";
    CHECK(most < 1024 * test::mebibyte);
    exhausted.run([&]() -> asio::awaitable<void> {
        for (int number = 0; number != 100; ++number) {
            CHECK_AWAITED(number, exhausted.client.request<int>("echo", number));
        }
    });
    for (const int socket : sockets) {
        ::close(socket);
    }
    exhausted.end();
}

TEST_CASE("what one connection makes a server keep takes the memory that it is charged for, whatever it is") {
    if (test::sanitized) {
        WARN("skipped: sanitizers keep what was freed");
        return;
    }
    struct Attack {
        const char* what;
        std::string metadata;
        int count;
    };
    const std::string large(60'000, 'x');
    const Attack attacks[] = {
        {"headers", R"(, "headers": {"h": ")" + large + "\"}", 2'000},
        {"many headers", R"(, "headers": {"h": ")" + large.substr(0, 400) + "\"}", 40'000},
        {"unknown metadata", R"(, "more": ")" + large + '"', 2'000},
        {"nothing but requests", "", 60'000},
    };
    for (const auto& [what, metadata, count] : attacks) {
        CAPTURE(what);
        Exhausted exhausted;
        exhausted.run([&]() -> asio::awaitable<void> { co_await exhausted.client.connect(); });
        const std::size_t before = test::resident_bytes(exhausted.serving.id());
        const int socket = connect_to(exhausted.connector.address());
        CHECK(send_all(socket, test::client_hello("greedy")));
        bool is_open = true;
        for (int number = 0; number != count && is_open; ++number) {
            const std::string id = std::to_string(number);
            is_open = send_all(
                socket,
                test::message_frame(R"({"id": ")" + id + R"(", "type": 1, "route": "late")" + metadata + "}", "null"));
        }
        exhausted.run([&]() -> asio::awaitable<void> {
            for (int number = 0; number != 100; ++number) {
                CHECK_AWAITED(number, exhausted.client.request<int>("echo", number));
            }
        });
        const std::size_t grown = test::growth_since(before, exhausted.serving.id());
        std::cout << what << ": the server has grown by " << grown / test::mebibyte << " MiB\n";
        CHECK(grown > 32 * test::mebibyte);
        CHECK(grown < 64 * test::mebibyte * 13 / 10);  // `max_inflight_bytes`, and buffers
        ::close(socket);
        exhausted.end();
    }
}

}  // namespace exhaustion

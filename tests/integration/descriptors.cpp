// A server whose process has no descriptors left.
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/scripted_peer.hpp"

#include <fstream>
#include <iostream>
#include <sstream>

#include <unistd.h>

namespace descriptors {

using communica::AnyConnector;
using test::Process;
using test::ScriptedPeer;
using test::Transport;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;
using Client = communica::RouteClient<AnyConnector>;

/// What a process has used of the processor so far.
std::chrono::milliseconds processor_time(::pid_t id) {
    std::ifstream file("/proc/" + std::to_string(id) + "/stat");
    std::string line;
    std::getline(file, line);
    std::istringstream fields(line.substr(line.rfind(')') + 1));
    std::string skipped;
    for (int field = 3; field != 14; ++field) {
        fields >> skipped;
    }
    long user = 0;
    long system = 0;
    if (!(fields >> user >> system)) {
        throw std::runtime_error("no process " + std::to_string(id));
    }
    return std::chrono::milliseconds((user + system) * 1000 / ::sysconf(_SC_CLK_TCK));
}

}  // namespace

TEST_CASE(
    "a server without descriptors does not spin, serves those who are there, and accepts when it has some again") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    constexpr std::size_t descriptors = 48;
    const test::TemporaryDirectory directory;
    Process starving("starving",
                     {transport == Transport::tcp
                          ? communica::TcpConnector("127.0.0.1", 0).dump_state()
                          : communica::LocalConnector("starving", {.directory = directory.path()}).dump_state(),
                      std::to_string(descriptors)});
    const std::string state = starving.expect("READY");
    asio::io_context context;
    Client client(context, AnyConnector::load_state(state), test::quick_client("early"));

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await client.connect();
        CHECK_AWAITED(1, client.request<int>("echo", 1));

        // The system lets them connect, whether the server has accepted them or not.
        std::vector<ScriptedPeer> crowd;
        for (std::size_t number = 0; number != 2 * descriptors; ++number) {
            crowd.push_back(co_await ScriptedPeer::connect(state));
            co_await crowd.back().send(test::client_hello(std::to_string(number)));
        }
        Client late(context, AnyConnector::load_state(state), test::quick_client("late"));
        late.start();
        const std::string why = starving.expect("STARVING");
        CHECK(why.find("accept") != std::string::npos);

        const auto begin = Clock::now();
        const auto used_before = processor_time(starving.id());
        constexpr int attempts = 10;
        for (int attempt = 0; attempt != attempts; ++attempt) {
            starving.expect("STARVING");
        }
        const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
        const auto used = processor_time(starving.id()) - used_before;
        std::cout << "without descriptors a server used " << used.count() << " ms of the processor in "
                  << elapsed.count() << " ms, in which it tried " << attempts << " times to accept\n";
        CHECK(elapsed >= 70ms * attempts);
        CHECK(used < elapsed / 4);
        for (int number = 0; number != 100; ++number) {
            CHECK_AWAITED(number, client.request<int>("echo", number));
        }
        CHECK_FALSE(late.is_connected());

        // Those who were accepted make room for those who wait, one after the other.
        for (ScriptedPeer& peer : crowd) {
            co_await peer.expect(test::server_hello);
            peer.cut();
        }
        co_await late.wait_connected();
        CHECK_AWAITED(2, late.request<int>("echo", 2));
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        co_await late.close();
        co_await client.close();
    });
    test::run_out(context);
    starving.end_input();
    CHECK(starving.wait() == test::in_order);
}

}  // namespace descriptors

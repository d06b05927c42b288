// Who floods, or does not read, or only sits there, is no trouble to the others.
#include "support/latency.hpp"
#include "support/memory.hpp"
#include "support/mixed_requests.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/raw_socket.hpp"
#include "support/scripted_peer.hpp"
#include "support/system.hpp"

#include <iostream>

namespace floods {

using communica::AnyConnector;
using test::Process;
using test::RawSocket;
using test::ScriptedPeer;
using test::Transport;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;
using Client = communica::RouteClient<AnyConnector>;

}  // namespace

TEST_CASE("a client that floods and reads nothing does not slow down the others", "[alone]") {
    const auto transport = GENERATE(Transport::tcp, Transport::local);
    CAPTURE(transport);
    const test::TemporaryDirectory directory;
    Process serving("serving",
                    {transport == Transport::tcp
                         ? communica::TcpConnector("127.0.0.1", 0).dump_state()
                         : communica::LocalConnector("flooded", {.directory = directory.path()}).dump_state()});
    const std::string state = serving.expect("READY");
    const test::OwnCore core(serving.id());
    asio::io_context context;
    Client client(context, AnyConnector::load_state(state), test::quick_client());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await client.connect();
        const auto before = co_await test::latency(client);
        Process flooding("flooding", {state, std::to_string(32 * test::mebibyte)});
        flooding.expect("FLOODING");
        const auto during = co_await test::latency(client);
        std::cout << "99 of 100 requests within " << test::milliseconds(before) << " ms, in a flood within "
                  << test::milliseconds(during) << " ms; the server has " << test::resident_bytes(serving.id()) / 1024
                  << " KiB\n";
        CHECK(during < std::max<Clock::duration>(3 * before, test::latency_floor));
        flooding.kill();
        CHECK(flooding.wait() == test::killed);
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        co_await client.close();
    });
    test::run_out(context);
    serving.end_input();
    CHECK(serving.wait() == test::in_order);
}

TEST_CASE("two sides that flood each other, and at first do not read, come to an end") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    constexpr int count = 2000;
    const std::string text(4000, 'f');
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::Routes routes;
    routes.add("echo", [](std::string value) { return value; });
    test::RouteServer server(context, meeting.at_server(), routes);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        ScriptedPeer peer = co_await ScriptedPeer::greet(server.connector_state(), "flooding");
        int right = 0;
        int ended = 0;
        for (int number = 0; number != count; ++number) {
            server.client("flooding")
                .request<std::string>("echo", text, {.timeout = test::patience},
                                      [&](std::exception_ptr, std::string answer) {
                                          ++ended;
                                          right += answer == text ? 1 : 0;
                                      });
        }
        // The server has to take all of this though none of what it says is taken.
        std::string requests;
        for (int number = 0; number != count; ++number) {
            requests += test::message_frame(
                R"({"id": ")" + std::to_string(number) + R"(", "type": 1, "route": "echo"})", "\"" + text + "\"");
        }
        co_await peer.send(requests);

        int answers = 0;
        for (int number = 0; number != 2 * count; ++number) {
            const auto message = co_await peer.read_message();
            if (message.type() == 1) {
                co_await peer.send(message.answer(11, message.body));
            } else {
                CHECK(message.type() == 11);
                answers += message.body.size() == text.size() + 2 ? 1 : 0;
            }
        }
        co_await test::until([&] { return ended == count; });
        CHECK(right == count);
        CHECK(answers == count);
        peer.cut();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE(
    "a thousand idle clients, and two hundred that did not finish their greeting, leave a server free for others") {
    const test::TemporaryDirectory directory;
    const communica::LocalConnector connector("crowded", {.directory = directory.path()});
    Process serving("serving", {connector.dump_state()});
    serving.expect("READY");
    const auto deadline = Clock::now() + test::patience;

    std::vector<RawSocket> half_open;
    for (int number = 0; number != 200; ++number) {
        half_open.push_back(RawSocket::connect(connector.address()));
        half_open.back().send(number % 2 == 0 ? "" : R"({"client_id": "half)");
    }
    const std::size_t before = test::resident_bytes(serving.id());
    constexpr std::size_t count = 1000;
    std::vector<RawSocket> idle;
    for (std::size_t number = 0; number != count; ++number) {
        idle.push_back(RawSocket::connect(connector.address()));
        idle.back().send(test::client_hello("idle-" + std::to_string(number)));
    }
    for (RawSocket& socket : idle) {
        while (!socket.came.ends_with('\0')) {
            REQUIRE_FALSE(socket.ended);
            socket.wait(deadline - Clock::now());
        }
    }
    std::cout << "an idle connection takes " << test::growth_since(before, serving.id()) / count << " bytes\n";

    asio::io_context context;
    int notes = 0;
    Client client(context, connector, test::mixed_routes(notes), test::quick_client());
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await client.connect();
        CHECK_AWAITED(500, test::ask_mixed(client, 500));
        CHECK_AWAITED(100, client.request<int>("ask me", 100));
        co_await client.close();
    });
    test::run_out(context);
    serving.end_input();
    CHECK(serving.wait() == test::in_order);
    for (RawSocket& socket : idle) {
        while (!socket.ended) {
            socket.wait(deadline - Clock::now());
        }
        CHECK(socket.came.ends_with(test::close_frame()));
    }
}

}  // namespace floods

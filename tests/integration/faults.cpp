// Two processes with a proxy between them that delays, splits, cuts, resets and corrupts.
#include "support/fault_proxy.hpp"
#include "support/mixed_requests.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/watched_requests.hpp"

#include <iostream>

namespace faults {

using communica::AnyConnector;
using test::Fault;
using test::FaultProxy;
using test::in_order;
using test::Process;
using test::WatchedRequests;
using namespace std::chrono_literals;

namespace {

constexpr unsigned seeds = 12;
constexpr int at_once = 20;
constexpr int in_all = 400;
constexpr communica::RequestOptions options{.timeout = 500ms};

/// Connections come back within the window, or not: what was on its way waits on, or is lost.
std::chrono::milliseconds resume_window(unsigned seed) { return seed % 2 == 0 ? 200ms : 1ms; }

communica::ClientOptions quick(std::string id, unsigned seed) {
    auto result = test::quick_client(std::move(id));
    result.resume_window = resume_window(seed);
    result.connect_timeout = 1s;
    return result;
}

/// Asks `in_all` times, always `at_once` at a time; small and large.
template <class Asker>
asio::awaitable<void> ask_all(Asker& asker, WatchedRequests& requests, unsigned seed) {
    std::minstd_rand random(seed);
    test::Event all;
    int left = in_all;
    const std::function<void()> next = [&] {
        if (left-- > 0) {
            requests.echo(asker, random() % 8 == 0 ? random() % 20'000 : random() % 300, options, next);
        } else if (requests.ended == in_all) {
            all.set();
        }
    };
    for (int number = 0; number != at_once; ++number) {
        next();
    }
    co_await all.wait();
}

/// What has happened, over all seeds.
struct Total {
    std::array<int, test::fault_count> faults{};
    int right = 0;
    int failed = 0;

    void add(const FaultProxy& proxy, const WatchedRequests& requests) {
        for (std::size_t kind = 0; kind != faults.size(); ++kind) {
            faults[kind] += proxy.count(static_cast<Fault>(kind));
        }
        right += requests.right;
        failed += requests.failed();
    }
    void check() const {
        std::cout << right << " right, " << failed << " failed, of connections " << faults[0] << " whole, " << faults[1]
                  << " delayed, " << faults[2] << " split, " << faults[3] << " cut, " << faults[4] << " reset, "
                  << faults[5] << " corrupted\n";
        for (const int count : faults) {
            CHECK(count > 0);
        }
        CHECK(right > 0);
        CHECK(failed > 0);
    }
};

}  // namespace

TEST_CASE(
    "over a connection with faults each request of a client ends as promised, and all is well when they are over") {
    Process serving("serving", {communica::TcpConnector("127.0.0.1", 0).dump_state()});
    const std::string state = serving.expect("READY");
    Total total;
    for (unsigned seed = 0; seed != seeds; ++seed) {
        CAPTURE(seed);
        asio::io_context context;
        FaultProxy proxy(context, state, seed);
        int notes = 0;
        communica::RouteClient client(context, proxy.connector(), test::mixed_routes(notes), quick("faulty", seed));
        WatchedRequests requests;
        test::run(context, [&]() -> asio::awaitable<void> {
            client.start();
            co_await ask_all(client, requests, seed);
            CHECK_WATCHED(requests);

            proxy.heal();
            co_await test::until([&] { return proxy.healthy() == 1; });
            co_await client.wait_connected();
            CHECK_AWAITED(100, test::ask_mixed(client, 100));
            CHECK_AWAITED(20, client.request<int>("ask me", 20));
            total.add(proxy, requests);
            co_await client.close();
            proxy.close();
        });
        test::run_out(context);
    }
    total.check();
    serving.end_input();
    CHECK(serving.wait() == in_order);
}

TEST_CASE(
    "over a connection with faults each request of a server ends as promised, and all is well when they are over") {
    Total total;
    for (unsigned seed = 0; seed != seeds; ++seed) {
        CAPTURE(seed);
        asio::io_context context;
        int notes = 0;
        communica::ServerOptions server_options;
        server_options.resume_window = resume_window(seed);
        server_options.handshake_timeout = 1s;
        communica::RouteServer server(context, communica::TcpConnector("127.0.0.1", 0), test::mixed_routes(notes),
                                      server_options);
        WatchedRequests requests;
        std::optional<Process> asking;
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            FaultProxy proxy(context, server.connector_state(), seed);
            asking.emplace("asking", std::vector<std::string>{proxy.connector().dump_state(), "faulty", "1", "0"});
            auto client = server.client("faulty-0");
            co_await ask_all(client, requests, seed);
            CHECK_WATCHED(requests);

            proxy.heal();
            co_await test::until([&] { return proxy.healthy() == 1; });
            // What is sent before the server has seen the reset is lost.
            while (!(co_await client.try_request<int>("echo", 1)).has_value()) {
            }
            CHECK_AWAITED(100, test::ask_mixed(client, 100));
            total.add(proxy, requests);
            asking->end_input();
            co_await test::until([&] { return server.client_ids().empty(); });
            proxy.close();
            co_await server.close();
        });
        test::run_out(context);
        CHECK(asking->expect("DONE") == "0");
        CHECK(asking->wait() == in_order);
    }
    total.check();
}

}  // namespace faults

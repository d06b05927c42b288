// Notifications: when they have arrived, and what becomes of them when somebody goes.
#include "support/pair.hpp"
#include "support/sanitized.hpp"
#include "support/scripted_peer.hpp"
#include "support/system.hpp"

#include <asio/detached.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace notifications {

using communica::errc;
using communica::Error;
using test::error_of;
using test::RoutePair;
using test::Routes;
using test::ScriptedPeer;
using test::Transport;
using namespace std::chrono_literals;

TEST_CASE("a flush completes when all notifications before it have come to their handlers, either way") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    constexpr int count = 2000;
    int at_server = 0;
    int at_client = 0;
    Routes routes;
    routes.add("event", [&](int) { ++at_server; });
    Routes client_routes;
    client_routes.add("event", [&](int) { ++at_client; });
    RoutePair pair(transport, routes, client_routes);

    pair.run([&]() -> asio::awaitable<void> {
        const auto& client = pair.client();
        for (int number = 0; number != count; ++number) {
            co_await client.notify("event", number);
        }
        co_await client.flush();
        CHECK(at_server == count);
        co_await client.flush({.timeout = 10s});  // of nothing

        const auto peer = pair.server.client(client.client_id());
        for (int number = 0; number != count; ++number) {
            co_await peer.notify("event", number);
        }
        co_await peer.flush();
        CHECK(at_client == count);
    });
}

TEST_CASE("what is refused has been taken") {
    RoutePair pair(Transport::memory);
    pair.run([&]() -> asio::awaitable<void> {
        co_await pair.client().notify("no such route", 1);
        co_await pair.client().flush();
    });
}

TEST_CASE("a flush waits for a connection, as long as it is told to") {
    RoutePair pair(Transport::local);
    pair.run([&]() -> asio::awaitable<void> {
        const auto absent = pair.server.client("absent");
        const Error late = co_await error_of(absent.flush({.timeout = 20ms}));
        CHECK(late.code == errc::timeout);
        const Error now = co_await error_of(absent.flush({.wait_for_connection = false}));
        CHECK(now.code == errc::not_connected);
    });
}

TEST_CASE("a peer that does not tell is not asked: that is an error at once, also for a flush that has waited") {
    RoutePair pair(Transport::local);
    pair.run([&]() -> asio::awaitable<void> {
        const auto peer = pair.server.client("old");
        std::optional<Error> waited;
        peer.flush([&](const std::exception_ptr& e) { waited = Error::from(e); });
        const std::string state = pair.server.connector_state();
        ScriptedPeer old = co_await ScriptedPeer::greet(state, "old");
        co_await test::until([&] { return waited.has_value(); });
        CHECK(waited->code == errc::not_supported);
        CHECK_FALSE(waited->message.empty());
        const Error error = co_await error_of(peer.flush({.timeout = 10s}));
        CHECK(error.code == errc::not_supported);
        old.cut();
    });
}

TEST_CASE("a flush whose connection is lost ends with that: nobody knows what has arrived") {
    RoutePair pair(Transport::local);
    pair.run([&]() -> asio::awaitable<void> {
        const std::string state = pair.server.connector_state();
        const std::string extensions = R"("flush")";
        ScriptedPeer peer = co_await ScriptedPeer::greet_offering(state, "ann", extensions);
        std::optional<Error> ended;
        pair.server.client("ann").flush([&](const std::exception_ptr& e) { ended = Error::from(e); });
        const auto asked = co_await peer.read_message();
        CHECK(asked.metadata.find(R"("type": 6})") != std::string::npos);
        CHECK(asked.body.empty());
        peer.cut();
        CHECK(pair.server.forget("ann") == false);  // until its end is known
        co_await test::until([&] { return ended.has_value() || pair.server.forget("ann"); });
        co_await test::until([&] { return ended.has_value(); });
        CHECK(ended->code == errc::connection_lost);
    });
}

TEST_CASE("a flush says so, once, where a connection that is gone took notifications with none behind them") {
    RoutePair pair(Transport::local);
    pair.run([&]() -> asio::awaitable<void> {
        const std::string state = pair.server.connector_state();
        const std::string extensions = R"("flush")";
        const auto handle = pair.server.client("ann");
        ScriptedPeer first = co_await ScriptedPeer::greet_offering(state, "ann", extensions);
        co_await handle.notify("event", 1);
        const auto told = co_await first.read_message();
        CHECK(told.metadata.find(R"("type": 2)") != std::string::npos);
        first.cut();
        co_await test::until([&] { return !handle.is_connected(); });
        std::optional<Error> ended;
        handle.flush([&](const std::exception_ptr& e) { ended = Error::from(e); });  // waits for the next connection
        ScriptedPeer second = co_await ScriptedPeer::greet_offering(state, "ann", extensions);
        co_await test::until([&] { return ended.has_value(); });
        CHECK(ended->code == errc::connection_lost);
        handle.flush(asio::detached);
        const auto asked = co_await second.read_message();
        CHECK(asked.metadata.find(R"("type": 6})") != std::string::npos);
        second.cut();
    });
}

TEST_CASE("notifications that are awaited one by one complete without a round of the io_context for each") {
    if (test::sanitized || !test::sends_quickly) {
        WARN("skipped: here a notification takes longer than the 50 us in which others may follow it");
        return;
    }
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport);
    pair.run([&]() -> asio::awaitable<void> {
        const auto& client = pair.client();
        // Only those that follow each other within 50 us do, which a busy machine may prevent.
        int together = 0;
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (together < 3 && std::chrono::steady_clock::now() < end) {
            co_await client.notify("event", 1);
            bool went_round = false;
            asio::post(pair.context, [&] { went_round = true; });
            together = 0;
            while (!went_round && together < 3) {
                co_await client.notify("event", 1);
                together += went_round ? 0 : 1;
            }
            co_await test::until([&] { return went_round; });
        }
        CHECK(together == 3);
        co_await client.flush();
    });
}

TEST_CASE("a coroutine that does nothing but notify lets others run") {
    RoutePair pair(Transport::local);
    pair.run([&]() -> asio::awaitable<void> {
        const std::string text(1024, 'x');
        for (int round = 0; round != 10; ++round) {
            bool has_run = false;
            asio::post(pair.context, [&] { has_run = true; });
            int count = 0;
            while (!has_run && count != 1000) {
                co_await pair.client().notify("event", text);
                ++count;
            }
            CHECK(count <= 64);  // of 64 KiB at once
            co_await test::until([&] { return has_run; });
        }
        co_await pair.client().flush();
    });
}

TEST_CASE("notifications and requests arrive in the order in which they were sent, and before a close") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    std::vector<int> arrived;
    Routes routes;
    routes.add("event", [&](int number) { arrived.push_back(number); });
    routes.add("request", [&](int number) {
        arrived.push_back(number);
        return number;
    });
    RoutePair pair(transport, routes);
    constexpr int count = 3000;
    const bool is_local = transport == Transport::local || transport == Transport::descriptors;
    const bool ends_one_way = !is_local || test::local_streams_end_one_way;
    pair.run([&]() -> asio::awaitable<void> {
        for (int number = 0; number != count; ++number) {
            if (number % 7 == 0) {
                pair.client().request<int>("request", number, [](const std::exception_ptr&, int) {});
            } else {
                co_await pair.client().notify("event", number);
            }
        }
        if (!ends_one_way) {
            WARN("skipped: a pipe whose client has closed takes no answers, and its server stops to read");
            co_await pair.client().flush();
        }
        co_await pair.client().close();
        co_await test::until([&] { return arrived.size() == count; });
    });
    CHECK(std::ranges::is_sorted(arrived));
    CHECK(arrived.size() == count);
}

TEST_CASE("a notification is handled to its end when its sender closes in order right after it") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    int begun = 0;
    int done = 0;
    Routes routes;
    routes.add("event", [&](int) -> asio::awaitable<void> {
        ++begun;
        asio::steady_timer timer(co_await asio::this_coro::executor, 30ms);
        co_await timer.async_wait(asio::use_awaitable);
        ++done;
    });
    bool cancelled = false;
    routes.add("work", [&](int) -> asio::awaitable<void> {
        asio::steady_timer timer(co_await asio::this_coro::executor, 60s);
        const auto [error] = co_await timer.async_wait(communica::no_throw);
        cancelled = static_cast<bool>(error);
    });
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::RouteServer server(context, meeting.at_server(), routes);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server), Routes{}, test::quick_client());
        co_await client.connect();
        client.request("work", 1, asio::detached);
        for (int number = 0; number != 100; ++number) {
            co_await client.notify("event", number);
        }
        co_await client.close();
        co_await test::until([&] { return done == 100; });
        CHECK(begun == 100);
        co_await test::until([&] { return cancelled; });  // a request is not: nobody waits for its answer
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("who drains still handles the notifications that have come") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    int handled = 0;
    Routes routes;
    routes.add("event", [&](int) { ++handled; });
    bool released = false;
    routes.add("work", [&](int) -> asio::awaitable<int> {
        co_await test::until([&] { return released; });
        co_return 7;
    });
    RoutePair pair(transport, routes);
    pair.run([&]() -> asio::awaitable<void> {
        std::optional<int> answer;
        pair.client().request<int>("work", 1, [&](const std::exception_ptr&, int value) { answer = value; });
        co_await pair.client().flush();
        bool drained = false;
        for (int number = 0; number != 500; ++number) {  // before its client hears of the draining
            pair.client().notify("event", number, asio::detached);
        }
        pair.server.drain(10s, [&](const std::exception_ptr&) { drained = true; });
        co_await test::until([&] { return handled == 500; });
        CHECK_FALSE(drained);
        released = true;
        co_await test::until([&] { return drained && answer.has_value(); });
        CHECK(answer == 7);
    });
}

/// A server whose handlers wait until they are let go, and a client.
struct Slow {
    explicit Slow(Transport transport, const communica::Limits& limits) : meeting(transport) {
        communica::ServerOptions options;
        options.limits = limits;
        options.counters = counters;
        Routes routes;
        routes.add("event", [this](const std::string&) -> asio::awaitable<void> {
            ++begun;
            co_await go.wait();
            ++handled;
        });
        routes.add("echo", [](int number) { return number; });
        server.emplace(context, meeting.at_server(), routes, options);
    }

    /// Sends so many, asks meanwhile, and lets them be handled. Nothing may be lost.
    void run(int count, const std::string& text, int at_once) {
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server->start();
            test::RouteClient client(context, meeting.at_client(*server), test::quick_client());
            co_await client.connect();
            int sent = 0;
            for (int number = 0; number != count; ++number) {
                client.notify("event", text, [&sent](const std::exception_ptr& error) { sent += error ? 0 : 1; });
            }
            for (int number = 0; number != 20; ++number) {
                const int back = co_await client.request<int>("echo", number);
                CHECK(back == number);
            }
            co_await test::until([&] { return begun == at_once; });
            CHECK(sent == at_once);
            CHECK(begun == at_once);
            const auto full = std::chrono::steady_clock::now();
            co_await test::until([&] { return std::chrono::steady_clock::now() - full >= hold; });
            go.set();
            co_await client.flush();  // behind all of them
            CHECK(sent == count);
            co_await test::until([&] { return handled == count; });
            co_await client.close();
            co_await server->close();
        });
        test::run_out(context);
        CHECK(counters->failures().empty());
        CHECK(counters->reconnects == 0);
    }

    std::shared_ptr<communica::Counters> counters = std::make_shared<communica::Counters>();
    asio::io_context context;
    test::Meeting meeting;
    std::optional<test::RouteServer> server;
    int begun = 0;
    int handled = 0;
    std::chrono::milliseconds hold{};  // how long none is handled once the sender waits
    test::Event go;
};

TEST_CASE("a sender waits while as many notifications are handled as may be, and requests pass") {
    const auto transport = GENERATE(Transport::tcp, Transport::local, Transport::memory);
    CAPTURE(transport);
    communica::Limits limits;
    limits.max_requests = 20;
    Slow(transport, limits).run(500, "x", 10);
}

TEST_CASE("pings pass while a sender waits for the handlers of its notifications") {
    communica::Limits limits;
    limits.max_requests = 20;
    limits.liveness_timeout = 300ms;
    Slow slow(Transport::local, limits);
    slow.hold = 900ms;
    slow.run(100, "x", 10);
}

TEST_CASE("a sender waits while as many bytes of notifications are held as may be") {
    communica::Limits limits;
    limits.max_inflight_bytes = 4 * 1024 * 1024;  // a quarter for notifications
    Slow(Transport::local, limits).run(60, std::string(200'000, 'x'), 5);
}

TEST_CASE("notifications that fail, or that nobody takes, make room for others too") {
    communica::ServerOptions options;
    options.limits.max_requests = 4;
    options.log = communica::no_log;
    asio::io_context context;
    const test::Meeting meeting(Transport::local);
    Routes routes;
    routes.add("failing", [](int) { throw std::runtime_error("no"); });
    routes.add("failing later", [](int) -> asio::awaitable<void> {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        throw std::runtime_error("no");
    });
    test::RouteServer server(context, meeting.at_server(), routes, options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server), test::quick_client());
        co_await client.connect();
        for (int number = 0; number != 100; ++number) {
            co_await client.notify("failing", number);
            co_await client.notify("failing later", number);
            co_await client.notify("no such route", number);
            co_await client.notify("failing", "of another type");
        }
        co_await client.flush();
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("who is told that a notification is on its way, after it has waited, may send another") {
    asio::io_context context;
    const test::Meeting meeting(Transport::local);
    int handled = 0;
    Routes routes;
    routes.add("event", [&](int) { ++handled; });
    test::RouteServer server(context, meeting.at_server(), routes);
    communica::ClientOptions options = test::quick_client();
    std::optional<test::RouteClient> client;
    bool again = true;
    options.asking_interceptor = [&](communica::Asking&) -> communica::AskingEnd {
        return [&](const Error&) {
            if (std::exchange(again, false)) {
                client->notify("event", 2, asio::detached);
            }
        };
    };
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        client.emplace(context, meeting.at_client(server), Routes(), options);
        client->notify("event", 1, asio::detached);  // before there is a connection
        co_await client->connect();
        co_await test::until([&] { return handled == 2; });
        co_await client->close();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace notifications

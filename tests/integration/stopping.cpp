#include "support/pair.hpp"

#include <functional>
#include <thread>

namespace stopping {

using communica::errc;
using communica::Error;
using test::error_of;
using test::RouteClient;
using test::RoutePair;
using test::Routes;
using test::RouteServer;
using namespace std::chrono_literals;

namespace {

/// How requests ended, each by its code.
struct Endings {
    auto into() {
        return [this](const std::exception_ptr& failure, auto&&...) {
            codes.push_back(failure ? Error::from(failure).code : std::error_code());
        };
    }
    std::vector<std::error_code> codes;
};

}  // namespace

TEST_CASE("a server that is stopped inside a handler still answers that request, and run returns") {
    const auto transport = GENERATE(test::every_transport());
    const auto route = GENERATE("stop", "stop in a coroutine");
    CAPTURE(transport, route);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::optional<RouteServer> server;
    Routes routes;
    routes.add("stop", [&](int number) {
        server->stop();
        return number;
    });
    routes.add("stop in a coroutine", [&](int number) -> asio::awaitable<int> {
        server->stop();
        co_return number;
    });
    server.emplace(context, meeting.at_server(), routes);
    bool returned = false;

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server->start();
        server->run([&](std::exception_ptr failure) { returned = !failure; });
        RouteClient client(context, meeting.at_client(*server), test::quick_client());
        co_await client.connect();
        CHECK_AWAITED(7, client.request<int>(route, 7, {.timeout = 5s}));
        co_await test::until([&] { return returned; });
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("a client that is stopped inside a handler still answers that request, and run returns") {
    const auto transport = GENERATE(test::every_transport());
    const auto route = GENERATE("stop", "stop in a coroutine");
    CAPTURE(transport, route);
    asio::io_context context;
    const test::Meeting meeting(transport);
    RouteServer server(context, meeting.at_server(), Routes());
    std::optional<RouteClient> client;
    Routes routes;
    routes.add("stop", [&](int number) {
        client->stop();
        return number;
    });
    routes.add("stop in a coroutine", [&](int number) -> asio::awaitable<int> {
        client->stop();
        co_return number;
    });
    bool returned = false;

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        client.emplace(context, meeting.at_client(server), routes, test::quick_client());
        client->run([&](std::exception_ptr failure) { returned = !failure; });
        CHECK_AWAITED(7, server.client("client").request<int>(route, 7, {.timeout = 5s}));
        co_await test::until([&] { return returned; });
        CHECK_FALSE(client->is_connected());
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("closing a client ends all its requests with errc::closed, each once") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    test::Event released;
    Routes routes;
    routes.add("late", [&](int) { return released.wait(); });
    RoutePair pair(transport, routes);
    Endings endings;

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        for (int number = 0; number != 10; ++number) {
            client.request<void>("late", number, endings.into());
        }
        co_await error_of(client.request<int>("undefined", 1));  // so the others have been sent
        co_await client.close();
        client.request<void>("late", 1, endings.into());
        client.notify("late", 1, endings.into());
        co_await test::until([&] { return endings.codes.size() == 12; });
        released.set();
    });
    CHECK(endings.codes == std::vector<std::error_code>(12, errc::closed));
}

TEST_CASE("closing a server ends all its requests with errc::closed, each once") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    test::Event released;
    Routes routes;
    routes.add("late", [&](int) { return released.wait(); });
    RoutePair pair(transport, {}, routes);
    Endings endings;

    pair.run([&]() -> asio::awaitable<void> {
        auto& server = pair.server;
        auto client = server.client("client");
        auto absent = server.client("absent");
        client.request<void>("late", 1, endings.into());
        server.request<void>("late", 1, endings.into());
        absent.request<void>("late", 1, endings.into());
        absent.notify("late", 1, endings.into());
        co_await error_of(client.request<int>("undefined", 1));
        co_await server.close();
        co_await test::until([&] { return endings.codes.size() == 4; });
        CHECK(server.client_ids().empty());
        released.set();
    });
    CHECK(endings.codes == std::vector<std::error_code>(4, errc::closed));
}

TEST_CASE("requests of a server that was stopped end with errc::closed at once") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport);
    Endings endings;

    pair.run([&]() -> asio::awaitable<void> {
        auto client = pair.server.client("client");
        co_await pair.server.close();
        pair.server.request<void>("late", 1, endings.into());
        pair.server.notify("late", 1, endings.into());
        pair.server.client("absent").request<void>("late", 1, {.timeout = 1s}, endings.into());
        client.request<void>("late", 1, {.timeout = 1s}, endings.into());
        co_await test::until([&] { return endings.codes.size() == 4; });
    });
    CHECK(endings.codes == std::vector<std::error_code>(4, errc::closed));
}

TEST_CASE("closing cancels the coroutine handlers at work") {
    const auto transport = GENERATE(test::every_transport());
    const bool of_client = GENERATE(true, false);
    CAPTURE(transport, of_client);
    std::vector<std::error_code> codes;
    int started = 0;
    asio::io_context* context = nullptr;
    Routes routes;
    routes.add("wait", [&](int) -> asio::awaitable<void> {
        asio::steady_timer never(*context, asio::steady_timer::time_point::max());
        ++started;
        const auto [error] = co_await never.async_wait(communica::no_throw);
        codes.push_back(error);
    });
    RoutePair pair(transport, routes, routes);
    context = &pair.context;

    pair.run([&]() -> asio::awaitable<void> {
        for (int number = 0; number != 3; ++number) {
            if (of_client) {
                pair.server.client("client").request<void>("wait", number, asio::detached);
            } else {
                pair.client().request<void>("wait", number, asio::detached);
            }
        }
        co_await test::until([&] { return started == 3; });
        if (of_client) {
            co_await pair.client().close();
        } else {
            co_await pair.server.close();
        }
        co_await test::until([&] { return codes.size() == 3; });
    });
    CHECK(codes == std::vector<std::error_code>(3, make_error_code(asio::error::operation_aborted)));
}

TEST_CASE("what a client sent before its close arrives, though the server floods it") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    constexpr int count = 30;
    const std::string text(100'000, 'n');
    int arrived = 0;
    int flooded = 0;
    Routes at_server;
    at_server.add("note", [&](const std::string& note) { arrived += note == text ? 1 : 0; });
    Routes at_client;
    at_client.add("flood", [&](const std::string&) { ++flooded; });
    RoutePair pair(transport, at_server, at_client);

    // Not in the coroutine: a callback may come after that has ended.
    bool stopping = false;
    std::function<void()> flood = [&] {
        pair.server.client("client").notify("flood", text, [&](const std::exception_ptr& failure) {
            if (!failure && !stopping) {
                flood();
            }
        });
    };
    pair.run([&]() -> asio::awaitable<void> {
        for (int number = 0; number != 8; ++number) {
            flood();
        }
        co_await test::until([&] { return flooded >= 8; });
        for (int number = 0; number != count; ++number) {
            co_await pair.client().notify("note", text);
        }
        co_await pair.client().close();
        co_await test::until([&] { return arrived == count; });
        stopping = true;
    });
    CHECK(arrived == count);
}

TEST_CASE("a client that was closed can be connected again, many times") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    Routes routes;
    routes.add("echo", [](int number) { return number; });
    RoutePair pair(transport, routes, routes);

    pair.run([&]() -> asio::awaitable<void> {
        for (int round = 0; round != 20; ++round) {
            co_await pair.client().close();
            CHECK_FALSE(pair.client().is_connected());
            co_await pair.client().connect();
            CHECK(pair.client().is_connected());
            CHECK_AWAITED(round, pair.client().request<int>("echo", round));
            CHECK_AWAITED(round, pair.server.client("client").request<int>("echo", round));
        }
    });
}

TEST_CASE("a client that is stopped and started in one go is connected again") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    Routes routes;
    routes.add("echo", [](int number) { return number; });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        for (int round = 0; round != 20; ++round) {
            pair.client().stop();
            pair.client().start();
            co_await pair.client().connect();
            CHECK_AWAITED(round, pair.client().request<int>("echo", round));
        }
    });
}

TEST_CASE("a server that was closed can be started again, and its clients come back") {
    const auto transport = GENERATE(test::Transport::local, test::Transport::memory);
    const bool awaited = GENERATE(true, false);
    CAPTURE(transport, awaited);
    Routes routes;
    routes.add("echo", [](int number) { return number; });
    RoutePair pair(transport, routes, routes);

    pair.run([&]() -> asio::awaitable<void> {
        for (int round = 0; round != 5; ++round) {
            if (awaited) {
                co_await pair.server.close();
            } else {
                pair.server.stop();
                co_await pair.server.start();
                pair.server.stop();
            }
            co_await pair.server.start();
            CHECK_AWAITED(round, pair.server.client("client").request<int>("echo", round, {.timeout = 10s}));
            CHECK_AWAITED(round, pair.client().request<int>("echo", round, {.timeout = 10s}));
        }
    });
}

TEST_CASE("stop and close may come twice, before the start, or without it") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport);

    pair.run([&]() -> asio::awaitable<void> {
        RouteClient idle(pair.context, pair.meeting.at_client(pair.server), test::quick_client("idle"));
        idle.stop();
        idle.stop();
        co_await idle.close();
        co_await idle.close();
        RouteServer unstarted(pair.context, communica::MemoryConnector(), Routes());
        unstarted.stop();
        co_await unstarted.close();
        co_await unstarted.close();
        pair.client().stop();
        pair.client().stop();
        co_await pair.client().close();
        co_await pair.client().close();
        pair.server.stop();
        co_await pair.server.close();
        co_await pair.server.close();
    });
}

TEST_CASE("stop may be called by another thread") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    RouteServer server(context, meeting.at_server(), Routes());
    bool client_returned = false;
    bool server_returned = false;

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        server.run([&](std::exception_ptr failure) { server_returned = !failure; });
        RouteClient client(context, meeting.at_client(server), test::quick_client());
        client.run([&](std::exception_ptr failure) { client_returned = !failure; });
        co_await client.wait_connected();
        std::thread thread([&] {
            client.stop();
            server.stop();
        });
        co_await test::until([&] { return client_returned && server_returned; });
        thread.join();
    });
    test::run_out(context);
}

}  // namespace stopping

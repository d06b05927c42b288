#include "support/pair.hpp"

namespace deadlines {

using communica::errc;
using communica::Error;
using test::error_of;
using test::RoutePair;
using test::Routes;
using namespace std::chrono_literals;

namespace {

/// A pair whose server answers "late" once `released` is set.
struct LatePair {
    explicit LatePair(test::Transport transport) : pair(transport, routes()) {}

    Routes routes() {
        Routes table;
        table.add("late", [this](int number) -> asio::awaitable<int> {
            ++calls;
            co_await released.wait();
            ++answers;
            co_return number;
        });
        table.add("echo", [](int number) { return number; });
        return table;
    }

    int calls = 0;
    int answers = 0;
    RoutePair pair;
    test::Event released;
};

}  // namespace

TEST_CASE("a request that is not answered in time ends, and the connection and the others live on") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    LatePair late(transport);

    late.pair.run([&]() -> asio::awaitable<void> {
        auto& client = late.pair.client();
        std::optional<int> patient;
        client.request<int>("late", 1, [&](std::exception_ptr, int answer) { patient = answer; });
        const Error error = co_await error_of(client.request<int>("late", 2, {.timeout = 20ms}));
        CHECK(error.code == errc::timeout);
        CHECK(error.kind == Error::Kind::none);
        const auto result = co_await client.try_request<int>("late", 3, {.timeout = 20ms});
        REQUIRE(!result);
        CHECK(result.error().code == errc::timeout);
        // A broker drops what it could not deliver in time.
        const int called = transport == test::Transport::rabbitmq ? 1 : 3;
        co_await test::until([&] { return late.calls >= called; });
        CHECK_AWAITED(4, client.request<int>("echo", 4));

        late.released.set();
        co_await test::until([&] { return patient.has_value(); });
        CHECK(patient == 1);
        CHECK_AWAITED(5, client.request<int>("echo", 5));  // behind the late answers, which nobody got
    });
}

TEST_CASE("requests time out in the order of their deadlines") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    LatePair late(transport);
    std::vector<int> timed_out;

    late.pair.run([&]() -> asio::awaitable<void> {
        // A busy machine may take 100 ms from one to the next.
        for (const int milliseconds : {600, 200, 400, 300, 500}) {
            const communica::RequestOptions options{.timeout = std::chrono::milliseconds(milliseconds)};
            late.pair.client().request<int>("late", 1, options, [&, milliseconds](std::exception_ptr failure, int) {
                CHECK(Error::from(failure).code == errc::timeout);
                timed_out.push_back(milliseconds);
            });
        }
        co_await test::until([&] { return timed_out.size() == 5; });
        late.released.set();
    });
    CHECK(timed_out == std::vector<int>{200, 300, 400, 500, 600});
}

TEST_CASE("a request of a server times out too") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    test::Event released;
    Routes routes;
    routes.add("late", [&](int number) -> asio::awaitable<int> {
        co_await released.wait();
        co_return number;
    });
    routes.add("echo", [](int number) { return number; });
    RoutePair pair(transport, {}, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto client = pair.server.client("client");
        const Error by_id = co_await error_of(client.request<int>("late", 1, {.timeout = 10ms}));
        CHECK(by_id.code == errc::timeout);
        const Error any = co_await error_of(pair.server.request<int>("late", 1, {.timeout = 10ms}));
        CHECK(any.code == errc::timeout);
        const Error absent = co_await error_of(pair.server.client("absent").request<int>("echo", 1, {.timeout = 10ms}));
        CHECK(absent.code == errc::timeout);
        CHECK_AWAITED(2, pair.server.request<int>("echo", 2));
        released.set();
    });
}

TEST_CASE("deadlines at the ends of the scale hold") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    LatePair late(transport);

    late.pair.run([&]() -> asio::awaitable<void> {
        auto& client = late.pair.client();
        const Error at_once = co_await error_of(client.request<int>("late", 1, {.timeout = 0s}));
        CHECK(at_once.code == errc::timeout);
        const Error before = co_await error_of(client.request<int>("late", 1, {.timeout = -1s}));
        CHECK(before.code == errc::timeout);
        CHECK_AWAITED(2, client.request<int>("echo", 2, {.timeout = std::nullopt}));
        CHECK_AWAITED(3, client.request<int>("echo", 3, {.timeout = std::chrono::steady_clock::duration::max()}));
        late.released.set();
    });
}

TEST_CASE("a request that timed out before there was a connection is never sent") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::vector<int> seen;
    Routes routes;
    routes.add("see", [&](int number) { seen.push_back(number); });
    test::RouteServer server(context, meeting.at_server(), routes);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server), test::quick_client());
        std::optional<Error> notification;
        client.notify("see", 2, {.timeout = 1ns},
                      [&](const std::exception_ptr& failure) { notification = Error::from(failure); });
        const Error request = co_await error_of(client.request<void>("see", 1, {.timeout = 1ns}));
        CHECK(request.code == errc::timeout);
        co_await test::until([&] { return notification.has_value(); });
        CHECK(notification->code == errc::timeout);
        co_await client.connect();
        co_await client.request<void>("see", 3);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    CHECK(seen == std::vector<int>{3});
}

TEST_CASE("a notification whose time is over is not sent, also right behind others") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    std::vector<int> seen;
    Routes routes;
    routes.add("see", [&](int number) { seen.push_back(number); });
    test::RoutePair pair(transport, routes);
    int late = 0;
    pair.run([&]() -> asio::awaitable<void> {
        const auto& client = pair.client();
        for (int round = 0; round != 50; ++round) {
            co_await client.notify("see", 1);
            for (const auto timeout : {0ms, -5ms}) {
                const Error error = co_await error_of(client.notify("see", 2, {.timeout = timeout}));
                late += error.code == errc::timeout ? 1 : 0;
            }
        }
        co_await client.flush();
    });
    CHECK(late == 100);
    CHECK(seen == std::vector<int>(50, 1));
}

TEST_CASE("a request that does not want to wait for a connection fails at once without one") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    int calls = 0;
    Routes routes;
    routes.add("count", [&](int) { return ++calls; });
    test::RouteServer server(context, meeting.at_server(), routes);
    constexpr communica::RequestOptions at_once{.timeout = std::nullopt, .wait_for_connection = false};

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const Error any = co_await error_of(server.request<int>("count", 1, at_once));
        CHECK(any.code == errc::not_connected);
        const Error absent = co_await error_of(server.client("client").request<int>("count", 1, at_once));
        CHECK(absent.code == errc::not_connected);
        const Error notification = co_await error_of(server.client("client").notify("count", 1, at_once));
        CHECK(notification.code == errc::not_connected);
        const auto result = co_await server.client("client").try_request<int>("count", 1, at_once);
        REQUIRE(!result);
        CHECK(result.error().code == errc::not_connected);

        test::RouteClient client(context, meeting.at_client(server), routes, test::quick_client());
        const Error request = co_await error_of(client.request<int>("count", 1, at_once));
        CHECK(request.code == errc::not_connected);
        co_await client.connect();
        CHECK_AWAITED(1, client.request<int>("count", 1, at_once));
        CHECK_AWAITED(2, server.client("client").request<int>("count", 1, at_once));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    CHECK(calls == 2);
}

}  // namespace deadlines

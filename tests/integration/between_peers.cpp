// What two peers of this library tell each other beyond requests and answers.
#include "support/pair.hpp"

#include <array>
#include <string>
#include <vector>

namespace between_peers {

using communica::Context;
using communica::errc;
using communica::Error;
using test::error_of;
using test::RouteClient;
using test::RoutePair;
using test::Routes;
using test::RouteServer;
using namespace std::chrono_literals;

namespace {

/// A handler that never ends by itself, and says how it ended.
struct Endless {
    Routes routes() {
        Routes table;
        table.add("endless", [this](Context& context) -> asio::awaitable<void> {
            ++begun;
            asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
            const auto [error] = co_await never.async_wait(communica::no_throw);
            cancelled += error && context.is_cancelled() ? 1 : 0;
        });
        table.add("echo", [](int number) { return number; });
        return table;
    }

    int begun = 0;
    int cancelled = 0;
};

}  // namespace

TEST_CASE("cancelling a request cancels its handler at the other side, both ways") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Endless endless;
    RoutePair pair(transport, endless.routes(), endless.routes());

    pair.run([&]() -> asio::awaitable<void> {
        int aborted = 0;
        const auto count = [&](std::exception_ptr failure) {
            aborted += Error::from(failure).code == asio::error::operation_aborted ? 1 : 0;
        };
        asio::cancellation_signal to_server;
        asio::cancellation_signal to_client;
        pair.client().request<void>("endless", nullptr, asio::bind_cancellation_slot(to_server.slot(), count));
        pair.server.client("client").request<void>("endless", nullptr,
                                                   asio::bind_cancellation_slot(to_client.slot(), count));
        co_await test::until([&] { return endless.begun == 2; });
        to_server.emit(asio::cancellation_type::terminal);
        to_client.emit(asio::cancellation_type::terminal);
        co_await test::until([&] { return endless.cancelled == 2; });
        CHECK(aborted == 2);
        CHECK_AWAITED(7, pair.client().request<int>("echo", 7));
    });
}

TEST_CASE("a handler sees the deadline of its request, and is cancelled when it passes") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Endless endless;
    Routes routes = endless.routes();
    routes.add("left", [](Context& context) {
        const auto deadline = context.deadline();
        return deadline
                   ? std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now()).count()
                   : -1;
    });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        const auto left = co_await pair.client().request<long>("left", nullptr, {.timeout = 5s});
        CHECK((left > 4000 && left <= 5001));
        const auto standard = co_await pair.client().request<long>("left", nullptr);
        CHECK((standard > 29'000 && standard <= 30'001));
        CHECK_AWAITED(-1, pair.client().request<long>("left", nullptr, {.timeout = std::nullopt}));

        const Error error = co_await error_of(pair.client().request<void>("endless", nullptr, {.timeout = 20ms}));
        CHECK(error.code == errc::timeout);
        co_await test::until([&] { return endless.cancelled == 1; });
    });
}

TEST_CASE("headers go with a request to its handler, and with a notification") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    std::vector<std::string> notified;
    Routes routes;
    routes.add("trace", [](Context& context) { return context.header("trace-id").value_or("none"); });
    routes.add("note", [&](int, Context& context) { notified.push_back(context.headers().at("x")); });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        const std::array headers{communica::Header{"trace-id", "47\"\xc3\xa9"}, communica::Header{"x", "1"}};
        CHECK_AWAITED("47\"\xc3\xa9", pair.client().request<std::string>("trace", nullptr, {.headers = headers}));
        CHECK_AWAITED("none", pair.client().request<std::string>("trace", nullptr));
        co_await pair.client().notify("note", 1, {.headers = headers});
        co_await test::until([&] { return !notified.empty(); });
        CHECK(notified == std::vector<std::string>{"1"});
    });
}

TEST_CASE("draining answers what is at work, refuses what comes, and closes") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::Event released;
    bool begun = false;
    Routes routes;
    routes.add("late", [&](int number) -> asio::awaitable<int> {
        begun = true;
        co_await released.wait();
        co_return number;
    });
    RouteServer server(context, meeting.at_server(), routes);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient client(context, meeting.at_client(server), test::quick_client());
        co_await client.connect();
        std::optional<int> answer;
        client.request<int>("late", 1, [&](std::exception_ptr, int number) { answer = number; });
        co_await test::until([&] { return begun; });
        bool drained = false;
        server.drain(60s, [&](std::exception_ptr failure) { drained = !failure; });
        // It may get there before the word that the server drains: then the server refuses it.
        const Error refused = co_await error_of(client.request<int>("late", 2, {.wait_for_connection = false}));
        CHECK(refused.code == errc::draining);
        CHECK_FALSE(drained);
        CHECK_FALSE(answer);
        released.set();
        co_await test::until([&] { return drained && answer; });  // a broker may bring the answer later
        CHECK(answer == 1);
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("draining ends at its deadline, when the rest is answered as closed") {
    Endless endless;
    RoutePair pair(test::Transport::local, endless.routes());
    pair.run([&]() -> asio::awaitable<void> {
        std::optional<Error> error;
        pair.client().request<void>("endless", nullptr,
                                    [&](std::exception_ptr failure) { error = Error::from(failure); });
        co_await test::until([&] { return endless.begun == 1; });
        co_await pair.server.drain(20ms);
        co_await test::until([&] { return error.has_value(); });
        CHECK(error->code == errc::closed);
        CHECK(error->status == 503);
        CHECK(endless.cancelled == 1);
    });
}

TEST_CASE("a second client with the same id replaces the first, which is told and stays away") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::vector<std::error_code> endings;
    RouteServer server(context, meeting.at_server(), Routes());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        communica::ClientOptions options = test::quick_client();
        options.on_disconnect = [&](const Error& ending) { endings.push_back(ending.code); };
        RouteClient first(context, meeting.at_client(server), options);
        co_await first.connect();
        bool stopped = false;
        first.run([&](std::exception_ptr) { stopped = true; });
        RouteClient second(context, meeting.at_client(server), test::quick_client());
        co_await second.connect();
        co_await test::until([&] { return stopped; });
        CHECK(endings == std::vector<std::error_code>{errc::replaced});
        CHECK(first.last_error().code == errc::replaced);
        const Error error = co_await error_of(first.request<int>("any", 1));
        CHECK(error.code == errc::replaced);
        CHECK(second.is_connected());
        co_await second.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("an interceptor is around every handler: it sees, it may refuse, and it may change what goes wrong") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::vector<std::string> seen;
    communica::ServerOptions options;
    options.interceptor = [&](Context& about, communica::NextHandler next) -> asio::awaitable<void> {
        seen.push_back(about.route());
        if (about.route() == "secret") {
            throw communica::RequesterError("not for you", 403);
        }
        co_await next();
        seen.push_back("after " + about.route());
    };
    Routes routes;
    routes.add("plain", [](int number) { return number; });
    routes.add("coroutine", [](std::string text) -> asio::awaitable<std::string> { co_return text; });
    routes.add("secret", [](int number) { return number; });
    routes.add("failing", [](int) -> int { throw communica::ResponderError("no", 500); });
    RouteServer server(context, meeting.at_server(), routes, options);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient client(context, meeting.at_client(server), test::quick_client());
        co_await client.connect();
        CHECK_AWAITED(1, client.request<int>("plain", 1));
        CHECK_AWAITED("x", client.request<std::string>("coroutine", "x"));
        const Error refused = co_await error_of(client.request<int>("secret", 1));
        CHECK(refused.status == 403);
        const Error failed = co_await error_of(client.request<int>("failing", 1));
        CHECK(failed.status == 500);
        CHECK(seen ==
              std::vector<std::string>{"plain", "after plain", "coroutine", "after coroutine", "secret", "failing"});
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("an asking interceptor sees what is sent and how it ends, adds headers, and may refuse") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::vector<std::string> seen;
    const auto watch = [&seen](communica::Asking& asking) -> communica::AskingEnd {
        if (asking.route() == "secret") {
            throw communica::RequesterError("not from here", 403);
        }
        asking.set_header("trace", asking.header("trace").value_or("none") + ", " + asking.route());
        const char* const kinds[] = {"request", "notification", "stream"};
        const std::string name = std::string(kinds[static_cast<int>(asking.kind())]) + " " + asking.route();
        return [&seen, name](const Error& error) { seen.push_back(name + (error.code ? ": " + error.message : "")); };
    };
    constexpr communica::Route<communica::Stream<int>()> numbers{"numbers"};
    test::Event noted;
    Routes routes;
    routes.add("trace", [](Context& about) { return std::string(about.header("trace").value_or("")); });
    routes.add("failing", [](int) -> int { throw communica::ResponderError("no", 500); });
    routes.add("note", [&](int) { noted.set(); });
    routes.add("ask back", [](communica::RoutePeer<>& peer) -> asio::awaitable<std::string> {
        co_return co_await peer.request<std::string>("trace", nullptr);
    });
    routes.add(numbers, []() -> communica::Stream<int> { co_yield 1; });
    Routes at_client;
    at_client.add("trace", [](Context& about) { return std::string(about.header("trace").value_or("")); });
    communica::ServerOptions server_options;
    server_options.asking_interceptor = [](communica::Asking& asking) -> communica::AskingEnd {
        asking.set_header("trace", "of the server");
        return nullptr;
    };
    RouteServer server(context, meeting.at_server(), routes, server_options);
    communica::ClientOptions options = test::quick_client();
    options.asking_interceptor = watch;

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient client(context, meeting.at_client(server), at_client, options);
        co_await client.connect();
        CHECK_AWAITED("none, trace", client.request<std::string>("trace", nullptr));
        const communica::Header header{"trace", "\u00fc"};
        communica::RequestOptions with_header;
        with_header.headers = {&header, 1};
        CHECK_AWAITED("\u00fc, trace", client.request<std::string>("trace", nullptr, with_header));
        CHECK_AWAITED("of the server", client.request<std::string>("ask back", nullptr));
        const Error failed = co_await error_of(client.request<int>("failing", 1));
        CHECK(failed.status == 500);
        const Error refused = co_await error_of(client.request<int>("secret", 1));
        CHECK(refused.status == 403);
        CHECK(refused.message == "not from here");
        co_await client.notify("note", 1);
        co_await noted.wait();
        {
            auto stream = co_await client.open(numbers);
            const auto number = co_await stream.next();
            CHECK(number == 1);
        }
        const std::vector<std::string> expected{"request trace",       "request trace",     "request ask back",
                                                "request failing: no", "notification note", "stream numbers"};
        CHECK(seen == expected);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace between_peers

// What users are told when something fails: at the side that asked, and at the side that answers.
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <communica/connectors/local.hpp>

#include <algorithm>

namespace words {

using communica::errc;
using communica::Error;
using communica::LogLevel;
using test::quick_client;
using test::Routes;
using namespace std::chrono_literals;

namespace {

using Server = communica::RouteServer<communica::LocalConnector>;
using Client = communica::RouteClient<communica::LocalConnector>;

struct Place {
    communica::LocalConnector connector() const {
        return communica::LocalConnector("calculator", {.directory = directory.path()});
    }
    test::TemporaryDirectory directory;
};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

struct Line {
    LogLevel level;
    std::string text;
};

}  // namespace

TEST_CASE("every error of a request has a message") {
    for (int value = static_cast<int>(errc::closed); value <= static_cast<int>(errc::incompatible_contract); ++value) {
        const Error error{static_cast<errc>(value)};
        CHECK(error.message.empty());
        CHECK(error.worded().message == error.code.message());
        CHECK(Error{error.code, "its own"}.worded().message == "its own");
    }
    const Place place;
    asio::io_context context;
    Client client(context, place.connector(), quick_client());
    test::run(context, [&]() -> asio::awaitable<void> {
        const auto outcome = co_await client.try_request<int>("any", 1, {.wait_for_connection = false});
        CHECK(outcome.error().code == errc::not_connected);
        CHECK(outcome.error().message == "not connected");
        co_await client.close();
        const auto closed = co_await client.try_request<int>("any", 1);
        CHECK(closed.error().message == "closed");
    });
    test::run_out(context);
}

TEST_CASE("a timeout says what is known: where to, whether it was sent, and why not") {
    const Place place;
    const std::string to = "\"divide\" to " + place.connector().address() + ": ";
    asio::io_context context;
    Routes routes;
    test::Event never;
    routes.add("divide", [&](int) -> asio::awaitable<void> { co_await never.wait(); });
    const communica::RequestOptions soon{.timeout = 50ms};
    std::vector<Line> log_of_client;
    std::vector<Line> log_of_server;
    const auto log_to = [](std::vector<Line>& log) {
        return [&log](LogLevel level, std::string_view text) {
            if (text.starts_with("a request timed out: ")) {
                log.push_back({level, std::string(text.substr(text.find('"')))});
            }
        };
    };
    communica::ClientOptions client_options = quick_client();
    client_options.log = log_to(log_of_client);
    communica::ServerOptions server_options;
    server_options.log = log_to(log_of_server);
    Client client(context, place.connector(), routes, client_options);

    test::run(context, [&]() -> asio::awaitable<void> {
        const auto unsent = co_await client.try_request<int>("divide", 1, soon);
        CHECK(unsent.error().code == errc::timeout);
        INFO(unsent.error().message);
        CHECK(unsent.error().message.starts_with(to + "not sent within 50 ms: "));
        CHECK(contains(unsent.error().message, client.last_error().code.message()));
        CHECK(contains(unsent.error().message, " attempts"));

        Server server(context, place.connector(), routes, server_options);
        co_await server.start();
        co_await client.connect();
        const auto sent = co_await client.try_request<int>("divide", 1, soon);
        CHECK(sent.error().message == to + "no answer within 50 ms");
        const auto back = co_await server.client("client").try_request<int>("divide", 1, soon);
        CHECK(back.error().message == "\"divide\" to client \"client\": no answer within 50 ms");
        co_await client.close();
        const auto nobody = co_await server.try_request<int>("divide", 1, soon);
        CHECK(nobody.error().message == "\"divide\" to any client: not sent within 50 ms: not connected");
        co_await server.close();
        REQUIRE(log_of_client.size() == 2);
        CHECK(log_of_client[0].text == unsent.error().message);
        CHECK(log_of_client[1].text == sent.error().message);
        CHECK(log_of_client[1].level == LogLevel::debug);
        REQUIRE(log_of_server.size() == 2);
        CHECK(log_of_server[0].text == back.error().message);
        CHECK(log_of_server[1].text == nobody.error().message);
    });
    test::run_out(context);
}

TEST_CASE("a request whose deadline passes while its handler is at work is answered with that") {
    const Place place;
    asio::io_context context;
    Routes routes;
    test::Event never;
    routes.add("divide", [&](int) -> asio::awaitable<void> { co_await never.wait(); });
    Server server(context, place.connector(), routes);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const std::string state = server.connector_state();
        test::ScriptedPeer peer = co_await test::ScriptedPeer::greet_offering(state, "ann", R"("deadline")");
        co_await peer.send(test::message_frame(R"({"id": "01", "type": 1, "route": "divide", "timeout": 50})", "1"));
        const auto answer = co_await peer.read_message();
        CHECK(contains(answer.body, "its handler is still at work"));
        CHECK(contains(answer.body, "504"));
        peer.cut();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a timeout behind others says how many they are") {
    asio::io_context context;
    test::ScriptedListener listener(context, test::Transport::tcp);
    test::RouteClient client(context, listener.connector(), Routes{}, quick_client());
    test::run(context, [&]() -> asio::awaitable<void> {
        client.start();
        test::ScriptedPeer server = co_await listener.greet("client");
        co_await client.wait_connected();
        const std::string large(3'000'000, 'x');
        int waiting = 0;
        for (int number = 0; number != 10; ++number) {
            client.notify("much", large, {.timeout = std::nullopt}, [&](const std::exception_ptr&) { --waiting; });
            ++waiting;
        }
        const auto outcome = co_await client.try_request<int>("last", 1, {.timeout = 50ms});
        INFO(outcome.error().message);
        CHECK(contains(outcome.error().message, ": not sent within 50 ms: it waited in a queue with "));
        co_await client.close();
    });
}

TEST_CASE("a client connects by its first request") {
    const Place place;
    asio::io_context context;
    Routes routes;
    routes.add("echo", [](int number) { return number; });
    Server server(context, place.connector(), routes);
    Client client(context, place.connector(), quick_client());
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        CHECK_AWAITED(7, client.request<int>("echo", 7));
        co_await client.close();
        const auto closed = co_await client.try_request<int>("echo", 7);  // and not again once it was closed
        CHECK(closed.error().code == errc::closed);
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("what fails at the side that answers is logged with its route, and counted") {
    const Place place;
    asio::io_context context;
    std::vector<Line> log;
    communica::ServerOptions options;
    options.log = [&](LogLevel level, std::string_view text) {
        if (contains(std::string(text), "failed")) {
            log.push_back({level, std::string(text)});
        }
    };
    options.counters = std::make_shared<communica::Counters>();
    Routes routes;
    routes.add("throw", [](int) -> int { throw std::runtime_error("the disk is full"); });
    routes.add("throw in a coroutine", [](int) -> asio::awaitable<int> {
        throw std::runtime_error("the disk is full");
        co_return 1;
    });
    routes.add("refuse", [](int) -> int { throw communica::RequesterError("no such item", 404); });
    Server server(context, place.connector(), routes, options);
    Client client(context, place.connector(), quick_client());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        for (const std::string route : {"throw", "throw in a coroutine", "refuse", "nowhere"}) {
            co_await client.notify(route, 1);
            static_cast<void>(co_await client.try_request<int>(route, 1));
        }
        co_await client.notify("throw", "no number");
        static_cast<void>(co_await client.try_request<int>("throw", "no number"));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);

    std::vector<std::string> warnings;
    std::vector<std::string> told;
    for (const Line& line : log) {
        (line.level == LogLevel::warning ? warnings : told).push_back(line.text);
    }
    REQUIRE(warnings.size() == 7);
    CHECK(warnings[0] == "the notification \"throw\" failed: the disk is full");
    CHECK(warnings[1] == "the request \"throw\" failed: the disk is full");
    CHECK(warnings[2] == "the notification \"throw in a coroutine\" failed: the disk is full");
    CHECK(warnings[3] == "the request \"throw in a coroutine\" failed: the disk is full");
    CHECK(warnings[4] == "the notification \"refuse\" failed: no such item");
    CHECK(warnings[5] == "the notification \"nowhere\" failed: Route \"nowhere\" is not defined");
    CHECK(warnings[6].starts_with("the notification \"throw\" failed: "));
    CHECK(told.size() == 3);

    std::uint64_t thrown = 0;
    std::uint64_t all = 0;
    for (const auto& failures : options.counters->failures()) {
        all += failures.count;
        thrown += failures.route == "throw" && failures.code == errc::unknown_error ? failures.count : 0;
    }
    CHECK(thrown == 2);
    CHECK(all == 10);
}

TEST_CASE("a handler that does not end before the deadline of its request is logged with its route, and counted") {
    const Place place;
    asio::io_context context;
    std::vector<std::string> warnings;
    communica::ServerOptions options;
    options.log = [&](LogLevel level, std::string_view text) {
        if (level == LogLevel::warning) {
            warnings.emplace_back(text);
        }
    };
    options.counters = std::make_shared<communica::Counters>();
    const auto block = [] {
        const auto end = std::chrono::steady_clock::now() + 40ms;
        while (std::chrono::steady_clock::now() < end) {
        }
    };
    Routes routes;
    routes.add("wait", [](int) -> asio::awaitable<int> {
        asio::steady_timer timer(co_await asio::this_coro::executor, 10s);
        co_await timer.async_wait(asio::use_awaitable);
        co_return 1;
    });
    routes.add("block", [block](int number) {
        block();
        return number;
    });
    routes.add("block in a coroutine", [block](int number) -> asio::awaitable<int> {
        block();
        co_return number;
    });
    Server server(context, place.connector(), routes, options);
    Client client(context, place.connector(), quick_client());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        for (const std::string route : {"wait", "block", "block in a coroutine"}) {
            // The answer of a handler that blocks this thread may come before the timer.
            static_cast<void>(co_await client.try_request<int>(route, 1, {.timeout = 20ms}));
            const std::string line =
                "the request \"" + route + "\" failed: its handler did not end within its timeout of 20 ms";
            co_await test::until([&] { return std::ranges::count(warnings, line) == 1; });
        }
        co_await client.notify("block", 1);  // has no deadline
        co_await client.flush();
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);

    CHECK(warnings.size() == 3);
    const auto failures = options.counters->failures();
    CHECK(failures.size() == 3);
    CHECK(std::ranges::all_of(failures, [](const auto& one) { return one.code == errc::timeout && one.count == 1; }));
}

TEST_CASE("the failures of a thousand routes are counted by route, and the rest together") {
    communica::Counters counters;
    for (int number = 0; number != 3000; ++number) {
        counters.count_failure("route " + std::to_string(number), errc::requester_error);
    }
    const auto failures = counters.failures();
    CHECK(failures.size() == 1001);
    const auto other = std::ranges::find(failures, "(other)", &communica::Counters::Failures::route);
    REQUIRE(other != failures.end());
    CHECK(other->count == 2000);
    counters.count_failure(std::string(257, 'x'), errc::requester_error);
    CHECK(counters.failures().size() == 1001);
}

}  // namespace words

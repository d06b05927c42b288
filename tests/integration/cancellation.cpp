#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <asio/experimental/awaitable_operators.hpp>

namespace cancellation {

using communica::errc;
using communica::Error;
using test::error_of;
using test::RoutePair;
using test::Routes;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

namespace {

/// How requests that were made with a cancellation slot ended.
struct Endings {
    auto into() {
        return [this](std::exception_ptr failure, int answer) {
            codes.push_back(failure ? Error::from(failure).code : std::error_code());
            answers.push_back(answer);
        };
    }
    std::vector<std::error_code> codes;
    std::vector<int> answers;
};

const std::error_code aborted = make_error_code(asio::error::operation_aborted);

struct LatePair {
    explicit LatePair(test::Transport transport) : pair(transport, routes(), routes()) {}

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

TEST_CASE("a cancelled request ends at once, and its late answer is dropped") {
    const auto transport = GENERATE(test::every_transport());
    const auto type =
        GENERATE(asio::cancellation_type::terminal, asio::cancellation_type::partial, asio::cancellation_type::total);
    CAPTURE(transport, static_cast<int>(type));
    LatePair late(transport);
    Endings endings;

    late.pair.run([&]() -> asio::awaitable<void> {
        auto& client = late.pair.client();
        asio::cancellation_signal signal;
        client.request<int>("late", 1, asio::bind_cancellation_slot(signal.slot(), endings.into()));
        client.request<int>("late", 2, endings.into());
        CHECK_AWAITED(3, client.request<int>("echo", 3));
        CHECK(late.calls == 2);
        signal.emit(type);
        co_await test::until([&] { return !endings.codes.empty(); });
        CHECK(endings.codes == std::vector{aborted});
        signal.emit(type);  // nothing is left to cancel

        late.released.set();
        co_await test::until([&] { return late.answers == 2 && endings.codes.size() == 2; });
        CHECK_AWAITED(4, client.request<int>("echo", 4));
        CHECK(endings.codes == std::vector{aborted, std::error_code()});
        CHECK(endings.answers == std::vector{0, 2});
    });
}

TEST_CASE("a request of a server is cancelled by its slot") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    LatePair late(transport);
    Endings endings;

    late.pair.run([&]() -> asio::awaitable<void> {
        auto& server = late.pair.server;
        asio::cancellation_signal by_id;
        asio::cancellation_signal any;
        server.client("client").request<int>("late", 1, asio::bind_cancellation_slot(by_id.slot(), endings.into()));
        server.request<int>("late", 2, asio::bind_cancellation_slot(any.slot(), endings.into()));
        CHECK_AWAITED(3, server.request<int>("echo", 3));
        by_id.emit(asio::cancellation_type::terminal);
        any.emit(asio::cancellation_type::terminal);
        co_await test::until([&] { return endings.codes.size() == 2; });
        CHECK(endings.codes == std::vector{aborted, aborted});
        late.released.set();
        CHECK_AWAITED(4, server.request<int>("echo", 4));
    });
}

TEST_CASE("a request that waits for a connection can be cancelled, and is never sent") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::vector<int> seen;
    Routes routes;
    routes.add("see", [&](int number) {
        seen.push_back(number);
        return number;
    });
    test::RouteServer server(context, meeting.at_server(), routes);
    Endings endings;
    int notifications_aborted = 0;

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server), routes, test::quick_client());
        asio::cancellation_signal signals[4];
        client.request<int>("see", 1, asio::bind_cancellation_slot(signals[0].slot(), endings.into()));
        server.client("client").request<int>("see", 2, asio::bind_cancellation_slot(signals[1].slot(), endings.into()));
        server.request<int>("see", 3, asio::bind_cancellation_slot(signals[2].slot(), endings.into()));
        client.notify("see", 4, asio::bind_cancellation_slot(signals[3].slot(), [&](std::exception_ptr failure) {
                          notifications_aborted += failure && Error::from(failure).code == aborted ? 1 : 0;
                      }));
        client.request<int>("see", 5, endings.into());
        server.request<int>("see", 6, endings.into());
        for (auto& signal : signals) {
            signal.emit(asio::cancellation_type::terminal);
        }
        co_await test::until([&] { return endings.codes.size() == 3 && notifications_aborted == 1; });
        CHECK(endings.codes == std::vector{aborted, aborted, aborted});

        co_await client.connect();
        co_await test::until([&] { return endings.codes.size() == 5; });
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    std::sort(seen.begin(), seen.end());
    CHECK(seen == std::vector{5, 6});
}

TEST_CASE("a request for any client can still be cancelled when it has gone to the first that came") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::RouteServer server(context, meeting.at_server(), Routes());
    test::Event released;
    int calls = 0;
    Routes routes;
    routes.add("late", [&](int number) -> asio::awaitable<int> {
        ++calls;
        co_await released.wait();
        co_return number;
    });
    Endings endings;

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server), routes, test::quick_client());
        asio::cancellation_signal signal;
        server.request<int>("late", 1, asio::bind_cancellation_slot(signal.slot(), endings.into()));
        co_await client.connect();
        co_await test::until([&] { return calls == 1; });
        signal.emit(asio::cancellation_type::terminal);
        co_await test::until([&] { return !endings.codes.empty(); });
        CHECK(endings.codes == std::vector{aborted});
        released.set();
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    CHECK(endings.codes.size() == 1);
}

TEST_CASE("a request that is half written can be cancelled, and so can one behind it, and the connection stays whole") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    constexpr std::size_t size = 20'000'000;
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    test::RouteClient client(context, listener.connector(), Routes{}, test::quick_client());
    Endings endings;

    test::run(context, [&]() -> asio::awaitable<void> {
        client.start();
        test::ScriptedPeer server = co_await listener.greet("client");
        co_await client.wait_connected();
        asio::cancellation_signal half;
        asio::cancellation_signal behind;
        client.request<int>("half", std::string(size, 'x'), asio::bind_cancellation_slot(half.slot(), endings.into()));
        client.request<int>("behind", 2, asio::bind_cancellation_slot(behind.slot(), endings.into()));
        client.request<int>("last", 3, endings.into());
        const std::string head = co_await server.read(9);  // now some of it is out, and some can't be
        half.emit(asio::cancellation_type::terminal);
        behind.emit(asio::cancellation_type::terminal);
        co_await test::until([&] { return endings.codes.size() == 2; });
        CHECK(endings.codes == std::vector{aborted, aborted});

        const auto number = [&](std::size_t at) { return communica::wire::load_u32(head.data() + at); };
        const std::string rest = co_await server.read(number(0) - 5);
        CHECK(rest.size() == number(5) - 4 + size + 2);
        const auto last = co_await server.read_message();
        CHECK(last.body == "3");  // what waited behind was never sent
        co_await server.send(last.answer(11, "3"));
        co_await test::until([&] { return endings.codes.size() == 3; });
        CHECK(endings.answers == std::vector{0, 0, 3});
        co_await client.close();
        server.cut();
    });
    test::run_out(context);
}

TEST_CASE("of two awaited with || the one that lost is cancelled") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    LatePair late(transport);

    late.pair.run([&]() -> asio::awaitable<void> {
        auto& client = late.pair.client();
        const auto first = co_await (client.request<int>("late", 1) || client.request<int>("echo", 2));
        CHECK(first.index() == 1);
        asio::steady_timer timer(late.pair.context, 10ms);
        const auto second = co_await (client.request<int>("late", 1) || timer.async_wait(asio::use_awaitable));
        CHECK(second.index() == 1);
        asio::steady_timer never(late.pair.context, asio::steady_timer::time_point::max());
        const auto third = co_await (client.request<int>("echo", 3) || never.async_wait(asio::use_awaitable));
        CHECK(third.index() == 0);
        late.released.set();
        CHECK_AWAITED(4, client.request<int>("echo", 4));
    });
}

TEST_CASE("a connect that is cancelled stops the client that it started, and no other") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::RouteServer server(context, meeting.at_server(), Routes());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const auto connector = meeting.at_client(server);
        co_await server.close();
        asio::steady_timer timer(context, 10ms);
        test::RouteClient stopped(context, connector, test::quick_client("stopped"));
        const auto first = co_await (stopped.connect() || timer.async_wait(asio::use_awaitable));
        CHECK(first.index() == 1);
        CHECK((co_await error_of(stopped.request<int>("any", 1))).code == communica::errc::closed);

        test::RouteClient client(context, connector, test::quick_client());
        client.start();
        timer.expires_after(10ms);
        const auto second = co_await (client.connect() || timer.async_wait(asio::use_awaitable));
        CHECK(second.index() == 1);
        CHECK_FALSE(client.is_connected());

        test::RouteServer another(context, connector, Routes());
        co_await another.start();
        co_await client.wait_connected();
        co_await client.close();
        co_await another.close();
    });
    test::run_out(context);
}

}  // namespace cancellation

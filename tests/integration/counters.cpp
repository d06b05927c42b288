#include "support/pair.hpp"

#include <memory>
#include <string>

namespace counters {

using communica::Counters;
using communica::errc;
using communica::Error;
using test::error_of;
using test::RouteClient;
using test::Routes;
using test::RouteServer;
using namespace std::chrono_literals;

namespace {

/// A server and a client, each with counters of its own.
struct Counted {
    explicit Counted(test::Transport transport, communica::Limits server_limits = {}) : meeting(transport) {
        routes.add("echo", [](const std::string& text) { return text; });
        routes.add("fail", []() -> int { throw communica::ResponderError("no"); });
        routes.add("late", [this]() -> asio::awaitable<int> {
            co_await released.wait();
            co_return 1;
        });
        options.counters = at_server;
        options.limits = server_limits;
        server.emplace(context, meeting.at_server(), routes, options);
    }

    asio::awaitable<void> connect() {
        co_await server->start();
        auto client_options = test::quick_client();
        client_options.counters = at_client;
        client.emplace(context, meeting.at_client(*server), routes, client_options);
        co_await client->connect();
    }
    asio::awaitable<void> close() {
        co_await client->close();
        co_await server->close();
    }

    std::shared_ptr<Counters> at_server = std::make_shared<Counters>();
    std::shared_ptr<Counters> at_client = std::make_shared<Counters>();
    asio::io_context context;
    test::Meeting meeting;
    test::Event released;
    Routes routes;
    communica::ServerOptions options;
    std::optional<RouteServer> server;
    std::optional<RouteClient> client;
};

}  // namespace

TEST_CASE("counters say what was asked, how it ended, and what of it is under way") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Counted pair(transport);
    test::run(pair.context, [&]() -> asio::awaitable<void> {
        co_await pair.connect();
        for (int number = 0; number != 5; ++number) {
            CHECK_AWAITED("x", pair.client->request<std::string>("echo", "x"));
        }
        CHECK_AWAITED("y", pair.server->client("client").request<std::string>("echo", "y"));
        co_await pair.client->notify("echo", "z");
        for (int number = 0; number != 3; ++number) {
            const Error failed = co_await error_of(pair.client->request<int>("fail", nullptr));
            CHECK(failed.code == errc::responder_error);
        }
        const Error undefined = co_await error_of(pair.client->request<int>("nothing", nullptr));
        CHECK(undefined.code == errc::requester_error);
        const Error late = co_await error_of(pair.client->request<int>("late", nullptr, {.timeout = 5ms}));
        CHECK(late.code == errc::timeout);

        asio::cancellation_signal cancel;
        pair.client->request<int>("late", nullptr, asio::bind_cancellation_slot(cancel.slot(), asio::detached));
        pair.client->request<int>("late", nullptr, asio::detached);
        co_await test::until([&] { return pair.at_server->received_requests == 12; });
        co_await test::until([&] { return pair.at_server->at_work == 2; });  // the one that was late is cancelled
        cancel.emit(asio::cancellation_type::terminal);
        co_await test::until([&] { return pair.at_server->at_work == 1; });

        CHECK(pair.at_client->requests == 5 + 3 + 1 + 1 + 2);
        CHECK(pair.at_client->notifications == 1);
        CHECK(pair.at_client->answers == 5);
        CHECK(pair.at_client->errors(errc::responder_error) == 3);
        CHECK(pair.at_client->errors(errc::requester_error) == 1);
        CHECK(pair.at_client->errors(errc::timeout) == 1);
        CHECK(pair.at_client->errors(errc::closed) == 0);
        CHECK(pair.at_client->cancelled() == 1);
        CHECK(pair.at_client->all_errors() == 3 + 1 + 1 + 1);
        CHECK(pair.at_client->received_requests == 1);
        CHECK(pair.at_client->sent_answers == 1);
        CHECK(pair.at_client->connections == 1);
        CHECK(pair.at_client->reconnects == 0);

        CHECK(pair.at_server->requests == 1);
        CHECK(pair.at_server->answers == 1);
        CHECK(pair.at_server->all_errors() == 0);
        CHECK(pair.at_server->received_notifications == 1);
        CHECK(pair.at_server->connections == 1);

        pair.released.set();
        co_await test::until([&] { return pair.at_client->answers == 6; });
        CHECK(pair.at_server->at_work == 0);
        CHECK(pair.at_server->sent_answers == 6);
        co_await pair.close();
        CHECK(pair.at_client->bytes_sent == pair.at_server->bytes_received);
        CHECK(pair.at_server->bytes_sent == pair.at_client->bytes_received);
        CHECK(pair.at_client->bytes_sent > 12 * 40);
    });
    test::run_out(pair.context);
}

TEST_CASE("counters hold how long requests and handlers took, and how large bodies were") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Counted pair(transport);
    test::run(pair.context, [&]() -> asio::awaitable<void> {
        co_await pair.connect();
        const std::string text(1000, 'x');
        CHECK_AWAITED(text, pair.client->request<std::string>("echo", text));
        co_await pair.client->notify("echo", "z");
        const Error failed = co_await error_of(pair.client->request<int>("fail", nullptr));
        CHECK(failed.code == errc::responder_error);
        const Error late = co_await error_of(pair.client->request<int>("late", nullptr, {.timeout = 20ms}));
        CHECK(late.code == errc::timeout);
        const auto requests = pair.at_client->request_times.snapshot();
        CHECK(requests.count() == 3);
        CHECK(requests.percentile(1) >= std::uint64_t{20'000'000});
        CHECK(requests.sum >= requests.percentile(0));
        CHECK(pair.at_client->sent_sizes.snapshot().count() == 4);
        CHECK(pair.at_client->sent_sizes.snapshot().sum == 1002 + 3 + 4 + 4);
        CHECK(pair.at_client->handler_times.snapshot().count() == 0);
        pair.released.set();
        co_await test::until([&] { return pair.at_server->handler_times.snapshot().count() == 4; });
        const auto handlers = pair.at_server->handler_times.snapshot();
        CHECK(handlers.sum > 0);
        CHECK(pair.at_server->request_times.snapshot().count() == 0);
        CHECK(pair.at_server->received_sizes.snapshot().sum == 1002 + 3 + 4 + 4);
        CHECK(pair.at_server->sent_sizes.snapshot().sum >= 1002);
        co_await pair.close();
    });
    test::run_out(pair.context);
}

TEST_CASE("a request with a value that can't be sent counts as begun and failed") {
    Counted pair(test::Transport::local);
    test::run(pair.context, [&]() -> asio::awaitable<void> {
        co_await pair.connect();
        const Error error = co_await error_of(pair.client->request<int>("echo", "\xFF"));
        CHECK(error.code == errc::serializer_error);
        CHECK(pair.at_client->requests == 1);
        CHECK(pair.at_client->errors(errc::serializer_error) == 1);
        CHECK(pair.at_server->received_requests == 0);
        co_await pair.close();
    });
}

TEST_CASE("counters show the requests that wait for a connection, and the connections that came again") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    Counted pair(transport);
    test::run(pair.context, [&]() -> asio::awaitable<void> {
        co_await pair.connect();
        const auto connector = pair.meeting.at_client(*pair.server);
        co_await pair.server->close();
        co_await test::until([&] { return !pair.client->is_connected(); });
        int answers = 0;
        for (int number = 0; number != 3; ++number) {
            pair.client->request<std::string>("echo", "x",
                                              [&](std::exception_ptr e, std::string) { answers += e ? 0 : 1; });
        }
        const Error late = co_await error_of(pair.client->request<std::string>("echo", "x", {.timeout = 5ms}));
        CHECK(late.code == errc::timeout);
        CHECK(pair.at_client->unsent == 3);
        CHECK(pair.at_client->answers == 0);
        pair.server.emplace(pair.context, connector, pair.routes, pair.options);
        co_await pair.server->start();
        co_await test::until([&] { return answers == 3; });
        CHECK(pair.at_client->unsent == 0);
        CHECK(pair.at_client->answers == 3);
        CHECK(pair.at_client->connections == 2);
        CHECK(pair.at_client->reconnects == 1);
        CHECK(pair.at_server->connections == 2);

        co_await pair.server->close();
        co_await test::until([&] { return !pair.client->is_connected(); });
        pair.client->request<std::string>("echo", "x", asio::detached);
        CHECK(pair.at_client->unsent == 1);
        co_await pair.client->close();
        CHECK(pair.at_client->unsent == 0);
        CHECK(pair.at_client->errors(errc::closed) == 1);
    });
    test::run_out(pair.context);
}

TEST_CASE("what is refused is counted as an error that was sent") {
    Counted pair(test::Transport::tcp, {.max_requests = 1});
    test::run(pair.context, [&]() -> asio::awaitable<void> {
        co_await pair.connect();
        pair.client->request<int>("late", nullptr, asio::detached);
        const Error busy = co_await error_of(pair.client->request<std::string>("echo", "x"));
        CHECK(busy.code == errc::busy);
        CHECK(pair.at_client->errors(errc::busy) == 1);
        CHECK(pair.at_server->sent_errors == 1);
        CHECK(pair.at_server->at_work == 1);
        pair.released.set();
        co_await test::until([&] { return pair.at_client->answers == 1; });
        co_await pair.close();
    });
}

}  // namespace counters

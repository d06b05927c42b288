#include "support/errors.hpp"
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <set>

namespace connecting {

using communica::errc;
using communica::Error;
using test::code_of;
using test::error_of;
using test::RouteClient;
using test::RoutePair;
using test::Routes;
using test::RouteServer;
using namespace std::chrono_literals;

namespace {

Routes echoing() {
    Routes routes;
    routes.add("echo", [](int number) { return number; });
    return routes;
}

/// A connector for an address at which nobody listens, and which a server can take later.
asio::awaitable<test::TestConnector> vacant(asio::io_context& context, const test::Meeting& meeting) {
    RouteServer server(context, meeting.at_server(), Routes());
    co_await server.start();
    auto connector = meeting.at_client(server);
    co_await server.close();
    co_return connector;
}

}  // namespace

TEST_CASE("connect gives up at its timeout and stops, says why, and can be tried again") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::optional<RouteClient> client;
    std::optional<test::TestConnector> connector;

    test::run(context, [&]() -> asio::awaitable<void> {
        connector = co_await vacant(context, meeting);
        client.emplace(context, *connector, test::quick_client());
        const Error error = co_await error_of(client->connect({.timeout = 30ms}));
        CHECK(error.code == errc::timeout);
        CHECK(error.message.find("no connection to " + connector->address()) != std::string::npos);
        CHECK(error.message.size() > ("no connection to " + connector->address()).size() + 10);  // and the reason
        CHECK_FALSE(client->is_connected());
        const Error pending = co_await error_of(client->request<int>("echo", 1));
        CHECK(pending.code == errc::closed);
    });
    test::run_out(context);  // it has stopped

    RouteServer server(context, *connector, echoing());
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client->connect({.timeout = test::patience});
        CHECK_AWAITED(7, client->request<int>("echo", 7));
        co_await client->close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("connect may try once, or so often, and ends with the reason of the last attempt") {
    asio::io_context context;
    const test::Meeting meeting(test::Transport::tcp);
    test::run(context, [&]() -> asio::awaitable<void> {
        const auto connector = co_await vacant(context, meeting);
        int attempts = 0;
        auto options = test::quick_client();
        options.log = [&](communica::LogLevel, std::string_view text) {
            attempts += text.starts_with("no connection") ? 1 : 0;
        };
        for (const int wanted : {1, 3}) {
            attempts = 0;
            RouteClient client(context, connector, options);
            const Error error = co_await error_of(client.connect({.attempts = wanted}));
            CHECK(error.code == asio::error::connection_refused);
            CHECK(error.message.starts_with("no connection to " + connector.address() + ": Connection refused"));
            CHECK(attempts == wanted);
            const Error pending = co_await error_of(client.request<int>("echo", 1));
            CHECK(pending.code == errc::closed);
        }
    });
    test::run_out(context);
}

TEST_CASE("an attempt has one time for the connection and the hello, and says where it stood") {
    asio::io_context context;
    test::ScriptedListener listener(context, test::Transport::tcp);  // takes connections, and says nothing
    auto options = test::quick_client();
    options.connect_timeout = 100ms;
    test::run(context, [&]() -> asio::awaitable<void> {
        RouteClient client(context, listener.connector(), options);
        const auto begin = std::chrono::steady_clock::now();
        const Error error = co_await error_of(client.connect({.attempts = 1}));
        CHECK(std::chrono::steady_clock::now() - begin >= 100ms);
        CHECK(error.code == errc::timeout);
        CHECK(error.message.find("connected, but no hello came") != std::string::npos);
    });
}

TEST_CASE("what will not go away ends connect and every request at once, with its reason") {
    asio::io_context context;
    for (const std::string& id : {std::string(1025, 'i'), std::string("\xff")}) {
        auto options = test::quick_client(id);
        CHECK(code_of([&] {
                  communica::RouteClient<communica::MemoryConnector> client(context, {}, options);
                  return 0;
              }) == errc::invalid_argument);
    }
    test::run(context, [&]() -> asio::awaitable<void> {
        const communica::TcpConnector nowhere("*", 1);
        communica::RouteClient<communica::TcpConnector> client(context, nowhere, test::quick_client());
        std::optional<Error> pending;
        client.request<int>("echo", 1, {.timeout = std::nullopt},
                            [&](const std::exception_ptr& failure, int) { pending = Error::from(failure); });
        const Error error = co_await error_of(client.connect());
        CHECK(error.code == errc::invalid_argument);
        CHECK(error.message.find("not where a client connects") != std::string::npos);
        co_await test::until([&] { return pending.has_value(); });
        CHECK(pending->code == errc::invalid_argument);
        CHECK(pending->message == error.message);
    });
    test::run_out(context);
}

TEST_CASE("a client may start before its server, and what it asks meanwhile waits") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);

    test::run(context, [&]() -> asio::awaitable<void> {
        const auto connector = co_await vacant(context, meeting);
        RouteClient client(context, connector, test::quick_client());
        client.start();
        client.start();
        std::vector<int> answers;
        for (int number = 0; number != 3; ++number) {
            client.request<int>("echo", number, [&](std::exception_ptr, int answer) { answers.push_back(answer); });
        }
        const Error impatient = co_await error_of(client.wait_connected({.timeout = 20ms}));
        CHECK(impatient.code == errc::timeout);
        CHECK_FALSE(client.is_connected());

        RouteServer server(context, connector, echoing());
        co_await server.start();
        co_await client.wait_connected();
        CHECK(client.is_connected());
        co_await test::until([&] { return answers.size() == 3; });
        CHECK(answers == std::vector{0, 1, 2});
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("requests and notifications made before the connection go out in their order") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::vector<int> seen;
    Routes routes;
    routes.add("see", [&](int number) { seen.push_back(number); });
    RouteServer server(context, meeting.at_server(), routes);
    std::vector<int> sent;
    int done = 0;

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient client(context, meeting.at_client(server), test::quick_client());
        const auto count = [&](std::exception_ptr failure) { done += failure ? 0 : 1; };
        for (int number = 0; number != 100; ++number) {
            if (number % 3 == 0) {
                client.notify("see", number, count);
            } else {
                client.request<void>("see", number, count);
            }
            sent.push_back(number);
        }
        co_await client.connect();
        co_await test::until([&] { return done == 100 && seen.size() == 100; });
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    CHECK(seen == sent);
}

TEST_CASE("a client says whether it is connected") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    RouteServer server(context, meeting.at_server(), Routes());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient client(context, meeting.at_client(server), test::quick_client());
        CHECK_FALSE(client.is_connected());
        co_await client.connect();
        CHECK(client.is_connected());
        co_await client.connect();  // and again: it is connected
        co_await server.close();
        co_await test::until([&] { return !client.is_connected(); });

        RouteServer another(context, meeting.at_client(server), Routes());
        co_await another.start();
        co_await client.wait_connected();
        CHECK(client.is_connected());
        co_await client.close();
        CHECK_FALSE(client.is_connected());
        const Error stopped = co_await error_of(client.wait_connected());
        CHECK(stopped.code == errc::closed);
        co_await another.close();
    });
    test::run_out(context);
}

TEST_CASE("connect completes with a connection that ends at once, and the client comes back") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    RouteClient client(context, listener.connector(), Routes(), test::quick_client());
    int connected = 0;
    const auto count = [&](std::exception_ptr failure) { connected += failure ? 0 : 1; };

    test::run(context, [&]() -> asio::awaitable<void> {
        client.connect(count);
        client.wait_connected(count);
        test::ScriptedPeer short_lived = co_await listener.greet("client");
        short_lived.cut();
        test::ScriptedPeer next = co_await listener.accept();
        CHECK(connected == 2);
        CHECK_FALSE(client.is_connected());
        co_await client.close();
        next.cut();
    });
    test::run_out(context);
}

TEST_CASE("waiting for a connection ends with errc::closed when the client is stopped") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::vector<std::error_code> codes;

    test::run(context, [&]() -> asio::awaitable<void> {
        RouteClient client(context, co_await vacant(context, meeting), test::quick_client());
        const auto keep = [&](std::exception_ptr failure) { codes.push_back(Error::from(failure).code); };
        client.connect(keep);
        client.connect(communica::ConnectOptions{.timeout = test::patience}, keep);
        client.wait_connected(keep);
        const Error timeout = co_await error_of(client.wait_connected({.timeout = 5ms}));
        CHECK(timeout.code == errc::timeout);
        client.stop();
        co_await test::until([&] { return codes.size() == 3; });
    });
    test::run_out(context);
    CHECK(codes == std::vector<std::error_code>(3, errc::closed));
}

TEST_CASE("a client is known by the id that it was given, or by a random one") {
    asio::io_context context;
    std::set<std::string> ids;
    for (int round = 0; round != 10; ++round) {
        const communica::SimpleClient client(context, communica::MemoryConnector());
        CHECK(client.client_id().size() == 32);
        CHECK(client.client_id().find_first_not_of("0123456789abcdef") == std::string::npos);
        ids.insert(client.client_id());
    }
    CHECK(ids.size() == 10);
    const communica::RouteClient named(context, communica::MemoryConnector(), test::quick_client("ann"));
    CHECK(named.client_id() == "ann");
}

TEST_CASE("a server says where it listens") {
    asio::io_context context;
    RouteServer server(context, communica::TcpConnector("127.0.0.1", 0), Routes());
    CHECK(server.address() == "127.0.0.1:0");
    CHECK(code_of([&] { return server.connector_state(); }) == errc::not_connected);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const auto connector = communica::TcpConnector::load_state(server.connector_state());
        CHECK(connector.host() == "127.0.0.1");
        CHECK(connector.port() != 0);
        CHECK(server.address() == "127.0.0.1:" + std::to_string(connector.port()));
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a server that can not listen says why, and may try again") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    if (transport == test::Transport::rabbitmq) {
        WARN("skipped: over RabbitMQ several servers may share an address");
        return;
    }
    asio::io_context context;
    const test::Meeting meeting(transport);
    RouteServer first(context, meeting.at_server(), Routes());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await first.start();
        const auto connector = meeting.at_client(first);
        RouteServer second(context, connector, echoing());
        const Error start = co_await error_of(second.start());
        CHECK(start.code == asio::error::address_in_use);
        const Error run = co_await error_of(second.run());
        CHECK(run.code == asio::error::address_in_use);
        co_await first.close();
        co_await second.start();
        RouteClient client(context, connector, test::quick_client());
        CHECK_AWAITED(true, [](RouteClient& c) -> asio::awaitable<bool> {
            co_await c.connect();
            co_return co_await c.request<int>("echo", 7) == 7;
        }(client));
        co_await client.close();
        co_await second.close();
    });
    test::run_out(context);
}

TEST_CASE("names are resolved, and a host that does not exist is a reason like others") {
    asio::io_context context;
    RouteServer server(context, communica::TcpConnector("localhost", 0), echoing());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient client(context, communica::TcpConnector::load_state(server.connector_state()),
                           test::quick_client());
        co_await client.connect();
        CHECK_AWAITED(7, client.request<int>("echo", 7));
        co_await client.close();
        co_await server.close();

        RouteServer nowhere(context, communica::TcpConnector("host.invalid", 1), Routes());
        const Error error = co_await error_of(nowhere.start());
        CHECK(error.code);
        CHECK(error.message.find("host.invalid:1") != std::string::npos);
    });
    test::run_out(context);
}

}  // namespace connecting

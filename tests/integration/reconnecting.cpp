#include "support/pair.hpp"

namespace reconnecting {

using communica::errc;
using communica::Error;
using test::error_of;
using test::RouteClient;
using test::Routes;
using test::RouteServer;
using namespace std::chrono_literals;

namespace {

Routes echoing(std::string who) {
    Routes routes;
    routes.add("echo", [](int number) { return number; });
    routes.add("who", [who] { return who; });
    return routes;
}

}  // namespace

TEST_CASE("a client comes back to a server that was restarted, and what was asked meanwhile is answered") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);

    test::run(context, [&]() -> asio::awaitable<void> {
        std::optional<RouteServer> server(std::in_place, context, meeting.at_server(), echoing("first"));
        co_await server->start();
        const auto connector = meeting.at_client(*server);
        RouteClient client(context, connector, echoing("client"), test::quick_client());
        co_await client.connect();
        for (int round = 0; round != 5; ++round) {
            co_await server->close();
            server.reset();
            co_await test::until([&] { return !client.is_connected(); });
            std::optional<int> answer;
            std::optional<int> notified;
            client.request<int>("echo", round, [&](std::exception_ptr, int number) { answer = number; });
            client.notify("echo", round, [&](std::exception_ptr failure) { notified = failure ? 0 : 1; });

            server.emplace(context, connector, echoing(std::to_string(round)));
            std::optional<std::string> who;
            server->request<std::string>("who", nullptr, [&](std::exception_ptr, std::string text) { who = text; });
            co_await server->start();
            co_await test::until([&] { return answer && notified && who; });
            CHECK(answer == round);
            CHECK(notified == 1);
            CHECK(who == "client");
            CHECK_AWAITED(std::to_string(round), client.request<std::string>("who", nullptr));
            CHECK_AWAITED(round, server->client("client").request<int>("echo", round));
        }
        co_await client.close();
        co_await server->close();
    });
    test::run_out(context);
}

TEST_CASE("of two clients with the same id the newest is the one that the server talks to") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    RouteServer server(context, meeting.at_server(), echoing("server"));
    communica::ClientOptions slow = test::quick_client("same");
    slow.backoff = communica::BackoffOptions{.first = 1h, .most = 1h};  // the first does not fight back

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient older(context, meeting.at_client(server), echoing("older"), slow);
        co_await older.connect();
        CHECK_AWAITED("older", server.client("same").request<std::string>("who", nullptr));
        RouteClient newer(context, meeting.at_client(server), echoing("newer"), slow);
        co_await newer.connect();
        co_await test::until([&] { return !older.is_connected(); });
        CHECK(server.client_ids() == std::vector<std::string>{"same"});
        for (int round = 0; round != 10; ++round) {
            CHECK_AWAITED("newer", server.client("same").request<std::string>("who", nullptr));
            CHECK_AWAITED("newer", server.request<std::string>("who", nullptr));
            CHECK_AWAITED("server", newer.request<std::string>("who", nullptr));
        }
        co_await newer.close();
        co_await older.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a request at work in a client that closes is answered as closed, and the client may come back") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    communica::ServerOptions options;
    options.resume_window = 30ms;
    RouteServer server(context, meeting.at_server(), Routes(), options);
    test::Event released;
    Routes routes;
    routes.add("late", [&](int) { return released.wait(); });

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient client(context, meeting.at_client(server), routes, test::quick_client());
        co_await client.connect();
        std::vector<std::error_code> codes;
        const auto keep = [&](std::exception_ptr failure) { codes.push_back(Error::from(failure).code); };
        server.client("client").request<void>("late", 1, keep);
        server.request<void>("late", 1, {.timeout = std::nullopt}, keep);
        co_await error_of(server.request<void>("undefined", 1));  // so the others have been sent
        co_await client.close();
        co_await test::until([&] { return codes.size() == 2; });
        CHECK(codes == std::vector<std::error_code>(2, errc::closed));
        released.set();

        co_await client.connect();  // and again it is known
        const Error undefined = co_await error_of(server.client("client").request<void>("undefined", 1));
        CHECK(undefined.kind == Error::Kind::requester);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a request at work in a server that closes is answered as closed, and one that has not gone out waits on") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::Event released;
    Routes routes;
    routes.add("late", [&](int) { return released.wait(); });
    RouteServer server(context, meeting.at_server(), routes);
    communica::ClientOptions options = test::quick_client();
    options.resume_window = 30ms;

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient client(context, meeting.at_client(server), options);
        co_await client.connect();
        std::vector<std::error_code> codes;
        const auto keep = [&](std::exception_ptr failure) { codes.push_back(Error::from(failure).code); };
        client.request<void>("late", 1, keep);
        co_await error_of(client.request<void>("undefined", 1));
        co_await server.close();
        co_await test::until([&] { return !client.is_connected(); });
        client.request<void>("late", 2, {.timeout = 200ms}, keep);  // this one has not gone out: it waits on
        co_await test::until([&] { return codes.size() == 1; });
        CHECK(codes.front() == errc::closed);
        co_await test::until([&] { return codes.size() == 2; });
        CHECK(codes.back() == errc::timeout);
        released.set();
        co_await client.close();
    });
    test::run_out(context);
}

}  // namespace reconnecting

// What entities tell their owners, and ask them.
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <string>
#include <utility>
#include <vector>

namespace hooks {

using communica::errc;
using communica::Error;
using communica::LogLevel;
using test::error_of;
using test::RouteClient;
using test::Routes;
using test::RouteServer;
using test::ScriptedPeer;
using namespace std::chrono_literals;

namespace {

Routes echo() {
    Routes table;
    table.add("echo", [](int number) { return number; });
    return table;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a server's hook sees who wants in, and the client that it refuses learns why") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::vector<communica::Hello> seen;
    communica::ServerOptions options;
    options.on_accept = [&](const communica::Hello& hello) -> std::optional<std::string> {
        seen.push_back(hello);
        return hello.client_id == "stranger" ? std::optional("strangers are not let in") : std::nullopt;
    };
    RouteServer server(context, meeting.at_server(), echo(), options);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient friendly(context, meeting.at_client(server), Routes{}, test::quick_client("friend"));
        co_await friendly.connect();
        RouteClient stranger(context, meeting.at_client(server), Routes{}, test::quick_client("stranger"));
        const Error refused = co_await error_of(stranger.connect({.timeout = 20ms}));
        CHECK(refused.code == errc::timeout);
        CHECK(refused.message.find("strangers are not let in") != std::string::npos);
        CHECK(stranger.last_error().message.find("strangers are not let in") != std::string::npos);
        CHECK(server.client_ids() == Words{"friend"});
        CHECK_AWAITED(1, friendly.request<int>("echo", 1));
        REQUIRE(seen.size() >= 2);
        CHECK(seen[0].client_id == "friend");
        CHECK(seen[1].client_id == "stranger");
        CHECK(seen[0].credentials.uid.has_value() == (transport == test::Transport::local));
        if (transport == test::Transport::local) {
            CHECK(seen[0].credentials.uid == ::getuid());
            CHECK(seen[0].credentials.pid == ::getpid());
        }
        co_await friendly.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a hook that throws lets nobody in, and what it threw comes out of the context") {
    asio::io_context context;
    const test::Meeting meeting(test::Transport::local);
    communica::ServerOptions options;
    options.on_accept = [](const communica::Hello&) -> std::optional<std::string> { throw std::out_of_range("hook"); };
    RouteServer server(context, meeting.at_server(), echo(), options);
    RouteClient client(context, meeting.at_client(server), Routes{}, test::quick_client());
    test::run(context, [&]() -> asio::awaitable<void> { co_await server.start(); });
    CHECK_THROWS_AS(test::run(context, [&]() -> asio::awaitable<void> { co_await client.connect({.timeout = 1h}); }),
                    std::out_of_range);
    CHECK(server.client_ids().empty());
    client.stop();
    server.stop();
    for (bool done = false; !done;) {
        try {
            test::run_out(context);
            done = true;
        } catch (const std::out_of_range&) {  // each attempt has its own
        }
    }
}

TEST_CASE("both sides are told of connections and of how they ended") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    Words at_server;
    Words at_client;
    communica::ServerOptions server_options;
    server_options.on_connect = [&](const std::string& id) { at_server.push_back(id + " connected"); };
    server_options.on_disconnect = [&](const std::string& id, const Error& why) {
        at_server.push_back(id + " " + why.code.message());
    };
    auto client_options = test::quick_client("ann");
    client_options.on_connect = [&] { at_client.push_back("connected"); };
    client_options.on_disconnect = [&](const Error& why) { at_client.push_back(why.code.message()); };
    std::optional<RouteServer> server(std::in_place, context, meeting.at_server(), echo(), server_options);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server->start();
        const auto connector = meeting.at_client(*server);
        RouteClient client(context, connector, Routes{}, client_options);
        co_await client.connect();
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        co_await server->close();
        co_await test::until([&] { return at_client.size() == 2; });
        server.emplace(context, connector, echo(), server_options);
        co_await server->start();
        co_await test::until([&] { return at_client.size() == 3 && at_server.size() == 3; });
        co_await client.close();
        co_await test::until([&] { return at_server.size() == 4; });
        co_await server->close();
    });
    test::run_out(context);
    CHECK(at_client == Words{"connected", "closed", "connected", "closed"});
    CHECK(at_server == Words{"ann connected", "ann closed", "ann connected", "ann closed"});
}

TEST_CASE("what goes wrong is logged with a level, and nothing is logged once the entity is destroyed") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::vector<std::pair<LogLevel, std::string>> said;
    const auto has_said = [&](LogLevel level, std::string_view part) {
        return std::any_of(said.begin(), said.end(), [&](const auto& line) {
            return line.first == level && line.second.find(part) != std::string::npos;
        });
    };
    communica::ServerOptions options;
    options.log = [&](LogLevel level, std::string_view text) { said.emplace_back(level, text); };
    options.on_accept = [](const communica::Hello& hello) {
        return hello.client_id == "refused" ? std::optional<std::string>("no") : std::nullopt;
    };
    std::optional<RouteServer> server(std::in_place, context, meeting.at_server(), echo(), options);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server->start();
        const std::string state = server->connector_state();
        ScriptedPeer bad = co_await ScriptedPeer::connect(state);
        co_await bad.send(std::string("not JSON") + '\0');
        co_await bad.read_to_end();
        ScriptedPeer refused = co_await ScriptedPeer::connect(state);
        co_await refused.send(test::client_hello("refused"));
        co_await refused.read_to_end();
        ScriptedPeer good = co_await ScriptedPeer::greet(state, "good");
        co_await good.send(test::u32(1) + '\x7f');
        co_await good.expect_end();
        co_await test::until([&] { return has_said(LogLevel::info, "client \"good\" is gone"); });
        CHECK(has_said(LogLevel::warning, "a client was refused: "));
        CHECK(has_said(LogLevel::info, "client \"good\" connected"));
        ScriptedPeer last = co_await ScriptedPeer::greet(state, "last");
        co_await test::until([&] { return has_said(LogLevel::info, "client \"last\" connected"); });
        const auto lines = said.size();
        server.reset();
        co_await last.read_to_end();
        CHECK(said.size() == lines);
    });
    test::run_out(context);
    CHECK_FALSE(has_said(LogLevel::info, "client \"last\" is gone"));
}

TEST_CASE("an idempotent request that was sent when the connection broke is sent again, another is not") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    auto options = test::quick_client();
    options.resume_window = 1h;
    RouteClient client(context, listener.connector(), Routes{}, options);

    test::run(context, [&]() -> asio::awaitable<void> {
        client.start();
        std::vector<int> answers;
        const auto keep = [&](std::exception_ptr, int number) { answers.push_back(number); };
        client.request<int>("once", 1, {.timeout = 1h}, keep);
        client.request<int>("again", 2, {.timeout = 1h, .idempotent = true}, keep);
        ScriptedPeer first = co_await listener.accept();
        co_await first.expect_client_hello("client");
        co_await first.send(test::server_hello);
        const auto once = co_await first.read_message();
        const auto again = co_await first.read_message();
        CHECK(once.body == "1");
        CHECK(again.body == "2");
        first.cut();

        ScriptedPeer second = co_await listener.accept();
        co_await second.expect_client_hello("client");
        co_await second.send(test::server_hello);
        const auto repeated = co_await second.read_message();
        CHECK(repeated.body == "2");
        CHECK(repeated.id() == again.id());
        client.request<int>("next", 3, {.timeout = 1h}, keep);
        const auto next = co_await second.read_message();
        CHECK(next.body == "3");  // nothing else came before it
        // The answer to what was sent over the first connection may still come over the second.
        co_await second.send(next.answer(11, "3") + repeated.answer(11, "2") + once.answer(11, "1") +
                             repeated.answer(11, "0"));
        co_await test::until([&] { return answers.size() == 3; });
        CHECK(answers == std::vector{3, 2, 1});
        co_await client.close();
        second.cut();
    });
    test::run_out(context);
}

TEST_CASE("a request that does not want to wait for a connection fails at once when there is none") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    RouteServer server(context, meeting.at_server(), echo());
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient client(context, meeting.at_client(server), Routes{}, test::quick_client());
        Error error = co_await error_of(client.request<int>("echo", 1, {.wait_for_connection = false}));
        CHECK(error.code == errc::not_connected);
        co_await client.connect();
        CHECK_AWAITED(1, client.request<int>("echo", 1, {.wait_for_connection = false}));
        co_await server.close();
        co_await test::until([&] { return !client.is_connected(); });
        error = co_await error_of(client.request<int>("echo", 1, {.wait_for_connection = false}));
        CHECK(error.code == errc::not_connected);
        co_await client.close();
    });
    test::run_out(context);
}

}  // namespace hooks

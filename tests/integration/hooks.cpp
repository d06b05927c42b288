// What an entity tells its user besides answers, and what the user decides: who may enter, and what is worth waiting for.
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"
#include "support/system.hpp"

#include <algorithm>
#include <cerrno>

namespace hooks {

using communica::errc;
using communica::Error;
using communica::LogLevel;
using test::error_of;
using test::message_frame;
using test::RouteClient;
using test::Routes;
using test::RouteServer;
using test::ScriptedPeer;
using test::Transport;
using namespace std::chrono_literals;

namespace {

Routes echoing() {
    Routes routes;
    routes.add("echo", [](int number) { return number; });
    return routes;
}

/// All that an entity told, in order.
struct Told {
    void add(std::string line) { lines.push_back(std::move(line)); }
    bool has(std::string_view part) const {
        return std::any_of(lines.begin(), lines.end(),
                           [&](const std::string& line) { return line.find(part) != line.npos; });
    }
    /// All lines so far, which are forgotten.
    std::string take() {
        std::string all;
        for (const std::string& line : std::exchange(lines, {})) {
            all += (all.empty() ? "" : ", ") + line;
        }
        return all;
    }
    auto log() {
        return [this](LogLevel level, std::string_view text) {
            constexpr const char* names[] = {"debug", "info", "warning", "error"};
            add(std::string(names[static_cast<int>(level)]) + ": " + std::string(text));
        };
    }

    std::vector<std::string> lines;
};
using Lines = std::vector<std::string>;

std::string name_of(const std::error_code& code) {
    for (const auto& [value, name] :
         {std::pair{errc::closed, "closed"}, std::pair{errc::replaced, "replaced"},
          std::pair{errc::connection_lost, "connection_lost"}, std::pair{errc::protocol_error, "protocol_error"}}) {
        if (code == value) {
            return name;
        }
    }
    return code.message();
}

communica::ServerOptions telling_server(Told& told) {
    communica::ServerOptions options;
    options.on_connect = [&](const std::string& id) { told.add("+" + id); };
    options.on_disconnect = [&](const std::string& id, const Error& why) {
        told.add("-" + id + " " + name_of(why.code));
    };
    return options;
}

communica::ClientOptions telling_client(Told& told, std::string id = "ann") {
    communica::ClientOptions options = test::quick_client(std::move(id));
    options.on_connect = [&] { told.add("+"); };
    options.on_disconnect = [&](const Error& why) { told.add("-" + name_of(why.code)); };
    return options;
}

}  // namespace

TEST_CASE("the accept hook sees who comes, and the reason of its refusal gets to the client") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::vector<communica::ClientInfo> seen;
    Told told;
    communica::ServerOptions options;
    options.log = told.log();
    options.on_accept = [&](const communica::ClientInfo& hello) -> std::optional<std::string> {
        seen.push_back(hello);
        return hello.client_id.starts_with("bad") ? std::optional("not you, " + hello.client_id) : std::nullopt;
    };
    RouteServer server(context, meeting.at_server(), echoing(), options);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient good(context, meeting.at_client(server), test::quick_client("good"));
        co_await good.connect();
        REQUIRE(seen.size() == 1);
        CHECK(seen[0].client_id == "good");
        const auto expected = transport == Transport::local ? test::own_credentials() : communica::Credentials();
        CHECK(seen[0].credentials.pid == expected.pid);
        CHECK(seen[0].credentials.is_same_user(expected));

        ScriptedPeer script = co_await ScriptedPeer::connect(server.connector_state());
        co_await script.send(test::client_hello("bad\\u00e9"));
        const std::string refusal = co_await script.read_to_end();
        REQUIRE(refusal.starts_with('\x04'));
        CHECK(nlohmann::json::parse(refusal.substr(1)) == nlohmann::json{{"reason", "not you, bad\xc3\xa9"}});

        Told of_client;
        RouteClient bad(context, meeting.at_client(server), telling_client(of_client, "bad"));
        const Error error = co_await error_of(bad.connect({.timeout = 100ms}));
        CHECK(error.code == errc::timeout);
        CHECK(error.message.find("not you, bad") != std::string::npos);
        CHECK(bad.last_error().code == errc::handshake_failed);
        CHECK(bad.last_error().message.find("not you, bad") != std::string::npos);
        CHECK(of_client.lines.empty());
        CHECK(told.has("warning: a client was refused: not you, bad"));

        CHECK(server.client_ids() == Lines{"good"});
        CHECK_AWAITED(1, good.request<int>("echo", 1));
        co_await bad.close();
        co_await good.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("an accept hook that throws lets nobody in, and what it throws leaves io_context::run") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    communica::ServerOptions options;
    options.on_accept = [&](const communica::ClientInfo& hello) -> std::optional<std::string> {
        if (hello.client_id == "odd") {
            throw std::runtime_error("what is odd?");
        }
        return std::nullopt;
    };
    RouteServer server(context, meeting.at_server(), echoing(), options);
    std::string refusal;
    const auto come = [&]() -> asio::awaitable<void> {
        ScriptedPeer odd = co_await ScriptedPeer::connect(server.connector_state());
        co_await odd.send(test::client_hello("odd"));
        refusal = co_await odd.read_to_end();
    };

    test::run(context, [&] { return server.start(); });
    const auto ending = test::spawn(context, come());
    std::string thrown;
    while (!ending->done) {
        try {
            context.restart();
            const auto ran = context.run_one_for(test::patience);
            REQUIRE(ran != 0);
        } catch (const std::runtime_error& e) {
            thrown = e.what();
        }
    }
    CHECK(thrown == "what is odd?");
    CHECK(refusal == "\x04{\"reason\":\"the server can't tell whether it may\"}");
    test::run(context, [&]() -> asio::awaitable<void> {
        RouteClient client(context, meeting.at_client(server), test::quick_client("even"));
        co_await client.connect();
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a server tells of each client that comes, and why it went") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    Told told;
    RouteServer server(context, meeting.at_server(), echoing(), telling_server(told));

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const std::string state = server.connector_state();
        const auto expect = [&](std::string all) -> asio::awaitable<void> {
            const auto count = static_cast<std::size_t>(std::count(all.begin(), all.end(), ',')) + 1;
            co_await test::until([&] { return told.lines.size() >= count; });
            CHECK(told.take() == all);
        };
        ScriptedPeer closing = co_await ScriptedPeer::greet(state, "closing");
        co_await closing.send(test::close_frame());
        co_await expect("+closing, -closing closed");
        ScriptedPeer lost = co_await ScriptedPeer::greet(state, "lost");
        lost.cut();
        co_await expect("+lost, -lost connection_lost");
        ScriptedPeer odd = co_await ScriptedPeer::greet(state, "odd");
        co_await odd.send(test::u32(0));
        co_await expect("+odd, -odd protocol_error");
        ScriptedPeer silent = co_await ScriptedPeer::connect(state);  // never came
        silent.cut();
        ScriptedPeer older = co_await ScriptedPeer::greet(state, "same");
        co_await test::until([&] { return told.lines.size() == 1; });
        ScriptedPeer newer = co_await ScriptedPeer::greet(state, "same");
        co_await older.expect(test::close_frame());
        older.cut();
        co_await expect("+same, +same, -same replaced");
        RouteClient client(context, meeting.at_client(server), test::quick_client("ours"));
        co_await client.connect();
        co_await client.close();
        co_await expect("+ours, -ours closed");
        server.stop();
        co_await newer.expect(test::close_frame());
        newer.cut();
        co_await expect("-same closed");
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a client tells of each connection that it has, and why it ended") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    Told told;

    test::run(context, [&]() -> asio::awaitable<void> {
        RouteClient client(context, listener.connector(), telling_client(told));
        CHECK_FALSE(client.last_error().code);
        client.start();
        std::size_t count = 0;
        const auto expect_next = [&](std::string line) -> asio::awaitable<void> {
            co_await test::until([&] { return told.lines.size() == count + 1; });
            CHECK(told.lines[count++] == line);
        };
        ScriptedPeer closing = co_await listener.greet("ann");
        co_await expect_next("+");
        co_await closing.send(test::close_frame());
        co_await expect_next("-closed");
        CHECK(client.last_error().code == errc::closed);
        ScriptedPeer lost = co_await listener.greet("ann");
        co_await expect_next("+");
        lost.cut();
        co_await expect_next("-connection_lost");
        CHECK(client.last_error().code == errc::connection_lost);
        ScriptedPeer refusing = co_await listener.accept();  // no connection: nothing is told
        co_await refusing.send("\x04{\"reason\": \"not now\"}");
        refusing.end();
        ScriptedPeer odd = co_await listener.accept();
        CHECK(client.last_error().code == errc::handshake_failed);
        CHECK(client.last_error().message.find("not now") != std::string::npos);
        co_await odd.send(test::server_hello + test::u32(0));
        co_await expect_next("+");
        co_await expect_next("-protocol_error");
        CHECK(client.last_error().code == errc::protocol_error);
        ScriptedPeer last = co_await listener.greet("ann");
        co_await expect_next("+");
        client.stop();
        co_await last.expect(test::close_frame());
        last.cut();
        co_await expect_next("-closed");
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("the last error says where no server is, and why") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    std::optional<test::ScriptedListener> listener(std::in_place, context, transport);
    const auto connector = listener->connector();
    listener.reset();

    test::run(context, [&]() -> asio::awaitable<void> {
        RouteClient client(context, connector, test::quick_client("ann"));
        const Error error = co_await error_of(client.connect({.timeout = 50ms}));
        CHECK(error.code == errc::timeout);
        CHECK(error.message.find(connector.address()) != std::string::npos);
        const Error last = client.last_error();
        CHECK((last.code.value() == static_cast<int>(asio::error::connection_refused) || last.code.value() == ENOENT));
        CHECK(error.message.find(last.code.message()) != std::string::npos);
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("the log says who comes and goes, and what went wrong, at levels") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    Told of_server;
    Told of_client;
    communica::ServerOptions options;
    options.log = of_server.log();
    RouteServer server(context, meeting.at_server(), echoing(), options);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        communica::ClientOptions client_options = test::quick_client("ann");
        client_options.log = of_client.log();
        RouteClient client(context, meeting.at_client(server), client_options);
        co_await client.connect();
        ScriptedPeer odd = co_await ScriptedPeer::connect(server.connector_state());
        co_await odd.send(std::string("not JSON") + '\0');
        co_await odd.read_to_end();
        ScriptedPeer half = co_await ScriptedPeer::connect(server.connector_state());
        co_await half.send("{");
        half.cut();
        co_await test::until([&] { return of_server.lines.size() == 3; });
        co_await server.close();
        co_await test::until([&] { return of_client.lines.size() >= 2; });
        co_await client.close();
        REQUIRE(of_server.lines.size() == 4);
        CHECK(of_server.lines[0] == "info: client \"ann\" connected");
        CHECK(of_server.lines[1].starts_with("warning: a client was refused: "));
        CHECK(of_server.lines[1].find("not JSON") != std::string::npos);
        CHECK(of_server.lines[2].starts_with("info: a handshake failed: "));
        CHECK(of_server.lines[3].starts_with("info: client \"ann\" is gone: "));
        const std::string address = meeting.at_client(server).address();
        CHECK(of_client.lines[0] == "info: connected to " + address);
        CHECK(of_client.lines[1].starts_with("info: no connection to " + address + ": closed"));
    });
    test::run_out(context);
}

TEST_CASE("a request that went out is sent again only if it is idempotent, with its id") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    communica::ClientOptions options = test::quick_client("ann");
    options.resume_window = 200ms;

    test::run(context, [&]() -> asio::awaitable<void> {
        RouteClient client(context, listener.connector(), options);
        client.start();
        ScriptedPeer first = co_await listener.greet("ann");
        co_await client.wait_connected();
        std::optional<int> answer;
        std::optional<Error> error;
        client.request<int>("any", 1, {.idempotent = true}, [&](std::exception_ptr, int number) { answer = number; });
        client.request<int>("any", 2, [&](std::exception_ptr failure, int) { error = Error::from(failure); });
        const auto sent = co_await first.read_message();
        co_await first.read_message();
        first.cut();
        ScriptedPeer second = co_await listener.greet("ann");
        const auto again = co_await second.read_message();
        CHECK(again.metadata == sent.metadata);
        CHECK(again.body == "1");
        second.cut();  // and once more
        ScriptedPeer third = co_await listener.greet("ann");
        const auto once_more = co_await third.read_message();
        CHECK(once_more.metadata == sent.metadata);
        client.request<int>("any", 3, [](std::exception_ptr, int) {});
        const auto next = co_await third.read_message();  // the other one did not come between
        CHECK(next.body == "3");
        co_await third.send(once_more.answer(11, "11"));
        co_await test::until([&] { return answer.has_value(); });
        CHECK(answer == 11);
        CHECK_FALSE(error);
        third.cut();  // for longer than the window
        co_await test::until([&] { return error.has_value(); });
        CHECK(error->code == errc::connection_lost);
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("a server with another session fails what was sent at once, and gets again what is idempotent") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    const auto greet = [&](std::string session) -> asio::awaitable<ScriptedPeer> {
        ScriptedPeer server = co_await listener.accept();
        co_await server.expect_client_hello("ann");
        co_await server.send(R"({"hello": "hello", "communica": {"session": ")" + session + "\"}}" + '\0');
        co_return server;
    };

    test::run(context, [&]() -> asio::awaitable<void> {
        RouteClient client(context, listener.connector(), test::quick_client("ann"));
        client.start();
        ScriptedPeer first = co_await greet("one");
        co_await client.wait_connected();
        std::optional<int> answer;
        std::optional<Error> error;
        client.request<int>("any", 1, {.idempotent = true}, [&](std::exception_ptr, int number) { answer = number; });
        client.request<int>("any", 2, [&](std::exception_ptr failure, int) { error = Error::from(failure); });
        co_await first.read_message();
        co_await first.read_message();
        first.cut();
        ScriptedPeer same = co_await greet("one");
        const auto again = co_await same.read_message();
        CHECK(again.body == "1");
        CHECK_FALSE(error);
        same.cut();
        ScriptedPeer other = co_await greet("two");
        co_await test::until([&] { return error.has_value(); });
        CHECK(error->code == errc::connection_lost);
        const auto once_more = co_await other.read_message();
        CHECK(once_more.body == "1");
        co_await other.send(once_more.answer(11, "11"));
        co_await test::until([&] { return answer.has_value(); });
        CHECK(answer == 11);
        client.stop();
        co_await other.expect(test::close_frame());
        other.cut();
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("who does not want to wait for a connection is told at once that there is none, on both sides") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    RouteServer server(context, meeting.at_server(), echoing());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient client(context, meeting.at_client(server), echoing(), test::quick_client("ann"));
        auto ann = server.client("ann");
        const communica::RequestOptions impatient{.wait_for_connection = false};
        const Error request = co_await error_of(client.request<int>("echo", 1, impatient));
        CHECK(request.code == errc::not_connected);
        const Error notification = co_await error_of(client.notify("echo", 1, impatient));
        CHECK(notification.code == errc::not_connected);
        const Error to_absent = co_await error_of(ann.request<int>("echo", 1, impatient));
        CHECK(to_absent.code == errc::not_connected);
        const Error to_any = co_await error_of(server.request<int>("echo", 1, impatient));
        CHECK(to_any.code == errc::not_connected);
        co_await client.connect();
        CHECK_AWAITED(1, client.request<int>("echo", 1, impatient));
        co_await client.notify("echo", 1, impatient);
        CHECK_AWAITED(1, ann.request<int>("echo", 1, impatient));
        CHECK_AWAITED(1, server.request<int>("echo", 1, impatient));
        co_await server.close();
        co_await test::until([&] { return !client.is_connected(); });
        const Error error = co_await error_of(client.request<int>("echo", 1, impatient));
        CHECK(error.code == errc::not_connected);
        co_await client.close();
    });
    test::run_out(context);
}

}  // namespace hooks

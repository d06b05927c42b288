// The other side gives no sign of life any more: who answers pings is found out, who does not know them is left to the
// system (keep_alive_unix.cpp).
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

namespace silence {

using communica::errc;
using communica::Error;
using test::error_of;
using test::message_frame;
using test::ping_frame;
using test::pong_frame;
using test::RouteClient;
using test::Routes;
using test::RouteServer;
using test::ScriptedPeer;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto liveness_timeout = 300ms;
/// How late timers may be on a busy machine.
constexpr auto lateness = 15s;

struct Ending {
    std::string who;
    Error why;
};

struct Watchful {
    explicit Watchful(test::Transport transport, std::chrono::milliseconds resume_window = 10s)
        : meeting(transport), server(context, meeting.at_server(), routes(), options_of(resume_window)) {}

    communica::ServerOptions options_of(std::chrono::milliseconds resume_window) {
        communica::ServerOptions options;
        options.limits.liveness_timeout = liveness_timeout;
        options.resume_window = resume_window;
        options.on_disconnect = [this](const std::string& id, const Error& why) { gone.push_back({id, why}); };
        return options;
    }

    static Routes routes() {
        Routes table;
        table.add("echo", [](int number) { return number; });
        return table;
    }

    template <class Body>
    void run(Body body) {
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            RouteClient steady(context, meeting.at_client(server), test::quick_client("steady"));
            co_await steady.connect();
            co_await body(server.connector_state());
            CHECK_AWAITED(7, steady.request<int>("echo", 7));
            co_await steady.close();
            co_await server.close();
        });
        test::run_out(context);
    }

    asio::io_context context;
    test::Meeting meeting;
    std::vector<Ending> gone;
    RouteServer server;
};

std::string echo(const std::string& id, int type, const std::string& body) {
    return message_frame(R"({"id": ")" + id + R"(", "type": )" + std::to_string(type) + R"(, "route": "echo"})", body);
}

/// Nothing but pings, and at least one.
bool are_pings(std::string bytes) {
    const bool any = !bytes.empty();
    while (bytes.starts_with(ping_frame())) {
        bytes.erase(0, ping_frame().size());
    }
    return any && bytes.empty();
}

asio::awaitable<ScriptedPeer> greet_with_ping(test::ScriptedListener& listener) {
    ScriptedPeer server = co_await listener.accept();
    co_await server.expect_client_hello("ann");
    co_await server.send(R"({"hello": "hello", "communica": {"session": "s", "extensions": ["ping"]}})" +
                         std::string(1, '\0'));
    co_return server;
}

}  // namespace

TEST_CASE(
    "a client that offers pings and falls silent is found out in time, and what was asked of it ends as promised") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    constexpr auto window = 200ms;
    Watchful watchful(transport, window);

    watchful.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer silent = co_await ScriptedPeer::greet_offering(state, "ann", "\"ping\"");
        const auto begin = Clock::now();
        std::optional<Error> error;
        watchful.server.client("ann").request<int>(
            "any", 1, {.timeout = std::nullopt},
            [&](std::exception_ptr failure, int) { error = Error::from(failure); });
        co_await silent.read_message();
        const std::string rest = co_await silent.read_to_end();
        CHECK(are_pings(rest));
        const auto found = Clock::now();
        CHECK(found - begin > liveness_timeout / 2);
        CHECK(found - begin < liveness_timeout + lateness);
        co_await test::until([&] { return watchful.gone.size() == 1; });
        CHECK(watchful.gone[0].who == "ann");
        CHECK(watchful.gone[0].why.code == errc::connection_lost);
        CHECK(watchful.gone[0].why.message.find("no sign of life") != std::string::npos);

        // What was sent waits for the resume window, what was not for the client.
        std::optional<int> waited;
        watchful.server.client("ann").request<int>("any", 2, {.timeout = std::nullopt},
                                                   [&](std::exception_ptr, int number) { waited = number; });
        co_await test::until([&] { return error.has_value(); });
        CHECK(error->code == errc::connection_lost);
        CHECK(Clock::now() - begin > window + liveness_timeout / 2);
    });
}

TEST_CASE("a server that offers pings and falls silent is found out in time, and its client comes back") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    communica::ClientOptions options = test::quick_client("ann");
    options.limits.liveness_timeout = liveness_timeout;
    std::vector<Error> endings;
    options.on_disconnect = [&](const Error& why) { endings.push_back(why); };

    test::run(context, [&]() -> asio::awaitable<void> {
        RouteClient client(context, listener.connector(), options);
        client.start();
        ScriptedPeer silent = co_await greet_with_ping(listener);
        const auto begin = Clock::now();
        co_await client.wait_connected();
        std::optional<int> sent;
        std::optional<int> again;
        client.request<int>("any", 1, [&](std::exception_ptr, int number) { sent = number; });
        client.request<int>("any", 2, {.idempotent = true}, [&](std::exception_ptr, int number) { again = number; });
        const auto first = co_await silent.read_message();
        co_await silent.read_message();
        const std::string rest = co_await silent.read_to_end();
        CHECK(are_pings(rest));
        CHECK(Clock::now() - begin > liveness_timeout / 2);
        CHECK(Clock::now() - begin < liveness_timeout + lateness);
        ScriptedPeer server = co_await greet_with_ping(listener);
        CHECK(endings.size() == 1);
        CHECK(endings.at(0).code == errc::connection_lost);
        CHECK(endings.at(0).message.find("no sign of life") != std::string::npos);
        CHECK(client.last_error().code == errc::connection_lost);
        const auto second = co_await server.read_message();
        CHECK(second.body == "2");
        co_await server.send(first.answer(11, "11") + second.answer(11, "22"));
        co_await test::until([&] { return sent && again; });
        CHECK(sent == 11);
        CHECK(again == 22);
        client.stop();
        co_await server.read_to_end();
        server.cut();
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("who answers pings, or says anything, is not cut off however long nobody asks anything") {
    const auto transport = GENERATE(test::scripted_transports());
    const std::string sign = GENERATE(pong_frame(), ping_frame(), echo("x", 11, "1"));
    CAPTURE(transport, test::readable(sign));
    Watchful watchful(transport);

    watchful.run([&](std::string state) -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::greet_offering(state, "ann", "\"ping\"");
        const auto begin = Clock::now();
        for (int pings = 0; pings < 3 || Clock::now() - begin < 3 * liveness_timeout;) {
            const std::string frame = co_await peer.read(ping_frame().size());
            if (frame == ping_frame()) {
                ++pings;
                co_await peer.send(sign);
            } else {
                CHECK(frame == pong_frame());
            }
        }
        CHECK(watchful.gone.empty());
    });
}

TEST_CASE("a client that offers no pings gets none, and is not cut off for its silence") {
    const auto transport = GENERATE(test::scripted_transports());
    const bool offers_others = GENERATE(false, true);
    CAPTURE(transport, offers_others);
    Watchful watchful(transport);

    watchful.run([&](std::string state) -> asio::awaitable<void> {
        std::optional<ScriptedPeer> peer;
        if (offers_others) {
            peer.emplace(co_await ScriptedPeer::greet_offering(state, "ann", "\"cancel\", \"goodbye\""));
        } else {
            peer.emplace(co_await ScriptedPeer::greet(state, "ann"));
        }
        // As long as another, who offers pings, needs to be cut off, and longer.
        ScriptedPeer other = co_await ScriptedPeer::greet_offering(state, "other", "\"ping\"");
        const auto begin = Clock::now();
        co_await other.read_to_end();
        co_await test::until([&] { return Clock::now() - begin > 3 * liveness_timeout; });
        co_await peer->send(echo("1", 1, "5"));
        co_await peer->expect(echo("1", 11, "5"));
        CHECK(watchful.gone.size() == 1);
        CHECK(watchful.gone.at(0).who == "other");
    });
}

TEST_CASE("a client keeps a silent server that offers no pings") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    communica::ClientOptions options = test::quick_client("ann");
    options.limits.liveness_timeout = liveness_timeout;
    int endings = 0;
    options.on_disconnect = [&](const Error&) { ++endings; };

    test::run(context, [&]() -> asio::awaitable<void> {
        RouteClient client(context, listener.connector(), options);
        client.start();
        ScriptedPeer server = co_await listener.greet("ann");
        const auto begin = Clock::now();
        co_await test::until([&] { return Clock::now() - begin > 3 * liveness_timeout; });
        CHECK(endings == 0);
        std::optional<int> answer;
        client.request<int>("any", 1, [&](std::exception_ptr, int number) { answer = number; });
        const auto request = co_await server.read_message();  // and no ping before it
        co_await server.send(request.answer(11, "11"));
        co_await test::until([&] { return answer.has_value(); });
        client.stop();
        co_await server.expect(test::close_frame());
        server.cut();
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("a peer of ours that hangs is found out, and comes back when it wakes") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Watchful watchful(transport);

    watchful.run([&](std::string) -> asio::awaitable<void> {
        asio::io_context other;  // of the one that hangs: nobody runs it then
        RouteClient client(other, watchful.meeting.at_client(watchful.server), test::quick_client("ann"));
        client.start();
        const auto awake_until = [&](auto predicate) {
            return test::until([&other, predicate] {
                other.restart();
                other.poll();
                return predicate();
            });
        };
        co_await awake_until([&] { return client.is_connected(); });
        const auto begin = Clock::now();
        co_await awake_until([&] { return Clock::now() - begin > 2 * liveness_timeout; });
        CHECK(watchful.gone.empty());
        co_await test::until([&] { return watchful.gone.size() == 1; });
        CHECK(watchful.gone[0].why.code == errc::connection_lost);
        std::optional<int> answer;
        client.request<int>("echo", 3, {.idempotent = true}, [&](std::exception_ptr, int number) { answer = number; });
        co_await awake_until([&] { return answer.has_value(); });
        CHECK(answer == 3);
        CHECK(watchful.gone.size() == 1);
        client.stop();
        other.restart();
        other.poll();
    });
}

}  // namespace silence

// How many clients a server takes, knows and waits for: each limit at, below and above it, with clients of ours and with
// those that offer nothing.
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <algorithm>

namespace limits_of_entities {

using communica::errc;
using communica::Error;
using test::error_of;
using test::message_frame;
using test::RouteClient;
using test::Routes;
using test::ScriptedPeer;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

struct Limited {
    Limited(test::Transport transport, communica::ServerOptions options)
        : meeting(transport), server(context, meeting.at_server(), routes(), std::move(options)) {}

    Routes routes() {
        Routes table;
        table.add("echo", [](int number) { return number; });
        table.add("late", [this](int number) -> asio::awaitable<int> {
            ++at_work;
            try {
                co_await released.wait();
            } catch (const asio::system_error&) {
                ++cancelled;
                throw;
            }
            co_return number;
        });
        return table;
    }

    template <class Body>
    void run(Body body) {
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            co_await body(server.connector_state());
            co_await server.close();
        });
        test::run_out(context);
    }

    RouteClient client(std::string id) {
        return {context, meeting.at_client(server), routes(), test::quick_client(std::move(id))};
    }

    bool has(const std::string& id) const {
        const auto ids = server.client_ids();
        return std::find(ids.begin(), ids.end(), id) != ids.end();
    }

    asio::io_context context;
    test::Meeting meeting;
    test::Event released;
    int at_work = 0;
    int cancelled = 0;
    test::RouteServer server;
};

std::string request(const std::string& id, const std::string& body, const std::string& route) {
    return message_frame(R"({"id": ")" + id + R"(", "type": 1, "route": ")" + route + "\"}", body);
}
std::string answer(const std::string& id, const std::string& body, const std::string& route) {
    return message_frame(R"({"id": ")" + id + R"(", "type": 11, "route": ")" + route + "\"}", body);
}

const std::string full = "the server has as many clients as it takes";

/// A script that offers nothing, or what a peer of ours offers.
asio::awaitable<ScriptedPeer> greet(std::string state, std::string id, bool offers) {
    if (!offers) {
        co_return co_await ScriptedPeer::greet(std::move(state), std::move(id));
    }
    co_return co_await ScriptedPeer::greet_offering(std::move(state), std::move(id),
                                                    R"("cancel", "deadline", "goodbye", "headers")");
}

}  // namespace

TEST_CASE("one client more than max_connections is refused with the reason, and let in when another has left") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.max_connections = 2;
    Limited limited(transport, options);

    limited.run([&](std::string state) -> asio::awaitable<void> {
        RouteClient ann = limited.client("ann");
        co_await ann.connect();
        ScriptedPeer bob = co_await ScriptedPeer::greet(state, "bob");  // at the limit

        ScriptedPeer refused = co_await ScriptedPeer::connect(state);
        co_await refused.send(test::client_hello("carol"));
        const std::string refusal = co_await refused.read_to_end();
        REQUIRE(refusal.starts_with('\x04'));
        CHECK(nlohmann::json::parse(refusal.substr(1)) == nlohmann::json{{"reason", full}});
        RouteClient dave = limited.client("dave");
        const Error given_up = co_await error_of(dave.connect({.timeout = 100ms}));
        CHECK(given_up.code == errc::timeout);
        CHECK(given_up.message.find(full) != std::string::npos);
        CHECK(dave.last_error().message.find(full) != std::string::npos);

        // Who comes back takes no place of another's. (Not after a cut: what is left of dave's attempts might be let in.)
        ScriptedPeer bob_again = co_await ScriptedPeer::greet(state, "bob");
        bob.cut();
        co_await bob_again.send(request("1", "1", "echo"));
        co_await bob_again.expect(answer("1", "1", "echo"));
        CHECK_AWAITED(1, ann.request<int>("echo", 1));

        dave.start();
        bob_again.cut();
        co_await dave.wait_connected();
        CHECK_AWAITED(1, dave.request<int>("echo", 1));
        CHECK_AWAITED(1, ann.request<int>("echo", 1));
        co_await dave.close();
        co_await ann.close();
    });
}

TEST_CASE("with one connection more than max_handshakes that has not said hello the oldest of them goes") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.max_handshakes = 3;
    std::vector<std::string> warnings;
    options.log = [&](communica::LogLevel level, std::string_view text) {
        if (level == communica::LogLevel::warning) {
            warnings.emplace_back(text);
        }
    };
    Limited limited(transport, options);

    limited.run([&](std::string state) -> asio::awaitable<void> {
        std::vector<ScriptedPeer> silent;
        const auto add = [&](int count) -> asio::awaitable<void> {
            for (; count != 0; --count) {
                silent.push_back(co_await ScriptedPeer::connect(state));
            }
        };
        const auto greet_late = [&](ScriptedPeer& peer, std::string id) -> asio::awaitable<void> {
            co_await peer.send(test::client_hello(id) + request("1", "1", "echo"));
            co_await peer.expect(test::server_hello + answer("1", "1", "echo"));
        };
        co_await add(2);
        RouteClient ann = limited.client("ann");  // the third, for the moment of its handshake
        co_await ann.connect();
        CHECK_AWAITED(1, ann.request<int>("echo", 1));
        CHECK(warnings.empty());
        co_await greet_late(silent[0], "first");

        co_await add(2);
        ScriptedPeer third = co_await ScriptedPeer::greet(state, "bob");  // one more than three: silent[1] goes
        co_await silent[1].expect_end();
        CHECK(warnings.size() == 1);
        co_await greet_late(silent[2], "second");
        co_await greet_late(silent[3], "third");
        CHECK(warnings.size() == 1);
        CHECK_AWAITED(1, ann.request<int>("echo", 1));
        CHECK(limited.server.client_ids().size() == 5);
        co_await ann.close();
    });
}

TEST_CASE("a hello may take its time, but not longer than handshake_timeout, refused or not") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    constexpr auto time = 300ms;
    communica::ServerOptions options;
    options.handshake_timeout = time;
    options.max_connections = 1;
    int failed = 0;
    options.log = [&](communica::LogLevel, std::string_view text) {
        failed += text.find("handshake failed") != text.npos ? 1 : 0;
    };
    Limited limited(transport, options);

    limited.run([&](std::string state) -> asio::awaitable<void> {
        const auto begin = Clock::now();
        ScriptedPeer half = co_await ScriptedPeer::connect(state);
        co_await half.send(R"({"client_id": )");
        ScriptedPeer in_time = co_await ScriptedPeer::connect(state);
        co_await in_time.send_bytewise(test::client_hello("in time"));
        co_await in_time.expect(test::server_hello);
        co_await half.expect_end();
        CHECK(Clock::now() - begin > time / 2);
        CHECK(failed == 1);
        co_await in_time.send(request("1", "1", "echo"));  // the time is over for it too, and means nothing any more
        co_await in_time.expect(answer("1", "1", "echo"));

        // One that was refused and does not close does not stay either: the server closes without it.
        ScriptedPeer refused = co_await ScriptedPeer::connect(state);
        co_await refused.send(test::client_hello("refused"));
        co_await refused.read_to_end();
        const auto told = Clock::now();
        bool open = true;  // slowly: 64 KiB would close it too
        for (auto next = told; open && next - told < 20 * time; next += time / 10) {
            co_await test::until([&] { return Clock::now() > next; });
            open = !(co_await error_of(refused.send("x"))).code;
        }
        CHECK_FALSE(open);
    });
}

TEST_CASE("a server keeps what belongs to max_sessions clients that are away, and forgets the one longest away") {
    const auto transport = GENERATE(test::scripted_transports());
    const bool offers = GENERATE(false, true);
    CAPTURE(transport, offers);
    communica::ServerOptions options;
    options.max_sessions = 2;
    options.resume_window = 1h;
    Limited limited(transport, options);

    limited.run([&](std::string state) -> asio::awaitable<void> {
        const std::vector<std::string> ids{"ann", "bob", "carol"};
        std::vector<ScriptedPeer> peers;
        std::vector<std::pair<std::string, std::error_code>> lost;
        for (const std::string& id : ids) {
            peers.push_back(co_await greet(state, id, offers));
            co_await peers.back().send(request("1", "7", "late"));
            limited.server.client(id).request<int>(
                "any", 1, {.timeout = std::nullopt},
                [&lost, id](std::exception_ptr failure, int) { lost.emplace_back(id, Error::from(failure).code); });
            co_await peers.back().read_message();
        }
        co_await test::until([&] { return limited.at_work == 3; });
        const auto leave = [&](std::size_t index) {
            peers[index].cut();
            return test::until([&, index] { return !limited.has(ids[index]); });
        };
        co_await leave(0);
        co_await leave(1);
        RouteClient other = limited.client("other");
        co_await other.connect();
        CHECK_AWAITED(1, other.request<int>("echo", 1));
        CHECK(lost.empty());  // at the limit
        co_await leave(2);
        co_await test::until([&] { return !lost.empty(); });
        CHECK(lost == std::vector{std::pair<std::string, std::error_code>("ann", errc::connection_lost)});
        co_await test::until([&] { return limited.cancelled == 1; });

        // The other two find what they left.
        limited.released.set();
        ScriptedPeer bob = co_await greet(state, "bob", offers);
        co_await bob.expect(answer("1", "7", "late"));
        ScriptedPeer carol = co_await greet(state, "carol", offers);
        co_await carol.expect(answer("1", "7", "late"));
        ScriptedPeer ann = co_await greet(state, "ann", offers);
        co_await ann.send(request("2", "2", "echo"));
        co_await ann.expect(answer("2", "2", "echo"));
        CHECK(lost.size() == 1);
        limited.server.stop();
        co_await test::until([&] { return lost.size() == 3; });
        co_await other.close();
    });
}

TEST_CASE("what belongs to a client that does not come back is forgotten when the resume window ends, not before") {
    const auto transport = GENERATE(test::scripted_transports());
    const bool offers = GENERATE(false, true);
    CAPTURE(transport, offers);
    communica::ServerOptions options;
    constexpr auto window = 300ms;
    options.resume_window = window;
    Limited limited(transport, options);

    limited.run([&](std::string state) -> asio::awaitable<void> {
        std::optional<std::error_code> code;
        ScriptedPeer ann = co_await greet(state, "ann", offers);
        co_await ann.send(request("1", "7", "late"));
        limited.server.client("ann").request<int>(
            "any", 1, {.timeout = std::nullopt},
            [&](std::exception_ptr failure, int) { code = failure ? Error::from(failure).code : std::error_code(); });
        co_await ann.read_message();
        co_await test::until([&] { return limited.at_work == 1; });
        // It comes back at once, and once more: nothing is lost.
        for (int round = 0; round != 2; ++round) {
            ann.cut();
            co_await test::until([&] { return !limited.has("ann"); });
            ann = co_await greet(state, "ann", offers);
            co_await test::until([&] { return limited.has("ann"); });
        }
        CHECK_FALSE(code);
        CHECK(limited.cancelled == 0);

        const auto begin = Clock::now();
        ann.cut();
        co_await test::until([&] { return code.has_value(); });
        CHECK(Clock::now() - begin >= window);
        CHECK(*code == errc::connection_lost);
        co_await test::until([&] { return limited.cancelled == 1; });
        limited.released.set();
        ann = co_await greet(state, "ann", offers);
        co_await ann.send(request("2", "2", "echo"));
        co_await ann.expect(answer("2", "2", "echo"));  // and nothing before it
    });
}

TEST_CASE("a client's request that went out is given up when its resume window ends, and one that did not waits on") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    communica::ClientOptions options = test::quick_client("ann");
    constexpr auto window = 200ms;
    options.resume_window = window;

    test::run(context, [&]() -> asio::awaitable<void> {
        RouteClient client(context, listener.connector(), options);
        client.start();
        std::optional<ScriptedPeer> server(co_await listener.greet("ann"));
        std::optional<Error> error;
        client.request<int>("any", 1, [&](std::exception_ptr failure, int) { error = Error::from(failure); });
        co_await server->read_message();
        const auto begin = Clock::now();
        server->cut();
        co_await test::until([&] { return !client.is_connected(); });
        std::optional<int> waited;
        client.request<int>("any", 2, [&](std::exception_ptr, int number) { waited = number; });
        co_await test::until([&] { return error.has_value(); });  // nobody greets it meanwhile
        CHECK(Clock::now() - begin >= window);
        CHECK(error->code == errc::connection_lost);
        CHECK_FALSE(waited);
        server.emplace(co_await listener.greet("ann"));
        const auto second = co_await server->read_message();
        CHECK(second.body == "2");
        co_await server->send(second.answer(11, "22"));
        co_await test::until([&] { return waited.has_value(); });
        CHECK(waited == 22);
        client.stop();
        co_await server->expect(test::close_frame());
        server->cut();
        co_await client.close();
    });
    test::run_out(context);
}

}  // namespace limits_of_entities

// Each limit at, below and above it: towards a peer of ours, and towards a script that offers nothing, as the Python
// library does. What is over goes wrong for its sender alone. (max_message and the handshake's time with scripts:
// scripted_client.cpp. Exact bytes of the queues: tests/unit.)
#include "support/memory.hpp"
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <memory>
#include <string>
#include <vector>

namespace limits {

using communica::Counters;
using communica::errc;
using communica::Error;
using test::error_of;
using test::message_frame;
using test::RouteClient;
using test::Routes;
using test::RouteServer;
using test::ScriptedPeer;
using namespace std::chrono_literals;

namespace {

std::string request(const std::string& id, const std::string& route, const std::string& body) {
    return message_frame(R"({"id": ")" + id + R"(", "type": 1, "route": ")" + route + "\"}", body);
}

/// What a test wants to know of an answer.
struct Answer {
    int type = 0;
    int code = 0;
    std::string errc;
    bool operator==(const Answer&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Answer& answer) {
    return out << answer.type << ' ' << answer.code << ' ' << answer.errc;
}
const Answer good{11, 0, ""};
const Answer busy{51, 503, "busy"};

asio::awaitable<Answer> read_answer(ScriptedPeer& peer) {
    const auto message = co_await peer.read_message();
    const auto body = nlohmann::json::parse(message.body);
    const bool is_error = message.type() != 11;
    co_return Answer{message.type(), is_error ? body.at("code").get<int>() : 0,
                     is_error ? body.value("errc", "") : std::string()};
}

/// A server with limits. Its clients are made by the test.
struct Limited {
    explicit Limited(test::Transport transport, communica::ServerOptions options = {}) : meeting(transport) {
        options.counters = counters;
        options.on_disconnect = [this](const std::string&, const Error& why) { endings.push_back(why.code); };
        server.emplace(context, meeting.at_server(), routes(), options);
    }

    Routes routes() {
        Routes table;
        table.add("echo", [](nlohmann::json value) { return value; });
        table.add("late", [this](std::string text) -> asio::awaitable<std::size_t> {
            co_await released.wait();
            co_return text.size();
        });
        return table;
    }

    /// `body` is a coroutine. Nothing may be left to do after it.
    template <class Body>
    void run(Body body) {
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server->start();
            co_await body();
            for (auto& client : clients) {
                co_await client->close();
            }
            co_await server->close();
        });
        test::run_out(context);
    }

    RouteClient& make_client(communica::ClientOptions options = test::quick_client()) {
        clients.push_back(std::make_unique<RouteClient>(context, meeting.at_client(*server), Routes{}, options));
        return *clients.back();
    }
    asio::awaitable<void> at_work(std::size_t count) {
        co_await test::until([this, count] { return counters->at_work == count; });
    }
    void ask_late(RouteClient& client, std::size_t size) {
        client.request<std::size_t>(
            "late", std::string(size - 2, 'x'),
            [this](std::exception_ptr failure, std::size_t) { failure ? ++failed : ++answered; });
    }

    std::shared_ptr<Counters> counters = std::make_shared<Counters>();
    std::vector<std::error_code> endings;
    int answered = 0;
    int failed = 0;
    asio::io_context context;
    test::Meeting meeting;
    test::Event released;
    std::optional<RouteServer> server;
    std::vector<std::unique_ptr<RouteClient>> clients;
};

std::string nested(int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE(
    "a peer of ours sends a message of max_message bytes, and finds out by itself that a larger one is too large") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.limits.max_message = 1000;
    Limited limited(transport, options);

    limited.run([&]() -> asio::awaitable<void> {
        RouteClient& client = limited.make_client();
        co_await client.connect();
        std::size_t largest = 0;
        std::size_t bytes = 0;
        for (std::size_t size = 850; size != 1000; ++size) {
            const auto before = limited.counters->bytes_received.load();
            const Error error = co_await error_of(client.request<std::string>("echo", std::string(size, 'x')));
            if (!error.code) {
                largest = size;
                bytes = limited.counters->bytes_received - before;
            } else {
                CHECK(error.code == errc::message_too_large);
                CHECK(limited.counters->bytes_received == before);
                CHECK(largest != 0);
            }
        }
        const std::size_t framing = transport == test::Transport::memory ? 0 : 9;
        CHECK(bytes == 1000 + framing);
        CHECK_AWAITED("small", client.request<std::string>("echo", "small"));
    });
}

TEST_CASE("metadata may have max_metadata bytes: a peer of ours is told before it sends more, a script is cut off") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.limits.max_metadata = 200;
    Limited limited(transport, options);

    limited.run([&]() -> asio::awaitable<void> {
        const std::string metadata = R"({"id": "1", "type": 1, "route": "echo", "x": ")";
        for (const std::size_t size : {199u, 200u, 201u}) {
            ScriptedPeer peer = co_await ScriptedPeer::greet(limited.server->connector_state(), "ann");
            co_await peer.send(message_frame(metadata + std::string(size - metadata.size() - 2, 'x') + "\"}", "1"));
            if (size <= 200) {
                const Answer answer = co_await read_answer(peer);
                CHECK(answer == good);
            } else {
                co_await peer.expect_end();
            }
            peer.cut();
        }
        RouteClient& client = limited.make_client();
        co_await client.connect();
        const Error error = co_await error_of(client.request<int>(std::string(70'000, 'r'), 1));
        CHECK(error.code == errc::message_too_large);
        CHECK_AWAITED(1, client.request<int>("echo", 1));
    });
}

TEST_CASE("a body may be nested 128 deep") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    Limited limited(transport);

    limited.run([&]() -> asio::awaitable<void> {
        ScriptedPeer peer = co_await ScriptedPeer::greet(limited.server->connector_state(), "ann");
        co_await peer.send(request("1", "echo", nested(127)) + request("2", "echo", nested(128)) +
                           request("3", "echo", nested(129)) + request("4", "echo", "4"));
        std::vector<int> types;
        for (int number = 0; number != 4; ++number) {
            const auto message = co_await peer.read_message();
            types.push_back(message.type());
        }
        CHECK(types == std::vector{11, 11, 42, 11});
        peer.cut();

        RouteClient& client = limited.make_client();
        co_await client.connect();
        const auto deepest = nlohmann::json::parse(nested(128));
        CHECK_AWAITED(deepest, client.request("echo", deepest));
        const Error error = co_await error_of(client.request("echo", nlohmann::json::parse(nested(129))));
        CHECK(error.code == errc::serializer_error);
    });
}

TEST_CASE("max_requests may be at work for one connection, and one more is answered as busy") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.limits.max_requests = 2;
    Limited limited(transport, options);

    limited.run([&]() -> asio::awaitable<void> {
        RouteClient& client = limited.make_client();
        co_await client.connect();
        ScriptedPeer peer = co_await ScriptedPeer::greet(limited.server->connector_state(), "script");

        limited.ask_late(client, 10);
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        limited.ask_late(client, 10);
        const Error over = co_await error_of(client.request<int>("echo", 1));
        CHECK(over.code == errc::busy);
        CHECK(over.status == 503);

        co_await peer.send(request("1", "late", "\"\"") + request("2", "echo", "2"));
        Answer answer = co_await read_answer(peer);
        CHECK(answer == good);
        co_await peer.send(request("3", "late", "\"\"") + request("4", "echo", "4"));
        answer = co_await read_answer(peer);
        CHECK(answer == busy);

        limited.released.set();
        co_await test::until([&] { return limited.answered == 2; });
        for (int number = 0; number != 2; ++number) {
            answer = co_await read_answer(peer);
            CHECK(answer == good);
        }
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        peer.cut();
    });
}

TEST_CASE("requests at work may hold max_held bytes for one connection, and one more is answered as busy") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.limits.max_held = 10'000;
    Limited limited(transport, options);

    limited.run([&]() -> asio::awaitable<void> {
        RouteClient& client = limited.make_client();
        co_await client.connect();
        ScriptedPeer peer = co_await ScriptedPeer::greet(limited.server->connector_state(), "script");

        limited.ask_late(client, 9'000);
        limited.ask_late(client, 1'000);
        co_await limited.at_work(2);
        const Error over = co_await error_of(client.request<int>("echo", 1));
        CHECK(over.code == errc::busy);

        const auto text = [](std::size_t size) { return "\"" + std::string(size - 2, 'x') + "\""; };
        co_await peer.send(request("1", "late", text(9'000)) + request("2", "late", text(1'000)));
        co_await limited.at_work(4);
        co_await peer.send(request("3", "echo", "3"));
        Answer answer = co_await read_answer(peer);
        CHECK(answer == busy);

        limited.released.set();
        co_await test::until([&] { return limited.answered == 2; });
        for (int number = 0; number != 2; ++number) {
            answer = co_await read_answer(peer);
            CHECK(answer == good);
        }
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        peer.cut();
    });
}

TEST_CASE("all connections together may hold max_held_in_all bytes, and more is answered as busy") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.limits.max_held_in_all = 1'000'000;
    Limited limited(transport, options);

    limited.run([&]() -> asio::awaitable<void> {
        RouteClient& one = limited.make_client(test::quick_client("one"));
        RouteClient& two = limited.make_client(test::quick_client("two"));
        co_await one.connect();
        co_await two.connect();
        limited.ask_late(one, 400'000);
        limited.ask_late(two, 400'000);
        co_await limited.at_work(2);
        CHECK_AWAITED(1, one.request<int>("echo", 1));

        // While it comes in it counts, too: whole it would be more than there is.
        ScriptedPeer peer = co_await ScriptedPeer::greet(limited.server->connector_state(), "script");
        co_await peer.send(request("1", "echo", "\"" + std::string(400'000, 'x') + "\"") + request("2", "echo", "2"));
        Answer answer = co_await read_answer(peer);
        CHECK(answer == busy);
        answer = co_await read_answer(peer);
        CHECK(answer == good);
        const Error over = co_await error_of(one.request<std::string>("echo", std::string(400'000, 'x')));
        CHECK(over.code == errc::busy);

        limited.released.set();
        co_await test::until([&] { return limited.answered == 2; });
        const std::string large(400'000, 'x');
        CHECK_AWAITED(large, one.request<std::string>("echo", large));
        peer.cut();
    });
}

TEST_CASE("who does not read what it is refused with is closed as a slow peer, and no other") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.limits.max_refusals = 100'000;
    Limited limited(transport, options);

    limited.run([&]() -> asio::awaitable<void> {
        RouteClient& client = limited.make_client();
        co_await client.connect();
        ScriptedPeer peer = co_await ScriptedPeer::greet(limited.server->connector_state(), "script");
        std::string many;
        while (many.size() < 60'000) {
            many += request("1", "nowhere", "1");
        }
        bool open = true;
        while (open) {
            open = !(co_await error_of(peer.send(many))).code;
        }
        co_await test::until([&] { return !limited.endings.empty(); });
        CHECK(limited.endings == std::vector{make_error_code(errc::slow_peer)});
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        peer.cut();
    });
}

TEST_CASE("who takes nothing of what waits for it for max_stall is closed as a slow peer, and no other") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.limits.max_stall = 50ms;
    Limited limited(transport, options);

    limited.run([&]() -> asio::awaitable<void> {
        RouteClient& client = limited.make_client();
        co_await client.connect();
        ScriptedPeer stalled = co_await ScriptedPeer::greet(limited.server->connector_state(), "stalled");
        ScriptedPeer idle = co_await ScriptedPeer::greet(limited.server->connector_state(), "idle");
        co_await limited.server->client("stalled").notify("note", std::string(20'000'000, 'x'));
        co_await test::until([&] { return !limited.endings.empty(); });
        CHECK(limited.endings == std::vector{make_error_code(errc::slow_peer)});
        CHECK(limited.server->client("idle").is_connected());
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        stalled.cut();
        idle.cut();
    });
}

TEST_CASE("what waits to be sent may take max_unsent bytes, and one more request fails with queue_full") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    Limited limited(transport);
    const auto counters = std::make_shared<Counters>();

    limited.run([&]() -> asio::awaitable<void> {
        auto options = test::quick_client();
        options.counters = counters;
        options.limits.max_unsent = 10'000;
        RouteClient& client = limited.make_client(options);
        int answered = 0;
        int full = 0;
        std::vector<std::string> texts;
        for (int number = 0; number != 20; ++number) {
            client.request<std::string>("echo", std::string(1'000, 'x'), [&](std::exception_ptr failure, std::string) {
                if (failure) {
                    CHECK(Error::from(failure).code == errc::queue_full);
                    ++full;
                } else {
                    ++answered;
                }
            });
        }
        CHECK(counters->unsent >= 7);  // each counts with what it is kept in
        CHECK(counters->unsent <= 9);
        const int kept = static_cast<int>(counters->unsent);
        co_await client.connect();
        co_await test::until([&] { return answered + full == 20; });
        CHECK(answered == kept);
        for (int number = 0; number != 20; ++number) {  // there is a connection now: nothing has to wait
            CHECK_AWAITED("y", client.request<std::string>("echo", "y"));
        }
    });
}

TEST_CASE("max_connections clients are let in, and one more is told why it is not") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.max_connections = 2;
    Limited limited(transport, options);

    limited.run([&]() -> asio::awaitable<void> {
        ScriptedPeer one = co_await ScriptedPeer::greet(limited.server->connector_state(), "one");
        RouteClient& two = limited.make_client(test::quick_client("two"));
        co_await two.connect();

        ScriptedPeer three = co_await ScriptedPeer::connect(limited.server->connector_state());
        co_await three.send(test::client_hello("three"));
        const std::string refusal = co_await three.read_to_end();
        CHECK(refusal.find("as many clients as it takes") != std::string::npos);
        RouteClient& four = limited.make_client(test::quick_client("four"));
        const Error refused = co_await error_of(four.connect({.timeout = 50ms}));
        CHECK(refused.code == errc::timeout);
        CHECK(refused.message.find("as many clients as it takes") != std::string::npos);

        CHECK_AWAITED(2, two.request<int>("echo", 2));
        one.cut();
        co_await four.connect();
        CHECK_AWAITED(4, four.request<int>("echo", 4));
        three.cut();
    });
}

TEST_CASE("of more than max_handshakes connections that have not said hello the oldest goes") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.max_handshakes = 3;
    Limited limited(transport, options);

    limited.run([&]() -> asio::awaitable<void> {
        RouteClient& client = limited.make_client();
        co_await client.connect();
        std::vector<ScriptedPeer> silent;
        for (int number = 0; number != 4; ++number) {
            silent.push_back(co_await ScriptedPeer::connect(limited.server->connector_state()));
        }
        co_await silent.front().expect_end();
        for (std::size_t number = 1; number != 4; ++number) {
            co_await silent[number].send(test::client_hello("slow " + std::to_string(number)));
            co_await silent[number].expect(test::server_hello);
        }
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        for (ScriptedPeer& peer : silent) {
            peer.cut();
        }
    });
}

TEST_CASE("max_sessions clients that are away are remembered, and with one more the longest absent is forgotten") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    communica::ServerOptions options;
    options.max_sessions = 2;
    options.resume_window = 1h;
    Limited limited(transport, options);

    limited.run([&]() -> asio::awaitable<void> {
        std::vector<std::string> lost;
        for (const std::string id : {"one", "two", "three"}) {
            ScriptedPeer peer = co_await ScriptedPeer::greet(limited.server->connector_state(), id);
            co_await test::until([&] { return limited.server->client(id).is_connected(); });
            limited.server->client(id).request<int>("ask", 1, {.timeout = 1h}, [&, id](std::exception_ptr why, int) {
                if (Error::from(why).code == errc::connection_lost) {
                    lost.push_back(id);
                }
            });
            const auto asked = co_await peer.read_message();
            CHECK(asked.type() == 1);
            CHECK(lost.empty());
            peer.cut();
            co_await test::until([&] { return !limited.server->client(id).is_connected(); });
        }
        co_await test::until([&] { return !lost.empty(); });
        CHECK(lost == std::vector<std::string>{"one"});
    });
}

}  // namespace limits

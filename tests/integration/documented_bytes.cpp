// The conversations in docs/protocol.md, byte for byte, with a server.
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace documented_bytes {

using communica::Context;
using test::ScriptedPeer;

namespace {

/// What a side says: the client's lines begin with `>`, the server's with `<`.
struct Said {
    char side;
    std::string bytes;
};

std::string from_hex(const std::string& digits) {
    std::string bytes;
    for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
        bytes += static_cast<char>(std::stoi(digits.substr(at, 2), nullptr, 16));
    }
    return bytes;
}

/// The conversation under this heading. Its bytes are in lines of hexadecimal digits, comments between them.
std::vector<Said> conversation(const std::string& heading) {
    std::ifstream file(std::string(COMMUNICA_TEST_DATA_DIR) + "/../docs/protocol.md");
    std::vector<Said> all;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("## ")) {
            inside = line == "## " + heading;
        } else if (inside && (line.starts_with("    > ") || line.starts_with("    < "))) {
            all.push_back({line[4], from_hex(line.substr(6))});
        } else if (inside && line.starts_with("      ") && line[6] != ' ') {
            all.back().bytes += from_hex(line.substr(6));
        }
    }
    return all;
}

/// Sessions are drawn at random: any will do. Only local sockets have descriptors.
nlohmann::json without_session(const std::string& hello) {
    auto json = nlohmann::json::parse(hello);
    if (json.contains("communica")) {
        json["communica"]["session"] = "";
        json["communica"].erase("max_descriptors");
    }
    return json;
}

/// A line with extensions: sent, or expected; of a hello all but its session.
asio::awaitable<void> say_or_hear(ScriptedPeer& peer, const Said& line) {  // NOLINT(*-reference-coroutine-parameters)
    const auto& [side, bytes] = line;
    if (side == '<' && bytes.front() == '{') {
        const std::string hello = co_await peer.read_hello();
        CHECK(without_session(hello) == without_session(bytes.substr(0, bytes.size() - 1)));
    } else {
        side == '>' ? co_await peer.send(bytes) : co_await peer.expect(bytes);
    }
}

}  // namespace

TEST_CASE("a server says what the document's conversation without extensions says") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    const auto lines = conversation("A conversation");
    REQUIRE(lines.size() == 6);
    asio::io_context context;
    const test::Meeting meeting(transport);
    std::vector<std::string> notes;
    communica::SimpleServer<test::TestConnector> server(context, meeting.at_server(), [&](const std::string& text) {
        notes.push_back(text);
        return "Thanks for your '" + text + "'!";
    });
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        ScriptedPeer peer = co_await ScriptedPeer::connect(server.connector_state());
        for (const auto& [side, bytes] : lines) {
            side == '>' ? co_await peer.send(bytes) : co_await peer.expect(bytes);
        }
        co_await peer.expect_end();
        CHECK(notes == std::vector<std::string>{"hello", "bye"});
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a server says what the document's conversation with extensions says") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    const auto lines = conversation("A conversation with extensions");
    REQUIRE(lines.size() == 17);
    int cancelled = 0;
    test::Routes routes;
    routes.add("trace", [](Context& context) { return std::string(context.header("trace-id").value_or("")); });
    routes.add("work", [](Context& context) {
        context.progress(0.5);
        return 7;
    });
    routes.add("never", [&]() -> asio::awaitable<void> {
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        co_await never.async_wait(communica::no_throw);
        ++cancelled;
    });
    asio::io_context context;
    const test::Meeting meeting(transport);
    communica::ServerOptions options;
    options.introspection = communica::Introspection::off;
    test::RouteServer server(context, meeting.at_server(), routes, options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        ScriptedPeer peer = co_await ScriptedPeer::connect(server.connector_state());
        for (const Said& line : lines) {
            if (line.bytes.ends_with("\"draining\"")) {
                server.drain(test::patience, asio::detached);
            }
            co_await say_or_hear(peer, line);
        }
        co_await peer.expect_end();
        co_await test::until([&] { return cancelled == 1; });
    });
    test::run_out(context);
}

TEST_CASE("a server says what the document's conversation with a stream says") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    const auto lines = conversation("A conversation with a stream");
    REQUIRE(lines.size() == 7);
    test::Routes routes;
    routes.add("count", [](int last) -> communica::Stream<int> {
        for (int number = 1; number <= last; ++number) {
            co_yield number;
        }
    });
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::RouteServer server(context, meeting.at_server(), routes);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        ScriptedPeer peer = co_await ScriptedPeer::connect(server.connector_state());
        for (const Said& line : lines) {
            co_await say_or_hear(peer, line);
        }
        co_await peer.expect_end();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace documented_bytes

#include "support/catch.hpp"
#include "support/frames.hpp"
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"
#include "support/transports.hpp"

#include <communica/communica.hpp>

#include <exception>
#include <string>

namespace scripted_extensions {

namespace {

using communica::Route;
using communica::Stream;
using test::message_frame;
using test::Routes;
using test::ScriptedPeer;
using test::Transport;

inline constexpr Route<Stream<int>(int)> count{"count"};

Stream<int> count_to(int last) {
    for (int number = 1; number <= last; ++number) {
        co_yield number;
    }
}

}  // namespace

TEST_CASE("a stream is not opened under an id that its messages can't have, and its requester is told so") {
    Routes routes;
    routes.add(count, count_to);
    test::RoutePair pair(Transport::local, routes);
    pair.run([&]() -> asio::awaitable<void> {
        const std::string state = pair.server.connector_state();
        const std::string extensions = R"("streams")";
        ScriptedPeer peer = co_await ScriptedPeer::greet_offering(state, "ann", extensions);
        const std::string body = std::string("\0\0\x10\0\0\0\0\x10", 8) + "2";  // credit for 4,096 bytes and 16 items
        for (const char* const id :
             {"", R"("id": null, )", R"("id": 5, )", R"("id": {"a": 1}, )", R"("id": "", )", R"("id": "a\"b", )",
              R"("id": "a\\b", )", R"("id": "\n", )", R"("id": "\u00e9", )"}) {
            const std::string metadata = "{" + std::string(id) + R"("type": 7, "route": "count"})";
            CAPTURE(metadata);
            co_await peer.send(message_frame(metadata, body));
            const auto answer = co_await peer.read_message();
            CHECK(answer.type() == 41);
            CHECK(nlohmann::json::parse(answer.body).at("message") == "The id of a stream is a text of plain ASCII");
        }
        co_await peer.send(message_frame(R"({"id": "\u0061-1", "type": 7, "route": "count"})", body));
        const auto answer = co_await peer.read_message();
        CHECK(answer.type() == 11);
        const auto items = co_await peer.read_message();
        CHECK(items.metadata == R"({"id": "a-1", "type": 9})");
        CHECK(items.body == std::string("\1\0\0\0\1"
                                        "1"
                                        "\0\0\0\1"
                                        "2",
                                        11));
        peer.cut();
    });
}

TEST_CASE("how many notifications were handled is told as the protocol has it, and heard so") {
    asio::io_context context;
    const test::Meeting meeting(Transport::local);
    Routes routes;
    routes.add("event", [](int) {});
    communica::ServerOptions options;
    options.limits.max_requests = 8;  // half of them for notifications: each is told
    test::RouteServer server(context, meeting.at_server(), routes, options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const std::string state = server.connector_state();
        ScriptedPeer peer = co_await ScriptedPeer::connect(state);
        const std::string offer =
            R"({"session": "1", "notifications_ahead": [1, 100], "extensions": ["notifications"]})";
        co_await peer.send(R"({"client_id": "ann", "communica": )" + offer + "}" + '\0');
        co_await peer.read_hello();
        for (const char* const total : {"1", "2"}) {
            co_await peer.send(message_frame(R"({"id": "", "type": 2, "route": "event"})", "7"));
            const auto told = co_await peer.read_message();
            CHECK(told.metadata == R"({"id": "", "type": 12})");
            CHECK(told.body == total);
        }

        int sent = 0;
        for (int number = 0; number != 2; ++number) {
            server.client("ann").notify("tell", number, [&](const std::exception_ptr&) { ++sent; });
        }
        const auto first = co_await peer.read_message();
        CHECK(first.body == "0");
        CHECK(sent < 2);  // the second one waits
        co_await peer.send(message_frame(R"({"id": "", "type": 12})", "1"));
        const auto second = co_await peer.read_message();
        CHECK(second.body == "1");
        peer.cut();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace scripted_extensions

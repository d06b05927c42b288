#include "support/catch.hpp"
#include "support/frames.hpp"
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"
#include "support/transports.hpp"

#include <communica/communica.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

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

TEST_CASE("a peer that lies about how many notifications were handled gains and breaks nothing") {
    asio::io_context context;
    const test::Meeting meeting(Transport::local);
    communica::ServerOptions options;
    options.counters = std::make_shared<communica::Counters>();
    test::RouteServer server(context, meeting.at_server(), Routes(), options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const std::string state = server.connector_state();
        ScriptedPeer peer = co_await ScriptedPeer::connect(state);
        const std::string offer =
            R"({"session": "1", "notifications_ahead": [2, 1000000], "extensions": ["notifications"]})";
        co_await peer.send(R"({"client_id": "ann", "communica": )" + offer + "}" + '\0');
        co_await peer.read_hello();
        const auto report = [](const std::string& failed, const std::string& all) {
            return message_frame(R"({"id": "", "type": 12)" + failed + "}", all);
        };
        int sent = 0;
        for (int number = 0; number != 6; ++number) {
            server.client("ann").notify("tell", number, [&](const std::exception_ptr& failure) { sent += !failure; });
        }
        for (const char* const body : {"0", "1"}) {
            const auto told = co_await peer.read_message();
            CHECK(told.body == body);
        }
        for (const char* const total :
             {"-1", "", "1e3", "0", "99999999999999999999999", "0x10", " 1", "1 ", "[1]", "\"2\""}) {
            co_await peer.send(report("", total));
        }
        for (const char* const failed : {"-5", "1e300", "\"1\"", "[]", "99999999999999999999999", "5"}) {
            co_await peer.send(report(std::string(", \"failed\": ") + failed, "0"));  // of none
        }
        co_await peer.send(message_frame(R"({"id": "a", "type": 1, "route": "none"})", "1"));
        const auto refused = co_await peer.read_message();
        CHECK(refused.type() == 41);  // the first answer: no further notification has come before it
        CHECK(options.counters->failed_notifications == 0);
        co_await peer.send(report(", \"failed\": 18446744073709551615", "18446744073709551615"));
        for (const char* const body : {"2", "3"}) {  // as many as it takes ahead, not without number
            const auto told = co_await peer.read_message();
            CHECK(told.body == body);
        }
        CHECK(options.counters->failed_notifications == 2);
        co_await peer.send(report(", \"failed\": 1", "1"));  // fewer than before
        co_await peer.send(message_frame(R"({"id": "b", "type": 1, "route": "none"})", "1"));
        const auto again = co_await peer.read_message();
        CHECK(again.type() == 41);
        CHECK(options.counters->failed_notifications == 2);
        CHECK(sent <= 4);
        peer.cut();
        co_await server.close();
    });
    test::run_out(context);
}

namespace {

/// A user's type, whose conversion refuses numbers in words of its own.
struct Percent {
    int value = 0;
};
void from_json(const nlohmann::json& json, Percent& percent) {
    percent.value = json.get<int>();
    if (percent.value > 100) {
        throw std::out_of_range("of the user's conversion");
    }
}

}  // namespace

TEST_CASE("whatever a peer reports as progress, the requests and their server go on") {
    asio::io_context context;
    const test::Meeting meeting(Transport::local);
    communica::ServerOptions options;
    options.limits.max_message = 1000;
    options.counters = std::make_shared<communica::Counters>();
    test::RouteServer server(context, meeting.at_server(), Routes(), options);
    std::vector<int> heard;
    const communica::OnProgress hear{[&](Percent percent) { heard.push_back(percent.value); }};
    const communica::OnProgress any{
        [&](const nlohmann::json& json) { heard.push_back(json.is_number_integer() ? json.get<int>() : 0); }};
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const std::string state = server.connector_state();
        const std::string extensions = R"("headers")";
        ScriptedPeer peer = co_await ScriptedPeer::greet_offering(state, "ann", extensions);
        for (const auto* const sink : {&hear, &any}) {
            int answer = 0;
            heard.clear();
            const communica::RequestOptions request{.on_progress = sink};
            server.client("ann").request<int>("work", 1, request,
                                              [&](const std::exception_ptr&, int value) { answer = value; });
            const auto asked = co_await peer.read_message();
            CHECK(asked.metadata.find(R"("headers": {"communica-progress": "1"})") != std::string::npos);
            const auto progress = [&](const std::string& id, const std::string& body) {
                return message_frame(R"({"id": )" + id + R"(, "type": 13})", body);
            };
            const std::string id = '"' + asked.id() + '"';
            const std::string other = R"("00112233445566778899aabbccddeeff")";
            for (const std::string& bad :
                 {progress(id, ""), progress(id, "{"), progress(id, "1 2"), progress(id, "null"), progress(id, "101"),
                  progress(id, std::string(900, '[')), progress(id, "1e999"), progress(id, "\xFF"),
                  progress(id, '"' + std::string(2000, 'a') + '"'), progress(other, "2"), progress("7", "3"),
                  progress("\"\"", "4"), progress("null", "5"), message_frame(R"({"type": 13})", "6"),
                  message_frame(R"({"id": )" + id + R"(, "type": 13, "route": "work", "timeout": 0})", "50")}) {
                co_await peer.send(bad);
            }
            for (int number = 0; number != 2000; ++number) {
                co_await peer.send(progress(id, "51"));
            }
            co_await peer.send(asked.answer(11, "1"));
            co_await peer.send(progress(id, "52"));  // too late
            co_await test::until([&] { return answer == 1; });
            co_await peer.send(message_frame(R"({"id": "a", "type": 1, "route": "none"})", "1"));
            const auto refused = co_await peer.read_message();  // so the progress was read, too
            CHECK(refused.type() == 41);
            CHECK(std::count(heard.begin(), heard.end(), 51) == 2000);
            CHECK(std::count(heard.begin(), heard.end(), 50) == 1);
            CHECK(heard.size() == (sink == &any ? 2003 : 2001));  // null and 101, which are no percentages
        }
        CHECK(options.counters->received_notifications == 0);
        CHECK(options.counters->failures().size() == 1);  // the two requests for "none"
        peer.cut();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a handler's progress over the requester's limit is not sent, and its answer is") {
    Routes routes;
    bool is_sent = true;
    routes.add("work", [&](int value, communica::Context& context) {
        is_sent = context.progress(std::string(2000, 'a'));
        return value;
    });
    test::RoutePair pair(Transport::local, routes);
    pair.run([&]() -> asio::awaitable<void> {
        const std::string state = pair.server.connector_state();
        const std::string extensions = R"("headers")";
        ScriptedPeer peer = co_await ScriptedPeer::greet_offering(state, "ann", extensions, 1000);
        const std::string request =
            R"({"id": "1", "type": 1, "route": "work", "headers": {"communica-progress": "1"}})";
        co_await peer.send(message_frame(request, "7"));
        const auto answer = co_await peer.read_message();
        CHECK(answer.type() == 11);
        CHECK_FALSE(is_sent);
        peer.cut();
    });
}

}  // namespace scripted_extensions

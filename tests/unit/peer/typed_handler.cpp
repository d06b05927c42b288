#include "support/catch.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/route.hpp>
#include <communica/peer/typed_handler.hpp>

namespace typed_handler_tests {

namespace {

using communica::JsonSerializer;
using communica::peer::HandlerPtr;
using communica::peer::make_handler;
using communica::peer::make_route_handler;

/// Hands a request to a handler and gives what was answered, once all has run that it began.
struct Asking {
    asio::io_context context;
    std::shared_ptr<test::RecordingConnection> connection = std::make_shared<test::RecordingConnection>(context);
    std::shared_ptr<communica::Connection> as_connection = connection;
    std::shared_ptr<communica::peer::Peer> peer = std::make_shared<communica::peer::Peer>(
        communica::peer::PeerSettings{context.get_executor(),
                                      std::make_shared<communica::peer::Handlers>(HandlerPtr())},
        "cafe");

    void ask(const HandlerPtr& handler, std::string_view body,
             std::string_view metadata = R"({"id": "x", "type": 1, "route": "r"})") {
        communica::wire::MetadataReader reader;
        const auto read = reader.read(metadata);
        handler->handle({peer, as_connection, read, communica::as_bytes(body)});
        context.restart();
        context.run();
    }

    std::string answer_to(const HandlerPtr& handler, std::string_view body) {
        connection->sent.clear();
        ask(handler, body);
        return connection->sent.size() == 1
                   ? connection->sent[0].metadata.substr(20, 2) + " " + connection->sent[0].body
                   : "";
    }
};

template <class F>
std::string answer(F function, std::string_view body) {
    return Asking().answer_to(make_handler(std::move(function), JsonSerializer{}), body);
}

}  // namespace

TEST_CASE("a handler gets its value and its result is the answer") {
    CHECK(answer([](int value) { return value + 1; }, "41") == "11 42");
    CHECK(answer([](const std::string& text) { return text.size(); }, R"("four")") == "11 4");
    CHECK(answer([](std::vector<int>&& values) { return std::move(values); }, "[1,2]") == "11 [1,2]");
    CHECK(answer([](nlohmann::json value) { return value; }, R"({"a": [null]})") == R"(11 {"a":[null]})");
}

TEST_CASE("a handler without a value answers whatever the body is, one without a result answers null") {
    CHECK(answer([] { return 1; }, "not JSON") == "11 1");
    CHECK(answer([](int) {}, "1") == "11 null");
    CHECK(answer([] {}, "") == "11 null");
}

TEST_CASE("a handler that gives a reference answers with what it refers to") {
    static const std::string text = "kept";
    CHECK(answer([]() -> const std::string& { return text; }, "") == R"(11 "kept")");
}

TEST_CASE("a value that does not load is answered without calling the handler") {
    bool called = false;
    const std::string answered = answer([&](int) { called = true; }, R"("text")");
    CHECK(answered.starts_with("42 {\"message\": "));
    CHECK_FALSE(called);
}

TEST_CASE("what a handler throws is the answer") {
    CHECK(answer([](int) { throw communica::RequesterError("no", 404); }, "1") ==
          R"(41 {"code": 404, "message": "no"})");
    CHECK(answer([](int) { throw communica::ResponderError("no"); }, "1") == R"(51 {"code": null, "message": "no"})");
    CHECK(answer([](int) { throw std::runtime_error("oops"); }, "1") == R"(30 {"code": null, "message": "oops"})");
    CHECK(answer([](int) { throw 1; }, "1").starts_with("30 "));
}

TEST_CASE("a coroutine handler answers when it is done") {
    CHECK(answer([](int value) -> asio::awaitable<int> { co_return value + 1; }, "41") == "11 42");
    CHECK(answer([](int) -> asio::awaitable<void> { co_return; }, "1") == "11 null");
    CHECK(answer(
              [](int) -> asio::awaitable<void> {
                  co_await asio::post(asio::use_awaitable);
                  throw communica::RequesterError("no");
              },
              "1") == R"(41 {"code": null, "message": "no"})");
}

TEST_CASE("a coroutine handler's body outlives the message it came with") {
    std::string body = R"("a text that is longer than any small string is")";
    Asking asking;
    const auto handler = make_handler(
        [](std::string text) -> asio::awaitable<std::string> {
            co_await asio::post(asio::use_awaitable);
            co_return text;
        },
        JsonSerializer{});
    communica::wire::MetadataReader reader;
    std::string metadata = R"({"id": "another long id that is not small", "type": 1})";
    handler->handle({asking.peer, asking.as_connection, reader.read(metadata), communica::as_bytes(body)});
    metadata.assign(metadata.size(), '?');
    body.assign(body.size(), '?');
    asking.context.run();
    REQUIRE(asking.connection->sent.size() == 1);
    CHECK(asking.connection->sent[0].metadata == R"({"id": "another long id that is not small", "type": 11})");
    CHECK(asking.connection->sent[0].body == R"("a text that is longer than any small string is")");
}

TEST_CASE("a notification is handled and not answered, whatever becomes of it") {
    int calls = 0;
    Asking asking;
    const auto fails = make_handler(
        [&](int) {
            ++calls;
            throw std::runtime_error("oops");
        },
        JsonSerializer{});
    asking.ask(fails, "1", R"({"id": "", "type": 2})");
    asking.ask(fails, "not JSON", R"({"id": "", "type": 2})");
    CHECK(calls == 1);
    CHECK(asking.connection->sent.empty());
}

TEST_CASE("a handler learns from its context who asks and what") {
    std::string seen;
    Asking asking;
    const auto handler = make_handler(
        [&](int, communica::Context& context, communica::RoutePeer<>& caller) {
            seen = context.client_id() + " " + context.route() + " " + (context.is_notification() ? "n" : "r") + " " +
                   caller.id();
        },
        JsonSerializer{});
    asking.ask(handler, "1");
    CHECK(seen == "cafe r r cafe");
    asking.ask(handler, "1", R"({"id": "", "type": 2})");
    CHECK(seen == "cafe  n cafe");
}

TEST_CASE("one callable serves every request: what it keeps, it keeps") {
    Asking asking;
    const auto counter = make_handler([count = 0]() mutable { return ++count; }, JsonSerializer{});
    CHECK(asking.answer_to(counter, "") == "11 1");
    CHECK(asking.answer_to(counter, "") == "11 2");
}

TEST_CASE("a handler that can only be moved is moved") {
    CHECK(answer([kept = std::make_unique<int>(7)] { return *kept; }, "") == "11 7");
}

TEST_CASE(
    "under a route the route's types count: the result is converted, a generic handler is called with its value") {
    Asking asking;
    const JsonSerializer json;
    CHECK(asking.answer_to(make_route_handler<double, int>([](int value) { return value; }, json), "2") == "11 2.0");
    CHECK(asking.answer_to(make_route_handler<int, int>([](auto value) { return value; }, json), "2") == "11 2");
    CHECK(asking.answer_to(make_route_handler<void, int>([](auto value) { return value; }, json), "2") == "11 null");
    CHECK(asking.answer_to(make_route_handler<int, void>([] { return 3; }, json), "") == "11 3");
    CHECK(asking.answer_to(make_route_handler<int, int>([](auto value, communica::Context&) { return value; }, json),
                           "2") == "11 2");
}

}  // namespace typed_handler_tests

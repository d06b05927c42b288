#include "support/pair.hpp"

namespace serializers {

using communica::BytesSerializer;
using communica::CborSerializer;
using communica::Error;
using communica::JsonSerializer;
using communica::MsgpackSerializer;
using communica::Route;
using test::error_of;
using test::RoutePair;
using test::Routes;

struct User {
    std::string name;
    std::uint8_t age = 0;
    bool operator==(const User&) const = default;
};
COMMUNICA_MODEL(User, name, age)

struct Update {
    User user;
    std::vector<std::byte> picture;
};
COMMUNICA_MODEL(Update, user, picture)

namespace {

constexpr Route<User(Update), MsgpackSerializer> update{"update"};
constexpr const char* wrong_age = R"(/user/age: expected integer in 0..255, got "x")";

/// Handles updates in this serializer, and says how often.
template <class S>
void add_update(Routes& routes, std::string_view route, int& calls) {
    routes.add(
        route,
        [&calls](const Update& data) {
            ++calls;
            return data.user;
        },
        S{});
}

/// The update as an untyped value; with bytes if the serializer has them.
nlohmann::json untyped(const nlohmann::json& age, const nlohmann::json& picture) {
    return {{"user", {{"name", "Ann"}, {"age", age}}}, {"picture", picture}};
}

template <class S>
asio::awaitable<void> check_update(RoutePair& pair, std::string_view route, nlohmann::json picture, int& calls) {
    auto asker = pair.client().with(S{});
    const Update typed{{"Ann", 42}, std::vector<std::byte>(3)};
    const User ann{"Ann", 42};
    CHECK_AWAITED(ann, asker.template request<User>(route, typed));
    CHECK_AWAITED(ann, asker.template request<User>(route, untyped(42, picture)));
    const auto answer = co_await asker.template request<nlohmann::json>(route, typed);
    CHECK(answer == nlohmann::json{{"name", "Ann"}, {"age", 42}});
    CHECK(std::exchange(calls, 0) == 3);

    const Error request_error = co_await error_of(asker.template request<User>(route, untyped("x", picture)));
    CHECK(request_error.kind == Error::Kind::serializer);
    CHECK(request_error.message == wrong_age);
    CHECK(calls == 0);  // refused before the handler runs

    const Error answer_error = co_await error_of(asker.template request<std::vector<int>>(route, typed));
    CHECK(answer_error.kind == Error::Kind::serializer);
    CHECK(answer_error.message == "expected array, got an object");
    const Error field_error = co_await error_of(asker.template request<std::map<std::string, int>>(route, typed));
    CHECK(field_error.message.ends_with("/name: expected integer in -2147483648..2147483647, got \"Ann\""));
    CHECK(std::exchange(calls, 0) == 2);
}

}  // namespace

TEST_CASE("models are checked before the handler and at the answer, whatever the route's serializer") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    int calls = 0;
    add_update<JsonSerializer>(routes, "json", calls);
    add_update<MsgpackSerializer>(routes, "msgpack", calls);
    add_update<CborSerializer>(routes, "cbor", calls);
    RoutePair pair(transport, routes);
    pair.run([&]() -> asio::awaitable<void> {
        const auto bytes = nlohmann::json::binary({0, 0, 0});
        co_await check_update<JsonSerializer>(pair, "json", "AAAA", calls);
        co_await check_update<MsgpackSerializer>(pair, "msgpack", bytes, calls);
        co_await check_update<CborSerializer>(pair, "cbor", bytes, calls);
    });
}

TEST_CASE("both sides ask in the serializer of a typed route, or in any that they name") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes at_both;
    at_both.add(update, [](Update data) { return data.user; });
    at_both.add("numbers", [](std::vector<int> numbers) { return numbers.size(); }, CborSerializer{});
    RoutePair pair(transport, at_both, at_both);
    pair.run([&]() -> asio::awaitable<void> {
        const Update data{{"Ann", 42}, {}};
        const User ann{"Ann", 42};
        const std::vector<int> numbers{1, 2, 3};
        CHECK_AWAITED(ann, pair.client().request(update, data));
        CHECK_AWAITED(ann, pair.server.request(update, data));
        CHECK_AWAITED(3U, pair.client().with(CborSerializer{}).request<unsigned>("numbers", numbers));
        CHECK_AWAITED(3U, pair.server.with(CborSerializer{}).request<unsigned>("numbers", numbers));
        CHECK_AWAITED(3U, pair.server.client("client").with(CborSerializer{}).request<unsigned>("numbers", numbers));
        const auto outcome = co_await pair.client().with(MsgpackSerializer{}).try_request<unsigned>("numbers", "text");
        CHECK(outcome.error().kind == Error::Kind::serializer);
    });
}

TEST_CASE("a handler asks back in the serializer that its parameter names, and in a typed route's") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes at_server;
    at_server.add(
        "by text",
        [](std::vector<int> numbers, communica::RoutePeer<CborSerializer>& caller) -> asio::awaitable<unsigned> {
            co_return co_await caller.request<unsigned>("numbers", numbers);
        },
        CborSerializer{});
    at_server.add("by route", [](std::string name, communica::RoutePeer<>& caller) -> asio::awaitable<User> {
        const Update data{{std::move(name), 42}, {}};
        co_return co_await caller.request(update, data);
    });
    Routes at_client;
    at_client.add(update, [](Update data) { return data.user; });
    at_client.add("numbers", [](std::vector<int> numbers) { return numbers.size(); }, CborSerializer{});
    RoutePair pair(transport, at_server, at_client);
    pair.run([&]() -> asio::awaitable<void> {
        const std::vector<int> numbers{1, 2, 3};
        CHECK_AWAITED(3U, pair.client().with(CborSerializer{}).request<unsigned>("by text", numbers));
        const User ann{"Ann", 42};
        CHECK_AWAITED(ann, pair.client().request<User>("by route", "Ann"));
    });
}

TEST_CASE("errors travel as JSON, whatever the serializer") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add("fails", []() -> int { throw communica::RequesterError("no such thing", 404); }, MsgpackSerializer{});
    routes.add("fails in bytes", []() -> std::string { throw std::runtime_error("broken"); }, BytesSerializer{});
    routes.add("not dumped", [] { return std::string("\xff"); }, CborSerializer{});
    RoutePair pair(transport, routes);
    pair.run([&]() -> asio::awaitable<void> {
        const Error fails = co_await error_of(pair.client().with(MsgpackSerializer{}).request<int>("fails", nullptr));
        CHECK(fails.kind == Error::Kind::requester);
        CHECK(fails.message == "no such thing");
        CHECK(fails.status == 404);
        auto bytes = pair.client().with(BytesSerializer{});
        const Error broken = co_await error_of(bytes.request<std::string>("fails in bytes", ""));
        CHECK(broken.message == "broken");
        const Error not_dumped = co_await error_of(pair.client().with(CborSerializer{}).request<int>("not dumped", 1));
        CHECK(not_dumped.kind == Error::Kind::responder);
    });
}

TEST_CASE("bytes are lent to plain handlers and owned by coroutines, of any length") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add(
        "lent", [](communica::Bytes bytes) { return std::string(communica::as_text(bytes)); }, BytesSerializer{});
    routes.add("viewed", [](std::string_view text) { return std::string(text); }, BytesSerializer{});
    routes.add(
        "owned", [](communica::Buffer bytes) -> asio::awaitable<communica::Buffer> { co_return bytes; },
        BytesSerializer{});
    routes.add(
        "dropped",
        [](communica::Buffer bytes, communica::Context& call) {
            bytes.release();
            return call.route();
        },
        BytesSerializer{});
    RoutePair pair(transport, routes);
    pair.run([&]() -> asio::awaitable<void> {
        auto asker = pair.client().with(BytesSerializer{});
        for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 200, 1000, 1'000'000}) {
            std::string body(size, '\xfe');
            for (const char* route : {"lent", "viewed", "owned"}) {
                CHECK_AWAITED(body, asker.request<std::string>(route, body));
            }
            const auto answer = co_await asker.request<communica::Buffer>("owned", communica::as_bytes(body));
            CHECK(answer.text() == body);
            CHECK_AWAITED("dropped", asker.request<std::string>("dropped", body));
        }
    });
}

TEST_CASE("simple entities talk in any serializer") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    communica::SimpleServer server{context, meeting.at_server(), [](const Update& data) { return data.user.age + 1; },
                                   MsgpackSerializer{}};
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        communica::SimpleClient client{context, meeting.at_client(server)};
        co_await client.connect();
        const Update data{{"Ann", 42}, {}};
        CHECK_AWAITED(43, client.with(MsgpackSerializer{}).request<int>(data));
        const Error error = co_await error_of(client.request<int>(data));  // in JSON
        CHECK(error.kind == Error::Kind::serializer);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace serializers

#include "support/pair.hpp"

#include <cmath>
#include <functional>

namespace errors {

using communica::errc;
using communica::Error;
using nlohmann::json;
using test::error_of;
using test::RoutePair;
using test::Routes;

namespace {

Routes failing() {
    Routes routes;
    routes.add("requester", [](json) -> int { throw communica::RequesterError("no such thing"); });
    routes.add("requester 404", [](json) -> int { throw communica::RequesterError("no such thing", 404); });
    routes.add("responder", [](json) -> int { throw communica::ResponderError("broken"); });
    routes.add("responder 500", [](json) -> int { throw communica::ResponderError("broken", -500); });
    routes.add("other", [](json) -> int { throw std::out_of_range("an index of 7"); });
    routes.add("not an exception", [](json) -> int { throw 7; });
    routes.add("serializer", [](json) -> int { throw communica::SerializerError("of its own"); });
    routes.add("coroutine", [](json) -> asio::awaitable<int> {
        throw communica::RequesterError("\u00e4 \"quoted\"", 1);
        co_return 0;
    });
    routes.add("system", [](json) -> asio::awaitable<int> {
        throw std::system_error(errc::busy);
        co_return 0;
    });
    routes.add("number", [](int number) { return number; });
    routes.add("nan", [](json) { return std::nan(""); });
    routes.add("not UTF-8", [](json) -> asio::awaitable<std::string> { co_return "\xff"; });
    return routes;
}

struct Expected {
    std::string route;
    json value;
    Error::Kind kind;
    std::error_code code;
    std::optional<std::int64_t> status;
    std::string message;  // what it begins with
};

std::vector<Expected> failures() {
    using Kind = Error::Kind;
    return {
        {"requester", 1, Kind::requester, errc::requester_error, {}, "no such thing"},
        {"requester 404", 1, Kind::requester, errc::requester_error, 404, "no such thing"},
        {"responder", 1, Kind::responder, errc::responder_error, {}, "broken"},
        {"responder 500", 1, Kind::responder, errc::responder_error, -500, "broken"},
        {"other", 1, Kind::unknown, errc::unknown_error, {}, "an index of 7"},
        {"not an exception", 1, Kind::unknown, errc::unknown_error, {}, "an exception that is not"},
        {"serializer", 1, Kind::unknown, errc::unknown_error, {}, "of its own"},
        {"coroutine", 1, Kind::requester, errc::requester_error, 1, "\u00e4 \"quoted\""},
        {"system", 1, Kind::unknown, errc::unknown_error, {}, "the other side is busy"},
        {"number", "seven", Kind::serializer, errc::serializer_error, {}, "expected integer in "},
        {"nan", 1, Kind::responder, errc::responder_error, {}, "Response serialize error"},
        {"not UTF-8", 1, Kind::responder, errc::responder_error, {}, "Response serialize error"},
        {"nowhere", 1, Kind::requester, errc::requester_error, {}, "Route \"nowhere\" is not defined"},
        {"a \"quoted\" \u00e4",
         1,
         Kind::requester,
         errc::requester_error,
         {},
         "Route \"a \"quoted\" \u00e4\" is not defined"},
    };
}

void check(const Error& error, const Expected& expected) {
    CAPTURE(expected.route, error.message);
    CHECK(error.kind == expected.kind);
    CHECK(error.code == expected.code);
    CHECK(error.status == expected.status);
    CHECK(error.message.substr(0, expected.message.size()) == expected.message);
}

template <class T>
asio::awaitable<Error::Kind> kind_of(asio::awaitable<T> operation) {
    const Error error = co_await error_of(std::move(operation));
    co_return error.kind;
}

/// All failures, by `request` and by `try_request`, and after each of them a request that succeeds.
template <class Asker>
asio::awaitable<void> fail_in_every_way(Asker& asker) {
    for (const Expected& expected : failures()) {
        const Error error = co_await error_of(asker.template request<int>(expected.route, expected.value));
        check(error, expected);
        const auto result = co_await asker.template try_request<int>(expected.route, expected.value);
        REQUIRE(!result);
        check(result.error(), expected);
        CHECK_AWAITED(7, asker.template request<int>("number", 7));
    }
}

}  // namespace

TEST_CASE("each kind of error that a server's handler ends with reaches the client") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, failing());
    pair.run([&] { return fail_in_every_way(pair.client()); });
}

TEST_CASE("each kind of error that a client's handler ends with reaches the server") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, {}, failing());
    pair.run([&] { return fail_in_every_way(pair.server); });
}

TEST_CASE("an answer that does not load as the type asked for is the requester's SerializerError") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, failing());

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        const Error error = co_await error_of(client.request<std::string>("number", 7));
        CHECK(error.kind == Error::Kind::serializer);
        CHECK(error.code == errc::serializer_error);
        CHECK(error.message == "expected string, got 7");
        const auto result = co_await client.try_request<std::string>("number", 7);
        REQUIRE(!result);
        CHECK(result.error().kind == Error::Kind::serializer);
        CHECK_AWAITED(7, client.request<int>("number", 7));
    });
}

TEST_CASE("a value that can not be dumped is a SerializerError, and nothing is sent") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    int calls = 0;
    Routes routes;
    routes.add("count", [&](json) { return ++calls; });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        CHECK_AWAITED(Error::Kind::serializer, kind_of(client.request<int>("count", "\xff")));
        CHECK_AWAITED(Error::Kind::serializer, kind_of(client.request<int>("\xff", 1)));
        CHECK_AWAITED(Error::Kind::serializer, kind_of(client.notify("count", std::nan(""))));
        CHECK_AWAITED(Error::Kind::serializer, kind_of(pair.server.notify_all("count", "\xff")));
        const auto result = co_await client.try_request<int>("count", "\xff");
        REQUIRE(!result);
        CHECK(result.error().code == errc::serializer_error);
        CHECK_AWAITED(1, client.request<int>("count", 1));
    });
}

TEST_CASE("notifications that fail at the other side harm nothing") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, failing());

    pair.run([&]() -> asio::awaitable<void> {
        for (const Expected& expected : failures()) {
            co_await pair.client().notify(expected.route, expected.value);
        }
        CHECK_AWAITED(7, pair.client().request<int>("number", 7));
    });
}

TEST_CASE("try_request gives the value of a request that succeeds") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add("nothing", [](json) {});
    routes.add("number", [](int number) { return number; });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        const auto seven = co_await pair.client().try_request<int>("number", 7);
        REQUIRE(seven.has_value());
        CHECK(*seven == 7);
        const auto nothing = co_await pair.client().try_request<void>("nothing", 7);
        CHECK(nothing.has_value());
    });
}

}  // namespace errors

#include "support/pair.hpp"
#include "support/system.hpp"

#include <functional>

namespace handlers {

using communica::Context;
using communica::Route;
using communica::RoutePeer;
using test::RoutePair;
using test::Routes;
using test::Transport;

namespace {

int negated(int number) { return -number; }

struct Adder {
    int amount = 0;
    int operator()(int number) const { return number + amount; }
};

std::string seen_by(const Context& context) { return context.client_id() + " " + context.route(); }

}  // namespace

TEST_CASE("a handler's arguments are what its signature says") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add("value", [](std::string text) { return text + "!"; })
        .add("const reference", [](const std::string& text) { return text + "!"; })
        .add("nothing", [] { return std::string("!"); })
        .add("context", [](Context& context) { return seen_by(context); })
        .add("value, context", [](std::string text, Context& context) { return text + " " + seen_by(context); })
        .add("value, peer", [](std::string text, RoutePeer<>& peer) { return text + " " + peer.id(); })
        .add("peer", [](RoutePeer<>& peer) { return peer.id(); })
        .add("all", [](const std::string& text, Context& context,
                       RoutePeer<>& peer) { return text + " " + seen_by(context) + " " + peer.id(); })
        .add("all, peer first", [](std::string text, RoutePeer<>& peer, Context& context) {
            return text + " " + seen_by(context) + " " + peer.id();
        });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        CHECK_AWAITED("x!", client.request<std::string>("value", "x"));
        CHECK_AWAITED("x!", client.request<std::string>("const reference", "x"));
        CHECK_AWAITED("!", client.request<std::string>("nothing", "x"));
        CHECK_AWAITED("client context", client.request<std::string>("context", "x"));
        CHECK_AWAITED("x client value, context", client.request<std::string>("value, context", "x"));
        CHECK_AWAITED("x client", client.request<std::string>("value, peer", "x"));
        CHECK_AWAITED("client", client.request<std::string>("peer", "x"));
        CHECK_AWAITED("x client all client", client.request<std::string>("all", "x"));
        CHECK_AWAITED("x client all, peer first client", client.request<std::string>("all, peer first", "x"));
    });
}

TEST_CASE("a handler may be a coroutine of any of these signatures") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add("value", [](std::string text) -> asio::awaitable<std::string> { co_return text + "!"; })
        .add("const reference",
             [](const std::string& text) -> asio::awaitable<std::string> {
                 co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
                 co_return text + "!";
             })
        .add("nothing", []() -> asio::awaitable<std::string> { co_return "!"; })
        .add("context",
             [](Context& context) -> asio::awaitable<std::string> {
                 co_await asio::post(context.get_executor(), asio::use_awaitable);
                 co_return seen_by(context);
             })
        .add("all",
             [](std::string text, Context& context, RoutePeer<>& peer) -> asio::awaitable<std::string> {
                 co_await asio::post(context.get_executor(), asio::use_awaitable);
                 co_return text + " " + seen_by(context) + " " + peer.id();
             })
        .add("no result", [](std::string) -> asio::awaitable<void> { co_return; });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        CHECK_AWAITED("x!", client.request<std::string>("value", "x"));
        CHECK_AWAITED("x!", client.request<std::string>("const reference", "x"));
        CHECK_AWAITED("!", client.request<std::string>("nothing", "x"));
        CHECK_AWAITED("client context", client.request<std::string>("context", "x"));
        CHECK_AWAITED("x client all client", client.request<std::string>("all", "x"));
        CHECK_AWAITED(nlohmann::json(), client.request("no result", "x"));
        co_await client.request<void>("no result", "x");
    });
}

TEST_CASE("a handler may be any callable") {
    static constexpr Route<long(int)> typed{"generic"};
    static constexpr Route<void()> silent{"silent"};
    int calls = 0;
    int kept = 0;
    Routes routes;
    routes.add("function", negated)
        .add("function pointer", &negated)
        .add("object", Adder{3})
        .add("std::function", std::function<int(int)>(negated))
        .add("mutable", [kept](int number) mutable { return kept += number; })
        .add("named", communica::with_signature<int(int)>([](auto number) { return number + 1; }))
        .add(typed, [](auto number, auto&) { return number * 2L; })
        .add(silent, [&] { ++calls; });
    RoutePair pair(Transport::memory, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        CHECK_AWAITED(-7, client.request<int>("function", 7));
        CHECK_AWAITED(-7, client.request<int>("function pointer", 7));
        CHECK_AWAITED(10, client.request<int>("object", 7));
        CHECK_AWAITED(-7, client.request<int>("std::function", 7));
        CHECK_AWAITED(7, client.request<int>("mutable", 7));
        CHECK_AWAITED(14, client.request<int>("mutable", 7));
        CHECK_AWAITED(8, client.request<int>("named", 7));
        CHECK_AWAITED(14, client.request(typed, 7));
        co_await client.request(silent);
        CHECK(calls == 1);
    });
    CHECK(kept == 0);
}

TEST_CASE("the context says whether somebody waits, and over sockets of one machine who it is") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    std::vector<bool> notifications;
    communica::Credentials client;
    Routes routes;
    routes.add("note", [&](int, Context& context) {
        notifications.push_back(context.is_notification());
        client = context.credentials();
    });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        co_await pair.client().notify("note", 1);
        co_await pair.client().request("note", 1);
    });
    CHECK(notifications == std::vector<bool>{true, false});
    const bool known = transport == Transport::local || transport == Transport::shared_memory ||
                       (transport == Transport::descriptors && test::descriptors_have_credentials);
    const communica::Credentials expected = known ? test::own_credentials() : communica::Credentials();
    CHECK(client.pid == expected.pid);
    CHECK(client.uid == expected.uid);
    CHECK(client.sid == expected.sid);
}

TEST_CASE("a handler asks back while it answers, and the other side does too") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    // Each side answers n by asking the other for n - 1.
    const auto count_down = [](int number, RoutePeer<>& peer) -> asio::awaitable<std::vector<std::string>> {
        std::vector<std::string> path;
        if (number != 0) {
            path = co_await peer.request<std::vector<std::string>>("count down", number - 1);
        }
        path.push_back(std::to_string(number));
        co_return path;
    };
    Routes routes;
    routes.add("count down", count_down);
    RoutePair pair(transport, routes, routes);

    pair.run([&]() -> asio::awaitable<void> {
        const std::vector<std::string> expected{"0", "1", "2", "3", "4", "5"};
        CHECK_AWAITED(expected, pair.client().request<std::vector<std::string>>("count down", 5));
        CHECK_AWAITED(expected, pair.server.request<std::vector<std::string>>("count down", 5));
    });
}

TEST_CASE("a peer outlives the handler that it was given to") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    std::optional<RoutePeer<>> caller;
    std::vector<int> told;
    Routes server_routes;
    Routes client_routes;
    server_routes.add("subscribe", [&](RoutePeer<>& peer) { caller = peer; });
    client_routes.add("told", [&](int number) { told.push_back(number); });
    RoutePair pair(transport, server_routes, client_routes);

    pair.run([&]() -> asio::awaitable<void> {
        co_await pair.client().request("subscribe", nullptr);
        CHECK(caller->is_connected());
        co_await caller->notify("told", 1);
        co_await caller->request("told", 2);
    });
    CHECK(told == std::vector<int>{1, 2});
    CHECK_FALSE(caller->is_connected());
    caller.reset();  // like everything of Asio's it goes before its context
}

}  // namespace handlers

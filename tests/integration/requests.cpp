#include "support/pair.hpp"

namespace requests {

using communica::Route;
using nlohmann::json;
using test::RoutePair;
using test::Routes;

namespace {

struct Operands {
    int a = 0;
    int b = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Operands, a, b)

constexpr Route<int(Operands)> sum{"sum"};
constexpr Route<std::string()> name{"name"};

Routes answering_as(std::string who) {
    Routes routes;
    routes.add("echo", [](json value) { return value; });
    routes.add(sum, [](Operands o) { return o.a + o.b; });
    routes.add(name, [who] { return who; });
    return routes;
}

}  // namespace

TEST_CASE("a client asks and its server answers") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, answering_as("server"));

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        const json value{{"list", {1, 2.5, false, nullptr}}, {"text", std::string("\0 \" \\ \u00e4 \U0001f600", 14)}};
        CHECK_AWAITED(value, client.request("echo", value));
        CHECK_AWAITED(json(), client.request("echo", nullptr));
        CHECK_AWAITED("", client.request<std::string>("echo", ""));
        CHECK_AWAITED(3, client.request(sum, {1, 2}));
        CHECK_AWAITED("server", client.request(name));
    });
}

TEST_CASE("a server asks and its client answers") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, {}, answering_as("client"));

    pair.run([&]() -> asio::awaitable<void> {
        auto& server = pair.server;
        auto client = server.client("client");
        CHECK(client.id() == "client");
        CHECK(client.is_connected());
        CHECK(server.client_ids() == std::vector<std::string>{"client"});
        const json value{{"list", {1, 2.5, false, nullptr}}};
        CHECK_AWAITED(value, client.request("echo", value));
        CHECK_AWAITED(3, client.request(sum, {1, 2}));
        CHECK_AWAITED(7, server.request(sum, {3, 4}));
        CHECK_AWAITED("client", server.request(name));
    });
}

TEST_CASE("notifications come in the order in which they were sent, both ways") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    std::vector<int> at_server;
    std::vector<int> at_client;
    Routes server_routes;
    Routes client_routes;
    server_routes.add("number", [&](int number) { at_server.push_back(number); });
    client_routes.add("number", [&](int number) { at_client.push_back(number); });
    RoutePair pair(transport, server_routes, client_routes);
    std::vector<int> sent;

    pair.run([&]() -> asio::awaitable<void> {
        for (int number = 0; number != 1000; ++number) {
            co_await pair.client().notify("number", number);
            co_await pair.server.notify("number", number);
            sent.push_back(number);
        }
        co_await test::until([&] { return at_server.size() == sent.size() && at_client.size() == sent.size(); });
    });
    CHECK(at_server == sent);
    CHECK(at_client == sent);
}

TEST_CASE("each of many requests under way gets its own answer, whatever the order of the answers") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    constexpr int count = 300;
    std::vector<int> started;
    Routes routes;
    test::Event all_started;
    routes.add("late if even", [&](int number) -> asio::awaitable<int> {
        started.push_back(number);
        if (started.size() == count) {
            all_started.set();
        }
        if (number % 2 == 0) {
            co_await all_started.wait();
        }
        co_return -number;
    });
    RoutePair pair(transport, routes);

    int right = 0;
    pair.run([&]() -> asio::awaitable<void> {
        int done = 0;
        for (int number = 0; number != count; ++number) {
            pair.client().request<int>("late if even", number, [&, number](std::exception_ptr failure, int answer) {
                ++done;
                right += !failure && answer == -number ? 1 : 0;
            });
        }
        co_await test::until([&] { return done == count; });
    });
    CHECK(right == count);
    CHECK(std::is_sorted(started.begin(), started.end()));
}

}  // namespace requests

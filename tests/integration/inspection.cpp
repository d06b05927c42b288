// What a server says of itself, and to whom.
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"
#include "support/system.hpp"

#include <communica/schema/described_table.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace inspection_tests {

using communica::errc;
using communica::Introspection;
using nlohmann::json;
using test::ScriptedPeer;
using test::Transport;

namespace {

struct Operands {
    double left = 0;
    std::optional<std::int8_t> right = {};
};
constexpr auto communica_model(communica::Type<Operands>) {
    return communica::model("Operands", communica::field("left", &Operands::left).doc("what is divided"),
                            communica::field("right", &Operands::right));
}
constexpr communica::Route<double(Operands)> divide{"divide"};
constexpr communica::Route<communica::Stream<int>(int, communica::Stream<std::string>)> chat{"chat"};

communica::DescribedTable<> described_routes() {
    communica::DescribedTable<> routes;
    routes.add(divide, [](const Operands& o) { return o.left / o.right.value_or(1); }).doc("Divides.");
    routes.add("set", [](const std::string&, int) {});
    routes.add("sum", [](const std::vector<int>& numbers) { return numbers.size(); }, communica::MsgpackSerializer());
    routes.add(chat, [](int, communica::Stream<std::string>) -> communica::Stream<int> { co_return; });
    return routes;
}

/// What a client of this server hears, over this transport, or the error.
std::pair<json, communica::Error> inspect(Transport transport, const communica::RouteTable<>& routes,
                                          communica::ServerOptions options) {
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::RouteServer server(context, meeting.at_server(), routes, std::move(options));
    std::pair<json, communica::Error> said;
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server), test::Routes(), test::quick_client("ann"));
        co_await client.connect();
        try {
            said.first = co_await client.inspect();
        } catch (...) {
            said.second = communica::Error::from(std::current_exception());
        }
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
    return said;
}

communica::ServerOptions allowing(Introspection introspection) {
    communica::ServerOptions options;
    options.introspection = introspection;
    return options;
}

}  // namespace

TEST_CASE("a server that counts says of each route how often it was asked, failed, and how long it took") {
    asio::io_context context;
    const auto transport = GENERATE(Transport::local, Transport::memory);
    const test::Meeting meeting(transport);
    test::Routes routes;
    test::Event released;
    routes.add("echo", [](int number) { return number; });
    routes.add("fail", []() -> int { throw communica::ResponderError("no"); });
    routes.add("late", [&]() -> asio::awaitable<int> {
        co_await released.wait();
        co_return 1;
    });
    auto options = allowing(Introspection::everybody);
    options.counters = std::make_shared<communica::Counters>();
    options.limits.max_requests = 1;
    test::RouteServer server(context, meeting.at_server(), routes, options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::Routes more;
        more.add("added", [] { return 1; });
        server.add_routes(more);
        test::RouteClient client(context, meeting.at_client(server), test::Routes(), test::quick_client("ann"));
        co_await client.connect();
        CHECK_AWAITED(7, client.request<int>("echo", 7));
        CHECK_AWAITED(1, client.request<int>("added", nullptr));
        co_await test::error_of(client.request<int>("fail", nullptr));
        int late = 0;
        client.request<int>("late", nullptr, [&](const std::exception_ptr&, int) { ++late; });
        const communica::Error busy = co_await test::error_of(client.request<int>("echo", 8));
        CHECK(busy.code == errc::busy);
        released.set();
        co_await test::until([&] { return late == 1; });
        const json said = co_await client.inspect();
        for (const auto& route : said.at("routes")) {
            const json& counters = route.at("counters");
            const bool refused = route.at("route") == "echo";
            CAPTURE(route.dump());
            CHECK(counters.at("requests") == (refused ? 2 : 1));
            CHECK(counters.at("errors") == (refused || route.at("route") == "fail" ? 1 : 0));
            CHECK(counters.at("times").size() == 1);
            CHECK(counters.at("times").at(0).at(1) == 1);
            CHECK(counters.at("times").at(0).at(0) > 0);
        }
        CHECK(said.at("routes").size() == 4);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a server that is inspected says who it is, its routes with their types, and who is connected") {
    communica::ServerOptions options;
    options.name = "calculator";
    options.version = "1.2";
    options.limits.max_requests = 7;
    options.counters = std::make_shared<communica::Counters>();
    const auto [said, error] = inspect(Transport::local, described_routes(), options);
    CHECK(said.at("name") == "calculator");
    CHECK(said.at("version") == "1.2");
    CHECK(said.at("mode") == "routes");
    CHECK(said.at("limits").at("max_requests") == 7);
    CHECK(said.at("counters").at("connections") == 1);
    CHECK(said.at("connected") == 1);
    const json& client = said.at("clients").at(0);
    CHECK(client.at("id") == "ann");
    CHECK(client.at("at_work") == 0);
    CHECK(client.at("connected_for") >= 0);
    CHECK(client.contains("pid"));

    json routes = said.at("routes");
    REQUIRE(routes.size() == 4);
    for (json& route : routes) {
        CHECK(route.at("counters") == json::parse(R"({"requests": 0, "errors": 0, "times": []})"));
        route.erase("counters");
    }
    CHECK(routes.at(0) == json::parse(R"({"route": "chat", "kind": "stream", "serializer": "json",
        "argument": {"type": "integer", "minimum": -2147483648, "maximum": 2147483647},
        "items": {"type": "integer", "minimum": -2147483648, "maximum": 2147483647}, "upload": {"type": "string"}})"));
    CHECK(routes.at(1) == json::parse(R"({"route": "divide", "kind": "request", "serializer": "json", "doc": "Divides.",
        "argument": {"$ref": "#/$defs/Operands", "$defs": {"Operands": {"type": "object", "required": ["left"],
            "properties": {"left": {"type": "number", "format": "double", "description": "what is divided"},
                "right": {"anyOf": [{"type": "integer", "minimum": -128, "maximum": 127}, {"type": "null"}]}}}}},
        "result": {"type": "number", "format": "double"}})"));
    CHECK(routes.at(2).at("kind") == "notification");
    CHECK(routes.at(2).at("argument").at("prefixItems").size() == 2);
    CHECK(routes.at(3).at("serializer") == "msgpack");
    CHECK(routes.at(3).at("argument").at("items").at("type") == "integer");
}

TEST_CASE("of a client a server says which process it is, its requests at work, and how long it has been connected") {
    asio::io_context context;
    const test::Meeting meeting(Transport::local);
    test::Routes routes;
    test::Event released;
    int begun = 0;
    routes.add("late", [&]() -> asio::awaitable<int> {
        ++begun;
        co_await released.wait();
        co_return 1;
    });
    test::RouteServer server(context, meeting.at_server(), routes);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const auto before_connect = std::chrono::steady_clock::now();
        test::RouteClient client(context, meeting.at_client(server), test::Routes(), test::quick_client("ann"));
        co_await client.connect();
        int late = 0;
        for (int number = 0; number != 2; ++number) {
            client.request<int>("late", nullptr, [&](const std::exception_ptr&, int) { ++late; });
        }
        co_await test::until([&] { return begun == 2; });
        const auto since = std::chrono::steady_clock::now();
        double last = -1;
        for (int look = 0; look != 3; ++look) {
            const auto before = std::chrono::steady_clock::now();
            const json said = co_await client.inspect();
            const json& ann = said.at("clients").at(0);
            CHECK(ann.at("at_work") == 2);
            CHECK(ann.at("pid") == test::own_process_id());
            const double age = ann.at("connected_for");
            CHECK(age > last);
            CHECK(age >= std::chrono::duration<double>(before - since).count());
            CHECK(age <= std::chrono::duration<double>(std::chrono::steady_clock::now() - before_connect).count());
            last = age;
        }
        released.set();
        co_await test::until([&] { return late == 2; });
        const json said = co_await client.inspect();
        CHECK(said.at("clients").at(0).at("at_work") == 0);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("of a route that nobody has described the kind is told") {
    test::Routes routes;
    routes.add("sum", [](int number) { return number; });
    routes.add("count", [](int) -> communica::Stream<int> { co_return; });
    const auto [said, error] = inspect(Transport::local, routes, {});
    CHECK(said.at("routes") ==
          json::parse(R"([{"route": "count", "kind": "stream"}, {"route": "sum", "kind": "request"}])"));
    CHECK(said.at("counters").is_null());
}

TEST_CASE("by default the same user may inspect a server over a local socket, and nobody over TCP") {
    CHECK(inspect(Transport::local, {}, {}).first.is_object());
    CHECK(inspect(Transport::descriptors, {}, {}).first.is_object() == test::descriptors_have_credentials);
    CHECK(inspect(Transport::memory, {}, {}).first.is_object());
    const auto [said, error] = inspect(Transport::tcp, {}, {});
    CHECK(said.is_null());
    CHECK(error.code == errc::requester_error);
    CHECK(error.status == 403);
    CHECK(inspect(Transport::tcp, {}, allowing(Introspection::everybody)).first.is_object());
    CHECK(inspect(Transport::local, {}, allowing(Introspection::off)).second.status == 403);
}

TEST_CASE("a server that offers no inspection is not asked") {
    const auto transport = GENERATE(test::scripted_transports());
    CAPTURE(transport);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    test::RouteClient client(context, listener.connector(), test::Routes(), test::quick_client("ann"));
    test::run(context, [&]() -> asio::awaitable<void> {
        client.start();
        ScriptedPeer peer = co_await listener.greet("ann");
        std::optional<communica::Error> ended;
        client.inspect([&](const std::exception_ptr& e, const json&) { ended = communica::Error::from(e); });
        co_await test::until([&] { return ended.has_value(); });
        CHECK(ended->code == errc::not_supported);
        peer.cut();
        co_await client.close();
    });
}

TEST_CASE("who has offered no inspection is told nothing when he asks for one") {
    asio::io_context context;
    const test::Meeting meeting(Transport::local);
    test::RouteServer server(context, meeting.at_server(), described_routes());
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const std::string state = server.connector_state();
        ScriptedPeer peer = co_await ScriptedPeer::greet_offering(state, "ann", R"("ping")");
        co_await peer.send(test::message_frame(R"({"id": "01", "type": 10})", "null"));
        co_await peer.send(test::message_frame(R"({"id": "02", "type": 1, "route": "none"})", "null"));
        const auto answer = co_await peer.read_message();
        CHECK(answer.metadata.find(R"("id": "02")") != std::string::npos);
        peer.cut();
        co_await server.close();
    });
}

}  // namespace inspection_tests

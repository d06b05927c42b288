// Sides that compare the types of their routes when they connect.
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <communica/schema/contract_check.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace contracts_tests {

using communica::ContractCheck;
using communica::errc;
using communica::Error;
using communica::LogLevel;
using nlohmann::json;
using test::ScriptedPeer;
using test::Transport;
using Exchange = std::shared_ptr<const communica::entities::ContractExchange>;

namespace {

constexpr communica::Route<double(double)> half{"half"};
constexpr communica::Route<std::int8_t(std::int8_t)> half_of_int{"half"};
constexpr communica::Route<int(int)> twice{"twice"};

const std::string sentence = "half: argument: number -> integer in -128..127: old clients that send 0.5 are refused";
const std::string warning = "the contracts differ: " + sentence;

communica::DescribedTable<> routes_with_int() {
    communica::DescribedTable<> routes;
    routes.add(half_of_int, [](std::int8_t value) { return static_cast<std::int8_t>(value / 2); });
    routes.add(twice, [](int value) { return 2 * value; });
    return routes;
}

/// The warnings of one side.
struct Warnings {
    std::string text;

    communica::Log log() {
        return [this](LogLevel level, std::string_view line) {
            text += level == LogLevel::warning ? std::string(line) + "\n" : "";
        };
    }
    std::size_t count(const std::string& what) const {
        std::size_t times = 0;
        for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) {
            ++times;
        }
        return times;
    }
};

/// Two sides with these contracts, or none, and what they say.
struct Sides {
    explicit Sides(Transport transport, Exchange of_client, Exchange of_server) : meeting(transport) {
        communica::ServerOptions server_options;
        server_options.log = at_server.log();
        server_options.contract = std::move(of_server);
        server.emplace(context, meeting.at_server(), routes_with_int(), std::move(server_options));
        client_options = test::quick_client("ann");
        client_options.log = at_client.log();
        client_options.contract = std::move(of_client);
    }

    /// Connects, asks `twice`, and returns the error.
    Error ask() {
        Error error;
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server->start();
            test::RouteClient client(context, meeting.at_client(*server), test::Routes(), client_options);
            try {
                const int four = co_await client.request(twice, 2);
                CHECK(four == 4);
            } catch (...) {
                error = Error::from(std::current_exception());
            }
            if (error.code) {  // the next one ends at once, too
                const Error next = co_await test::error_of(client.request(twice, 2));
                CHECK(next.code == error.code);
            }
            co_await client.close();
            co_await server->close();
        });
        test::run_out(context);
        return error;
    }

    asio::io_context context;
    test::Meeting meeting;
    Warnings at_server;
    Warnings at_client;
    std::optional<test::RouteServer> server;
    communica::ClientOptions client_options;
};

auto of_server() { return ContractCheck().serves(routes_with_int()); }

}  // namespace

TEST_CASE("sides whose types are equal, or of which one compares nothing, say nothing") {
    const auto transport = GENERATE(test::every_transport());
    for (const int which : {0, 1, 2}) {
        INFO(which);
        Exchange client;
        const Exchange server = of_server().refuse_differences();
        if (which == 0) {
            client = ContractCheck().asks(twice, half_of_int).refuse_differences();
        } else if (which == 1) {
            client = ContractCheck().asks(half).refuse_differences();
        }
        Sides sides(transport, client, which == 1 ? nullptr : server);
        CHECK_FALSE(sides.ask().code);
        CHECK(sides.at_client.text.empty());
        CHECK(sides.at_server.text.empty());
    }
}

TEST_CASE("a difference is a warning of both sides, and requests go on") {
    const auto transport = GENERATE(test::every_transport());
    Sides sides(transport, ContractCheck().asks(half, twice), of_server());
    CHECK_FALSE(sides.ask().code);
    CHECK(sides.at_client.count(": " + warning + "\n") == 1);
    CHECK(sides.at_server.text == "client \"ann\": " + warning + "\n");
}

TEST_CASE("a side that refuses differences refuses the other: both get the words, and the client stops") {
    const auto transport = GENERATE(test::every_transport());
    const bool server_refuses = GENERATE(true, false);
    auto client = ContractCheck().asks(half, twice);
    auto server = of_server();
    (server_refuses ? server : client).refuse_differences();
    Sides sides(transport, client, server);
    const Error error = sides.ask();
    CHECK(error.code == errc::incompatible_contract);
    INFO(error.text() + "\n" + sides.at_server.text + sides.at_client.text);
    CHECK(error.text().find(warning) != std::string::npos);
    CHECK(sides.at_server.count(warning) != 0);
    CHECK(sides.at_client.count(warning) != 0);
}

TEST_CASE("a server that sends requests compares their types with its client's routes") {
    Sides sides(Transport::memory, ContractCheck().serves(routes_with_int()), ContractCheck().asks(half));
    CHECK_FALSE(sides.ask().code);
    CHECK(sides.at_client.count(warning) == 1);
    CHECK(sides.at_server.count(warning) == 1);
}

TEST_CASE("sides compare at each connect") {
    Sides sides(Transport::local, ContractCheck().asks(half), of_server());
    test::run(sides.context, [&]() -> asio::awaitable<void> {
        co_await sides.server->start();
        test::RouteClient client(sides.context, sides.meeting.at_client(*sides.server), test::Routes(),
                                 sides.client_options);
        co_await client.connect();
        CHECK(sides.at_client.count(warning) == 1);
        co_await sides.server->close();
        co_await sides.server->start();
        co_await test::until([&] { return sides.at_client.count(warning) == 2; });
        const int four = co_await client.request(twice, 2);
        CHECK(four == 4);
        co_await client.close();
        co_await sides.server->close();
    });
    test::run_out(sides.context);
    CHECK(sides.at_server.count(warning) == 2);
}

TEST_CASE("a hello has hashes only of a client that compares, and a server's never") {
    const auto transport = GENERATE(Transport::local, Transport::tcp);
    const bool compares = GENERATE(true, false);
    asio::io_context context;
    test::ScriptedListener listener(context, transport);
    communica::ClientOptions options = test::quick_client("ann");
    if (compares) {
        options.contract = ContractCheck().asks(half);
    }
    test::run(context, [&]() -> asio::awaitable<void> {
        test::RouteClient client(context, listener.connector(), test::Routes(), options);
        client.start();
        ScriptedPeer peer = co_await listener.accept();
        const json hello = co_await peer.expect_client_hello("ann");
        CHECK(hello.at("communica").contains("contract") == compares);
        co_await peer.send(test::server_hello);  // as the Python library's
        co_await client.wait_connected();
        peer.cut();
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("a client leaves a server that goes astray while they compare, and comes back to a good one") {
    asio::io_context context;
    test::ScriptedListener listener(context, Transport::local);
    Warnings warnings;
    communica::ClientOptions options = test::quick_client("ann");
    options.contract = ContractCheck().asks(half);
    options.connect_timeout = std::chrono::seconds{1};
    options.log = warnings.log();
    const std::string types =
        R"({"communica": {"contract": {"serves": {"half": {"kind": "request", "serializer": "json",
            "argument": {"type": "string"}, "result": {"type": "number", "format": "double"}}}}}})" +
        std::string(1, '\0');
    const std::string deep = R"({"communica": {"contract": {"serves": {"half": )" + std::string(30'000, '[');
    test::run(context, [&]() -> asio::awaitable<void> {
        test::RouteClient client(context, listener.connector(), test::Routes(), options);
        client.start();
        const std::vector<std::vector<std::string>> astray{
            {types},  // and then nothing
            {types, "[1, 2"},
            {types, std::string(70'000, ' ')},
            {deep + '\0'},
            {R"({"communica": {"contract": {"serves": []}}})" + std::string(1, '\0')},
            {R"({"communica": {"contract": {}}})" + std::string(1, '\0')},
            {R"({"hello": "hello", "communica": {"contract": {"serves": {"half": 7}}}})" + std::string(1, '\0')},
        };
        for (const auto& said : astray) {
            CAPTURE(said.front().substr(0, 100), said.back().substr(0, 100));
            ScriptedPeer peer = co_await listener.accept();
            const json hello = co_await peer.expect_client_hello("ann");
            CHECK(hello.at("communica").at("contract").at("asks").contains("half"));
            for (const std::string& bytes : said) {
                co_await peer.send(bytes);
                if (&bytes == said.data() && said.size() != 1) {
                    const json answer = json::parse(co_await peer.read_hello());
                    CHECK(answer.at("communica").at("contract").at("asks").at("half").at("kind") == "request");
                }
            }
            if (&said != astray.data()) {  // the first one does nothing more
                peer.end();
            }
            co_await peer.read_to_end();
            CHECK_FALSE(client.is_connected());
        }
        ScriptedPeer good = co_await listener.accept();
        co_await good.expect_client_hello("ann");
        co_await good.send(types);
        co_await good.read_hello();
        co_await good.send(test::server_hello);
        co_await client.wait_connected();
        good.cut();
        co_await client.close();
    });
    test::run_out(context);
    CHECK(warnings.count("half: argument: number -> string") != 0);
    CHECK(warnings.text.size() < 20'000);
}

TEST_CASE("a client whose types are not of their form is refused, and others are served") {
    Sides sides(Transport::tcp, nullptr, of_server().refuse_differences());
    test::run(sides.context, [&]() -> asio::awaitable<void> {
        co_await sides.server->start();
        for (const char* answer :
             {"{}", "7", R"({"communica": {"contract": {"asks": {"half": null}}}})",
              R"({"communica": {"contract": {"asks": {"half": {"kind": "request", "serializer": "json",
                  "argument": {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}, "result": {}}}}}})"}) {
            INFO(answer);
            ScriptedPeer peer = co_await ScriptedPeer::connect(sides.server->connector_state());
            const std::string hello =
                R"({"client_id": "bob", "communica": {"contract": {"asks": {"half": "0123456789abcdef"}}}})";
            co_await peer.send(hello + '\0');
            const json types = json::parse(co_await peer.read_hello());
            CHECK(types.at("communica").at("contract").at("serves").at("half").at("kind") == "request");
            co_await peer.send(std::string(answer) + '\0');
            peer.end();
            const std::string refusal = co_await peer.read_to_end();
            CHECK(refusal.find(R"("errc":"incompatible_contract")") != std::string::npos);
        }
        // Texts over 64 KiB are no hello. The server closes without an answer.
        ScriptedPeer peer = co_await ScriptedPeer::connect(sides.server->connector_state());
        co_await peer.send(R"({"client_id": "bob", "communica": {"contract": {"asks": {"half": "0"}}}})" +
                           std::string(1, '\0'));
        co_await peer.read_hello();
        co_await peer.send(std::string(70'000, ' ') + "{}" + '\0');
        const std::string rest = co_await peer.read_to_end();
        CHECK(rest.empty());
        ScriptedPeer last = co_await ScriptedPeer::greet(sides.server->connector_state(), "carl");
        last.end();
        co_await sides.server->close();
    });
    test::run_out(sides.context);
}

}  // namespace contracts_tests

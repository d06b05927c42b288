#include "support/errors.hpp"
#include "support/pair.hpp"

#include <asio/thread_pool.hpp>

#include <set>
#include <string>
#include <utility>

namespace route_tables {

using communica::Error;
using communica::Route;
using communica::RouteOverrideError;
using communica::RouteTable;
using test::error_of;
using test::RoutePair;
using test::Routes;
using test::Transport;
using test::what_of;
using namespace std::chrono_literals;

namespace {

/// JSON with every bit flipped.
struct Flipped {
    template <class T>
        requires communica::Dumps<communica::JsonSerializer, T>
    void dump(const T& value, communica::Buffer& out) const {
        communica::Buffer json;
        communica::JsonSerializer().dump(value, json);
        for (const char byte : json.text()) {
            out.push_back(static_cast<char>(~byte));
        }
    }
    template <class T>
        requires communica::Loads<communica::JsonSerializer, T>
    T load(communica::Bytes bytes) const {
        std::string json;
        for (const char byte : communica::as_text(bytes)) {
            json += static_cast<char>(~byte);
        }
        return communica::JsonSerializer().load<T>(communica::as_bytes(json));
    }
};

/// A text that is given as a value. GCC 12 destroys some temporaries of a `co_await` expression twice.
class Temporary {
 public:
    explicit Temporary(std::string text) : text_(std::move(text)) { begin(); }
    Temporary(const Temporary& other) : text_(other.text_) { begin(); }
    Temporary& operator=(const Temporary&) = delete;
    ~Temporary() { destroyed_twice += alive.erase(this) == 0 ? 1 : 0; }
    operator std::string() const { return text_; }

    static inline std::set<const Temporary*> alive;
    static inline int made = 0;
    static inline int destroyed_twice = 0;

 private:
    void begin() {
        alive.insert(this);
        ++made;
    }

    std::string text_;
};

constexpr Route<std::string(std::string), Flipped> flipped{"flipped"};
constexpr Route<std::string(std::string, std::string)> joined{"joined"};
constexpr Route<double(double, int, std::vector<int>), communica::MsgpackSerializer> total{"total"};
constexpr Route<void(int, int), Flipped> noted{"noted"};
constexpr Route<void(std::string, std::vector<int>)> set{"set", {"key", "value"}};
constexpr Route<void(std::string, std::vector<int>)> set_later{"set_later", {"key", "value"}};
constexpr Route<communica::Stream<int>(int, int)> count{"count", {"from", "to"}};
constexpr Route<communica::Stream<int>(int, std::string)> count_to_text{"count"};

}  // namespace

TEST_CASE("a route that is added twice is refused in words") {
    Routes named("first");
    named.add("a", [] {});
    CHECK(what_of([&] { named.add("a", [] {}); }) == R"(route "a" is defined already in table "first")");
    static constexpr Route<void()> a{"a"};
    CHECK_THROWS_AS(named.add(a, [] {}), RouteOverrideError);
    Routes unnamed;
    unnamed.add("a", [] {});
    CHECK(what_of([&] { unnamed.add("a", [] {}); }) == R"(route "a" is defined already)");
    CHECK(unnamed.handlers().size() == 1);
}

TEST_CASE("tables that clash are not joined, and the message names both and the route") {
    Routes first("first");
    first.add("a", [] {}).add("b", [] {});
    Routes second("second");
    second.add("c", [] {}).add("b", [] {});
    CHECK(what_of([&] { first.join(second); }) == R"(route "b" in table "second" is defined already in table "first")");
    CHECK(first.handlers().size() == 2);
    CHECK_THROWS_AS(first.join(first), RouteOverrideError);
}

TEST_CASE("the routes of joined tables are all served, each with its own serializer") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes all;
    all.add("a", [] { return "a"; });
    Routes more;
    more.add("b", [] { return "b"; });
    RouteTable<Flipped> other;
    other.add("c", [](std::string text) { return text + "c"; });
    all.join(more).join(other);
    RoutePair pair(transport, all);

    pair.run([&]() -> asio::awaitable<void> {
        static constexpr Route<std::string(std::string), Flipped> c{"c"};
        CHECK_AWAITED("a", pair.client().request<std::string>("a", nullptr));
        CHECK_AWAITED("b", pair.client().request<std::string>("b", nullptr));
        CHECK_AWAITED("xc", pair.client().request(c, "x"));
        const Error error = co_await error_of(pair.client().request<std::string>("c", "x"));
        CHECK(error.kind == Error::Kind::serializer);
    });
}

TEST_CASE("temporaries that are given as several values are destroyed once") {
    Routes routes;
    routes.add(joined, [](const std::string& first, const std::string& second) { return first + "+" + second; });
    RoutePair pair(Transport::memory, routes);
    const std::string long_text(100, 'x');
    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        std::string answer = co_await client.request(joined, Temporary("key"), Temporary(long_text));
        CHECK(answer == "key+" + long_text);
        answer = co_await client.request(joined, Temporary(long_text), Temporary("b"), {.timeout = 10s});
        CHECK(answer == long_text + "+b");
        answer = co_await client.request(joined, std::string(100, 'k'), long_text + "y");
        CHECK(answer == std::string(100, 'k') + "+" + long_text + "y");
        auto outcome = co_await client.try_request(joined, Temporary("c"), Temporary("d"));
        CHECK(outcome.value() == "c+d");
        co_await client.notify(joined, Temporary("e"), Temporary("f"));
        co_await client.flush();
        asio::awaitable<std::string> later = client.request(joined, Temporary("g"), Temporary("h"));
        CHECK(Temporary::alive.empty());  // it does not wait for the answer
        answer = co_await std::move(later);
        CHECK(answer == "g+h");
    });
    CHECK(Temporary::made == 10);
    CHECK(Temporary::alive.empty());
    CHECK(Temporary::destroyed_twice == 0);
}

TEST_CASE("an entity takes several tables at once, if they do not clash") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes first("first");
    first.add("a", [] { return "a"; });
    Routes second("second");
    second.add("b", [] { return "b"; });
    asio::io_context context;
    const test::Meeting meeting(transport);
    const auto clash = what_of([&] { test::RouteServer(context, meeting.at_server(), {first, second, first}); });
    REQUIRE(clash.has_value());
    CHECK(clash->find("route \"a\" in table \"first\" is defined already") != std::string::npos);
    CHECK_THROWS_AS(test::RouteClient(context, communica::MemoryConnector(), {first, first}), RouteOverrideError);
    test::RouteServer server(context, meeting.at_server(), {first, second});

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server), {first, second});
        co_await client.connect();
        CHECK_AWAITED("a", client.request<std::string>("a", nullptr));
        CHECK_AWAITED("b", client.request<std::string>("b", nullptr));
        CHECK_AWAITED("b", server.request<std::string>("b", nullptr));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("routes can be added while requests are served, all or none") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes at_first;
    at_first.add("a", [] { return "old a"; });
    RoutePair pair(transport, at_first, at_first);
    Routes later("later");
    later.add("b", [] { return "b"; });
    Routes clashing("clashing");
    clashing.add("c", [] { return "c"; }).add("a", [] { return "new a"; });
    static constexpr const char* undefined_c = "Route \"c\" is not defined";

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        const Error undefined = co_await error_of(client.request<std::string>("b", nullptr));
        CHECK(undefined.message == "Route \"b\" is not defined");
        pair.server.add_routes(later);
        client.add_routes(later);
        CHECK_AWAITED("b", client.request<std::string>("b", nullptr));
        CHECK_AWAITED("b", pair.server.request<std::string>("b", nullptr));

        const auto what = what_of([&] { pair.server.add_routes(clashing); });
        REQUIRE(what.has_value());
        CHECK(what->find("route \"a\"") != std::string::npos);
        CHECK(what->find("\"clashing\"") != std::string::npos);
        CHECK_THROWS_AS(client.add_routes(clashing), RouteOverrideError);
        CHECK_AWAITED("old a", client.request<std::string>("a", nullptr));
        const Error at_server = co_await error_of(client.request<std::string>("c", nullptr));
        CHECK(at_server.message == undefined_c);
        const Error at_client = co_await error_of(pair.server.request<std::string>("c", nullptr));
        CHECK(at_client.message == undefined_c);
    });
}

TEST_CASE("a table is a value that serves many servers") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    int calls = 0;
    Routes routes;
    routes.add("count", [&](int) { return ++calls; });
    RoutePair first(transport, routes);
    Routes changed = routes;
    changed.add("more", [](int number) { return number; });
    RoutePair second(transport, changed);

    first.run([&]() -> asio::awaitable<void> {
        CHECK_AWAITED(1, first.client().request<int>("count", 1));
        const Error undefined = co_await error_of(first.client().request<int>("more", 1));
        CHECK(undefined.message == "Route \"more\" is not defined");
    });
    second.run([&]() -> asio::awaitable<void> {
        CHECK_AWAITED(2, second.client().request<int>("count", 1));
        CHECK_AWAITED(7, second.client().request<int>("more", 7));
    });
}

TEST_CASE("a route with a serializer of its own uses it for values, while errors stay readable") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add(flipped, [](std::string text) {
        if (text.empty()) {
            throw communica::RequesterError("an empty text", 400);
        }
        return text + "!";
    });
    RoutePair pair(transport, routes, routes);

    pair.run([&]() -> asio::awaitable<void> {
        CHECK_AWAITED("x!", pair.client().request(flipped, "x"));
        CHECK_AWAITED("x!", pair.server.request(flipped, "x"));
        const Error error = co_await error_of(pair.client().request(flipped, ""));
        CHECK(error.status == 400);
        CHECK(error.message == "an empty text");
        const Error unreadable = co_await error_of(pair.client().request<std::string>("flipped", "x"));
        CHECK(unreadable.kind == Error::Kind::serializer);
    });
}

TEST_CASE("entities may have another serializer than JSON") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    RouteTable<Flipped> routes;
    routes.add("double", [](int number, communica::RoutePeer<Flipped>& peer) -> asio::awaitable<int> {
        co_return co_await peer.request<int>("same", number) * 2;
    });
    RouteTable<Flipped> client_routes;
    client_routes.add("same", [](int number) { return number; });
    communica::RouteServer server(context, meeting.at_server(), routes);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        communica::RouteClient client(context, meeting.at_client(server), client_routes);
        co_await client.connect();
        CHECK_AWAITED(14, client.request<int>("double", 7));
        CHECK_AWAITED(7, server.request<int>("same", 7));
        CHECK_AWAITED(7, server.client(client.client_id()).request<int>("same", 7));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("an error of a value of several names it, if its route does") {
    static_assert(set.value_names().size() == 2 && set.value_names()[1] == "value" && joined.value_names().empty());
    asio::thread_pool pool(1);
    Routes routes;
    routes.add(set, [](const std::string&, const std::vector<int>&) {});
    routes.add(set_later, communica::on_executor(pool, [](const std::string&, const std::vector<int>&) {}));
    routes.add(count, [](int, int to) -> communica::Stream<int> { co_yield to; });
    routes.add(joined, [](const std::string& first, const std::string&) { return first; });
    RoutePair pair(Transport::memory, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        const auto error = [&](std::string route, std::string value) -> asio::awaitable<std::string> {
            const Error found = co_await error_of(client.request<std::string>(route, nlohmann::json::parse(value)));
            CHECK(found.code == communica::errc::serializer_error);
            co_return found.message;
        };
        CHECK_AWAITED("argument 1, key: expected string, got 7", error("set", "[7, []]"));
        CHECK_AWAITED("argument 2, value: /1: expected integer in -2147483648..2147483647, got \"x\"",
                      error("set", R"(["", [1, "x"]])"));
        CHECK_AWAITED("argument 2, value: expected array, got 7", error("set_later", R"(["", 7])"));
        CHECK_AWAITED("expected array of 2, got 1", error("set", R"([""])"));
        CHECK_AWAITED("/2: expected array of 2, got more", error("set", R"(["", [], 7])"));
        CHECK_AWAITED("/0: expected string, got 7", error("joined", "[7, 7]"));
        std::string opened;
        try {
            (void)co_await client.open(count_to_text, 1, "x");
        } catch (const communica::SerializerError& e) {
            opened = e.what();
        }
        CHECK(opened == "argument 2, to: expected integer in -2147483648..2147483647, got \"x\"");
    });
}

TEST_CASE("a route of several values takes them as an array") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    std::vector<std::pair<int, int>> notes;
    Routes routes;
    routes.add(joined, [](const std::string& first, std::string second) { return first + "+" + second; });
    routes.add(total,
               [](double a, int b, std::vector<int> more, communica::Context& context) -> asio::awaitable<double> {
                   CHECK(context.route() == "total");
                   co_return a + b + static_cast<double>(more.size());
               });
    routes.add(noted, [&](int a, int b) { notes.emplace_back(a, b); });
    routes.add("difference", [](int a, int b) { return a - b; });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        const std::string text = "text";
        const std::vector<int> numbers(5);
        const std::tuple<int, int> two(7, 2);
        const std::tuple<int, int, int> three(7, 2, 1);
        CHECK_AWAITED("a+text", client.request(joined, "a", text));
        CHECK_AWAITED("text+b", client.request(joined, text, "b", {.timeout = 10s}));
        CHECK_AWAITED(8.5, client.request(total, 1.5, 2, numbers));
        CHECK_AWAITED(8.5, client.request(total, 1.5, 2, numbers, communica::RequestOptions{.timeout = 10s}));
        co_await client.notify(noted, 1, 2);
        co_await client.notify(noted, 3, 4, {.wait_for_connection = false});
        CHECK_AWAITED(5, client.request<int>("difference", two));
        // Too few or too many are refused in words, and no handler sees them.
        const Error error = co_await error_of(client.request<int>("difference", three));
        CHECK(error.code == communica::errc::serializer_error);
        CHECK(error.message == "/2: expected array of 2, got more");
    });
    CHECK(notes == std::vector{std::pair{1, 2}, std::pair{3, 4}});
}

}  // namespace route_tables

#include "support/pair.hpp"

#include <list>
#include <map>
#include <optional>

namespace clients {

using communica::errc;
using communica::Error;
using communica::Route;
using test::error_of;
using test::RouteClient;
using test::Routes;
using test::RouteServer;
using namespace std::chrono_literals;

namespace {

constexpr Route<std::string()> who{"who"};
constexpr Route<void(int)> told{"told"};

/// A server that asks, and clients that come when they are called.
struct Asking {
    explicit Asking(test::Transport transport) : meeting(transport), server(context, meeting.at_server(), Routes()) {}

    template <class Body>
    void run(Body body) {
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server.start();
            co_await body();
            for (auto& client : clients) {
                co_await client.close();
            }
            co_await server.close();
        });
        test::run_out(context);
    }

    RouteClient& add(const std::string& id) {
        Routes routes;
        routes.add(who, [id] { return id; });
        routes.add(told, [this, id](int number) { notes[id].push_back(number); });
        return clients.emplace_back(context, meeting.at_client(server), routes, test::quick_client(id));
    }
    asio::awaitable<void> join(std::string id) { co_await add(id).connect(); }

    asio::io_context context;
    test::Meeting meeting;
    RouteServer server;
    std::list<RouteClient> clients;
    std::map<std::string, std::vector<int>> notes;
};

}  // namespace

TEST_CASE("a request to a client that is not there waits for it") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Asking asking(transport);

    asking.run([&]() -> asio::awaitable<void> {
        auto ann = asking.server.client("ann");
        CHECK_FALSE(ann.is_connected());
        std::vector<std::string> answers;
        const auto keep = [&](std::exception_ptr, std::string answer) { answers.push_back(answer); };
        ann.request(who, keep);
        asking.server.client("ann").request(who, {.timeout = std::nullopt}, keep);
        ann.notify(told, 1, asio::detached);
        ann.notify(told, 2, asio::detached);
        CHECK(asking.server.client_ids().empty());
        co_await asking.join("ann");
        co_await test::until([&] { return answers.size() == 2 && asking.notes["ann"].size() == 2; });
        CHECK(answers == std::vector<std::string>{"ann", "ann"});
        CHECK(asking.notes["ann"] == std::vector{1, 2});
        CHECK(ann.is_connected());
    });
}

TEST_CASE("a request to a client goes to no other") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    Asking asking(transport);

    asking.run([&]() -> asio::awaitable<void> {
        co_await asking.join("ann");
        co_await asking.join("bob");
        const Error absent = co_await error_of(asking.server.client("cy").request(who, {.timeout = 10ms}));
        CHECK(absent.code == errc::timeout);
        for (int round = 0; round != 10; ++round) {
            CHECK_AWAITED("ann", asking.server.client("ann").request(who));
            CHECK_AWAITED("bob", asking.server.client("bob").request(who));
            co_await asking.server.client("bob").notify(told, round);
        }
        CHECK_AWAITED("bob", asking.server.client("bob").request(who));
        CHECK(asking.notes["ann"].empty());
        CHECK(asking.notes["bob"].size() == 10);
    });
}

TEST_CASE("a request to no client in particular goes to a random one that is connected") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    Asking asking(transport);

    asking.run([&]() -> asio::awaitable<void> {
        co_await asking.join("ann");
        co_await asking.join("bob");
        co_await asking.join("cy");
        std::map<std::string, int> answers;
        for (int round = 0; round != 200; ++round) {
            ++answers[co_await asking.server.request(who)];
        }
        CHECK(answers.size() == 3);  // but for one time in 10^34
        co_await asking.clients.front().close();
        co_await test::until([&] { return asking.server.client_ids().size() == 2; });
        answers.clear();
        for (int round = 0; round != 200; ++round) {
            ++answers[co_await asking.server.request(who)];
        }
        CHECK(answers.count("ann") == 0);
        CHECK(answers.size() == 2);
    });
}

TEST_CASE("a request to no client in particular waits for the first") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Asking asking(transport);

    asking.run([&]() -> asio::awaitable<void> {
        std::vector<std::string> answers;
        int notified = 0;
        for (int number = 0; number != 3; ++number) {
            asking.server.request(who, [&](std::exception_ptr, std::string answer) { answers.push_back(answer); });
            asking.server.notify(told, number, [&](std::exception_ptr failure) { notified += failure ? 0 : 1; });
        }
        co_await asking.join("ann");
        co_await test::until([&] { return answers.size() == 3 && asking.notes["ann"].size() == 3; });
        CHECK(answers == std::vector<std::string>(3, "ann"));
        CHECK(asking.notes["ann"] == std::vector{0, 1, 2});
        CHECK(notified == 3);
    });
}

TEST_CASE("a request keeps its deadline when it goes to the first client that came") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Asking asking(transport);
    test::Event released;
    Routes routes;
    routes.add("late", [&](int) { return released.wait(); });

    asking.run([&]() -> asio::awaitable<void> {
        std::optional<std::error_code> ending;
        asking.server.request<void>("late", 1, {.timeout = 50ms},
                                    [&](std::exception_ptr failure) { ending = Error::from(failure).code; });
        auto& client = asking.clients.emplace_back(asking.context, asking.meeting.at_client(asking.server), routes);
        co_await client.connect();
        co_await test::until([&] { return ending.has_value(); });
        CHECK(ending == errc::timeout);
        released.set();
    });
}

TEST_CASE("a request that was prepared when no client was there, and awaited when one was, is answered") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Asking asking(transport);

    asking.run([&]() -> asio::awaitable<void> {
        auto any = asking.server.request(who, {.timeout = 5s});
        auto by_id = asking.server.client("ann").request(who, {.timeout = 5s});
        co_await asking.join("ann");
        CHECK_AWAITED("ann", std::move(by_id));
        CHECK_AWAITED("ann", std::move(any));
    });
}

TEST_CASE("a server needs no handlers, and a handle on a client may be const") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    communica::ServerOptions options;
    int connected = 0;
    options.on_connect = [&](const std::string&) { ++connected; };
    RouteServer server(context, meeting.at_server(), options);
    std::vector<int> notes;
    Routes routes;
    routes.add(who, [] { return std::string("ann"); });
    routes.add(told, [&](int number) { notes.push_back(number); });

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient client(context, meeting.at_client(server), routes, test::quick_client("ann"));
        co_await client.connect();
        const auto ann = server.client("ann");
        CHECK_AWAITED("ann", ann.request(who));
        const communica::RequestOptions soon{.timeout = test::patience};
        co_await ann.notify(told, 7, soon);
        co_await ann.with(communica::JsonSerializer()).notify("told", 8);
        CHECK_AWAITED("ann", ann.request(who));
        CHECK(notes == std::vector<int>{7, 8});
        CHECK(connected == 1);
        const auto answer = co_await client.try_request<int>("any", 1);
        CHECK(answer.error().code == errc::requester_error);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a client that is forgotten is waited for no more, and one that is here is not forgotten") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    Asking asking(transport);

    asking.run([&]() -> asio::awaitable<void> {
        CHECK_FALSE(asking.server.forget("ann"));
        std::optional<std::error_code> ending;
        asking.server.client("ann").request(
            who, {.timeout = std::nullopt},
            [&](const std::exception_ptr& failure, const std::string&) { ending = Error::from(failure).code; });
        CHECK(asking.server.forget("ann"));
        co_await test::until([&] { return ending.has_value(); });
        CHECK(ending == errc::connection_lost);
        CHECK_FALSE(asking.server.forget("ann"));

        co_await asking.join("ann");
        CHECK_FALSE(asking.server.forget("ann"));
        CHECK_AWAITED("ann", asking.server.client("ann").request(who));
        co_await asking.clients.back().close();
        co_await test::until([&] { return asking.server.forget("ann"); });
    });
}

TEST_CASE("notify_all reaches the clients that are connected and says how many") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    Asking asking(transport);

    asking.run([&]() -> asio::awaitable<void> {
        CHECK_AWAITED(0U, asking.server.notify_all(told, 1));
        co_await asking.join("ann");
        co_await asking.join("bob");
        co_await asking.join("cy");
        CHECK_AWAITED(3U, asking.server.notify_all(told, 2));
        CHECK_AWAITED(3U, asking.server.notify_all("told", 3));
        co_await test::until([&] {
            return asking.notes["ann"].size() == 2 && asking.notes["bob"].size() == 2 && asking.notes["cy"].size() == 2;
        });
        co_await asking.clients.back().close();
        co_await test::until([&] { return asking.server.client_ids().size() == 2; });
        CHECK_AWAITED(2U, asking.server.notify_all(told, 4));
        co_await test::until([&] { return asking.notes["ann"].size() == 3 && asking.notes["bob"].size() == 3; });
        CHECK(asking.notes["ann"] == std::vector{2, 3, 4});
        CHECK(asking.notes["cy"] == std::vector{2, 3});
    });
}

TEST_CASE("notify_all takes the values of its route, several or none") {
    constexpr Route<void(int, std::string)> renamed{"renamed"};
    constexpr Route<void(int, std::string, std::vector<int>)> replaced{"replaced"};
    constexpr Route<void(), communica::MsgpackSerializer> cleared{"cleared"};
    constexpr Route<void(std::string, int), communica::MsgpackSerializer> moved{"moved"};
    Asking asking(test::Transport::memory);
    std::vector<std::string> seen;
    Routes routes;
    routes.add(renamed, [&](int number, std::string name) { seen.push_back(name + std::to_string(number)); });
    routes.add(replaced, [&](int number, const std::string& name, const std::vector<int>& by) {
        seen.push_back(name + std::to_string(number) + std::to_string(by.size()));
    });
    routes.add(cleared, [&] { seen.emplace_back("cleared"); });
    routes.add(moved, [&](std::string name, int number) { seen.push_back(name + std::to_string(number)); });

    asking.run([&]() -> asio::awaitable<void> {
        asking.clients.emplace_back(asking.context, asking.meeting.at_client(asking.server), routes,
                                    test::quick_client("ann"));
        co_await asking.clients.back().connect();
        const std::string name = "name";
        const std::vector<int> by{1, 2};
        CHECK_AWAITED(1U, asking.server.notify_all(renamed, 1, name));
        CHECK_AWAITED(1U, asking.server.notify_all(replaced, 2, "text", by));
        CHECK_AWAITED(1U, asking.server.notify_all(cleared));
        std::optional<std::size_t> told_by_callback;
        asking.server.notify_all(moved, name, 3, [&](std::exception_ptr failure, std::size_t count) {
            told_by_callback = failure ? 0 : count;
        });
        asking.server.notify_all(cleared, asio::detached);
        co_await test::until([&] { return seen.size() == 5 && told_by_callback; });
        CHECK(told_by_callback == 1U);
        CHECK(seen == std::vector<std::string>{"name1", "text22", "cleared", "name3", "cleared"});
        const Error refused = co_await error_of(asking.server.notify_all(renamed, 1, "\xff"));
        CHECK(refused.kind == Error::Kind::serializer);
    });
}

TEST_CASE("a server knows who is connected") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    Asking asking(transport);

    asking.run([&]() -> asio::awaitable<void> {
        CHECK(asking.server.client_ids().empty());
        co_await asking.join("ann");
        co_await asking.join("bob \u00e4\n");
        auto ids = asking.server.client_ids();
        std::sort(ids.begin(), ids.end());
        CHECK(ids == std::vector<std::string>{"ann", "bob \u00e4\n"});
        co_await asking.clients.front().close();
        co_await test::until([&] { return asking.server.client_ids().size() == 1; });
        CHECK(asking.server.client_ids().front() == "bob \u00e4\n");
        CHECK_FALSE(asking.server.client("ann").is_connected());
        co_await asking.clients.front().connect();
        co_await test::until([&] { return asking.server.client_ids().size() == 2; });
    });
}

}  // namespace clients

#include "support/pair.hpp"

#include <asio/use_future.hpp>

#include <cstdlib>
#include <thread>

namespace destruction {

using communica::errc;
using communica::Error;
using test::error_of;
using test::RouteClient;
using test::Routes;
using test::RouteServer;
using test::Transport;
using namespace std::chrono_literals;

namespace {

/// How operations ended, each by its code.
struct Endings {
    auto into() {
        return [this](const std::exception_ptr& failure, auto&&...) {
            codes.push_back(failure ? Error::from(failure).code : std::error_code());
        };
    }
    std::vector<std::error_code> codes;
};

std::vector<std::error_code> closed(std::size_t count) { return {count, errc::closed}; }

/// A server and a client, each of which a test may destroy at any time.
struct World {
    explicit World(test::Transport transport) : meeting(transport) {
        routes.add("late", [this](int number) -> asio::awaitable<int> {
            ++calls;
            co_await released.wait();
            co_return number;
        });
        routes.add("echo", [](int number) { return number; });
    }

    void make_server() { server.emplace(context, meeting.at_server(), routes); }
    void make_client() { client.emplace(context, meeting.at_client(*server), routes, test::quick_client()); }

    asio::awaitable<void> connect() {
        make_server();
        co_await server->start();
        make_client();
        co_await client->connect();
    }

    void ask(RouteClient& asker) {
        asker.request<int>("late", 1, endings.into());
        asker.request<int>("late", 2, {.timeout = std::nullopt}, endings.into());
        asker.request<int>("late", 3, {.timeout = 1h}, endings.into());
    }
    void ask(RouteServer& asker) {
        asker.request<int>("late", 1, endings.into());
        asker.client("client").request<int>("late", 2, {.timeout = std::nullopt}, endings.into());
        asker.client("absent").request<int>("late", 3, {.timeout = 1h}, endings.into());
    }

    /// Destroys an entity: nothing may be completed in the destructor itself.
    template <class Entity>
    void destroy(std::optional<Entity>& entity) {
        const auto before = endings.codes.size();
        entity.reset();
        CHECK(endings.codes.size() == before);
    }

    Endings endings;
    int calls = 0;
    int asked = 0;
    asio::io_context context;
    test::Meeting meeting;
    test::Event released;
    Routes routes;
    std::optional<RouteServer> server;
    std::optional<RouteClient> client;
};

}  // namespace

TEST_CASE("a client that is destroyed before it started ends its requests") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    World world(transport);
    test::run(world.context, [&]() -> asio::awaitable<void> {
        world.make_server();
        co_await world.server->start();
        world.make_client();
        world.ask(*world.client);
        world.client->notify("late", 1, world.endings.into());
        world.client->wait_connected(world.endings.into());
        world.destroy(world.client);
        world.destroy(world.server);
    });
    test::run_out(world.context);
    CHECK(world.endings.codes == closed(5));
}

TEST_CASE("a client that is destroyed while it connects ends everything that waits for it") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    World world(transport);
    test::run(world.context, [&]() -> asio::awaitable<void> {
        world.make_server();
        co_await world.server->start();
        world.make_client();
        co_await world.server->close();
        world.client->start();
        world.ask(*world.client);
        world.client->connect(world.endings.into());
        world.client->wait_connected(world.endings.into());
        const Error timeout = co_await error_of(world.client->wait_connected({.timeout = 5ms}));  // some attempts
        CHECK(timeout.code == errc::timeout);
        world.destroy(world.client);
    });
    test::run_out(world.context);
    CHECK(world.endings.codes == closed(5));
}

TEST_CASE("a client that is destroyed with requests on their way ends each once, and no late answer reaches it") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    World world(transport);
    bool returned = false;
    test::run(world.context, [&]() -> asio::awaitable<void> {
        co_await world.connect();
        world.ask(*world.client);
        world.client->run([&](std::exception_ptr failure) { returned = !failure; });
        CHECK_AWAITED(1, world.client->request<int>("echo", 1));
        CHECK(world.calls == 3);
        world.released.set();  // the answers are as good as on their way
        world.destroy(world.client);
        co_await test::until([&] { return world.server->client_ids().empty(); });
        world.destroy(world.server);
    });
    test::run_out(world.context);
    CHECK(world.endings.codes == closed(3));
    CHECK(returned);
}

TEST_CASE("a client that is destroyed while its server is away ends its requests") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    World world(transport);
    test::run(world.context, [&]() -> asio::awaitable<void> {
        co_await world.connect();
        world.ask(*world.client);
        CHECK_AWAITED(1, world.client->request<int>("echo", 1));
        co_await world.server->close();
        co_await test::until([&] { return !world.client->is_connected(); });
        world.ask(*world.client);
        world.destroy(world.client);
    });
    test::run_out(world.context);
    CHECK(world.endings.codes == closed(6));
}

TEST_CASE("entities that are destroyed while they close complete the closing") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    World world(transport);
    int completed = 0;
    test::run(world.context, [&]() -> asio::awaitable<void> {
        co_await world.connect();
        world.ask(*world.client);
        world.ask(*world.server);
        world.client->close([&](std::exception_ptr failure) { completed += failure ? 0 : 1; });
        world.server->close([&](std::exception_ptr failure) { completed += failure ? 0 : 1; });
        world.destroy(world.client);
        world.destroy(world.server);
    });
    test::run_out(world.context);
    CHECK(completed == 2);
    CHECK(world.endings.codes == closed(6));
}

TEST_CASE("a server that is destroyed before it started ends its requests") {
    World world(test::Transport::local);
    world.make_server();
    world.ask(*world.server);
    world.server->notify("late", 1, world.endings.into());
    world.destroy(world.server);
    test::run_out(world.context);
    CHECK(world.endings.codes == closed(4));
}

TEST_CASE("a server that is destroyed while it listens frees the address and ends its requests") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    World world(transport);
    bool returned = false;
    test::run(world.context, [&]() -> asio::awaitable<void> {
        world.make_server();
        co_await world.server->start();
        const auto connector = world.meeting.at_client(*world.server);
        world.server->run([&](std::exception_ptr failure) { returned = !failure; });
        world.ask(*world.server);
        world.destroy(world.server);
        co_await test::until([&] { return returned; });
        world.server.emplace(world.context, connector, world.routes);
        co_await world.server->start();
        world.destroy(world.server);
    });
    test::run_out(world.context);
    CHECK(world.endings.codes == closed(3));
}

TEST_CASE("a server that is destroyed with clients ends each request once, and cancels its handlers") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    World world(transport);
    test::run(world.context, [&]() -> asio::awaitable<void> {
        co_await world.connect();
        world.client->request<int>("late", 1, asio::detached);
        world.ask(*world.server);
        CHECK_AWAITED(1, world.server->request<int>("echo", 1));
        CHECK_AWAITED(1, world.client->request<int>("echo", 1));
        CHECK(world.calls == 3);
        world.destroy(world.server);
        co_await test::until([&] { return !world.client->is_connected(); });
        world.destroy(world.client);
    });
    test::run_out(world.context);
    CHECK(world.endings.codes == closed(3));
}

TEST_CASE("an entity may be destroyed inside its own handler") {
    const auto transport = GENERATE(test::every_transport());
    const auto route = GENERATE("at once", "in a coroutine");
    const bool of_client = GENERATE(true, false);
    CAPTURE(transport, route, of_client);
    World world(transport);
    world.routes.add("at once", [&](int number) {
        of_client ? world.client.reset() : world.server.reset();
        return number;
    });
    world.routes.add("in a coroutine", [&](int number) -> asio::awaitable<int> {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        of_client ? world.client.reset() : world.server.reset();
        co_return number;
    });
    test::run(world.context, [&]() -> asio::awaitable<void> {
        co_await world.connect();
        if (of_client) {
            world.ask(*world.client);
            world.server->client("client").request<int>(route, 1, asio::detached);
            co_await test::until([&] { return !world.client; });
            world.destroy(world.server);
        } else {
            world.ask(*world.server);
            world.client->request<int>(route, 1, asio::detached);
            co_await test::until([&] { return !world.server; });
            world.destroy(world.client);
        }
    });
    test::run_out(world.context);
    CHECK(world.endings.codes == closed(3));
}

TEST_CASE("an entity may be destroyed inside a completion of its own") {
    const auto transport = GENERATE(test::every_transport());
    const bool of_client = GENERATE(true, false);
    CAPTURE(transport, of_client);
    World world(transport);
    test::run(world.context, [&]() -> asio::awaitable<void> {
        co_await world.connect();
        bool destroyed = false;
        if (of_client) {
            world.ask(*world.client);
            world.client->request<int>("echo", 1, [&](std::exception_ptr, int) {
                world.destroy(world.client);
                destroyed = true;
            });
        } else {
            world.ask(*world.server);
            world.server->request<int>("echo", 1, [&](std::exception_ptr, int) {
                world.destroy(world.server);
                destroyed = true;
            });
        }
        co_await test::until([&] { return destroyed; });
        world.destroy(world.client);
        world.destroy(world.server);
    });
    test::run_out(world.context);
    CHECK(world.endings.codes == closed(3));
}

TEST_CASE("a coroutine may destroy the entity that it was resumed by") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    World world(transport);
    test::run(world.context, [&]() -> asio::awaitable<void> {
        co_await world.connect();
        world.ask(*world.client);
        CHECK_AWAITED(1, world.client->request<int>("echo", 1));
        world.destroy(world.client);
        world.ask(*world.server);
        const Error error = co_await error_of(world.server->client("client").request<int>("echo", 1, {.timeout = 5ms}));
        CHECK(error.code);
        world.destroy(world.server);
    });
    test::run_out(world.context);
    // What was sent to the client was lost when that closed.
    REQUIRE(world.endings.codes.size() == 6);
    for (const auto& code : world.endings.codes) {
        CHECK((code == errc::closed || code == errc::connection_lost));
    }
    CHECK(std::count(world.endings.codes.begin(), world.endings.codes.end(), errc::closed) >= 3);
}

TEST_CASE("an io_context may be destroyed with everything at work") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Endings endings;
    {
        World world(transport);
        test::run(world.context, [&]() -> asio::awaitable<void> {
            co_await world.connect();
            world.ask(*world.client);
            world.ask(*world.server);
            CHECK_AWAITED(1, world.client->request<int>("echo", 1));
        });
        world.client->request<int>("late", 1, endings.into());
    }
    CHECK(endings.codes.empty());
}

namespace {

enum class State { made, connecting, connected, asking, away, draining, closing };

asio::awaitable<void> reach(World& world, State state) {
    world.make_server();
    co_await world.server->start();
    world.make_client();
    if (state == State::made) {
        co_return;
    }
    if (state == State::connecting) {
        world.client->start();
        co_return;
    }
    co_await world.client->connect();
    if (state == State::connected) {
        co_return;
    }
    world.ask(*world.client);
    world.ask(*world.server);
    world.asked += 6;
    if (state == State::away) {
        co_await world.server->close();
    }
    if (state == State::draining) {
        world.client->drain(1h, [](std::exception_ptr) {});
        world.server->drain(1h, [](std::exception_ptr) {});
    }
    if (state == State::closing) {
        world.client->close([](std::exception_ptr) {});
        world.server->close([](std::exception_ptr) {});
    }
}

}  // namespace

TEST_CASE("an entity may be destroyed in any state, at any step of it, time and again") {
    const auto transport = GENERATE(Transport::local, Transport::tcp, Transport::memory);
    const auto state = GENERATE(State::made, State::connecting, State::connected, State::asking, State::away,
                                State::draining, State::closing);
    const bool client_first = GENERATE(true, false);
    CAPTURE(transport, static_cast<int>(state), client_first);
    const char* wanted = std::getenv("COMMUNICA_DESTRUCTIONS");
    const int repetitions = wanted != nullptr ? std::atoi(wanted) : 25;
    for (int repetition = 0; repetition != repetitions; ++repetition) {
        CAPTURE(repetition);
        World world(transport);
        test::run(world.context, [&]() -> asio::awaitable<void> { co_await reach(world, state); });
        world.context.restart();
        for (int step = 0; step != repetition % 25 && world.context.poll_one() != 0; ++step) {
        }
        if (client_first) {
            world.destroy(world.client);
            world.context.poll();
            world.destroy(world.server);
        } else {
            world.destroy(world.server);
            world.context.poll();
            world.destroy(world.client);
        }
        test::run_out(world.context);
        REQUIRE(static_cast<int>(world.endings.codes.size()) == world.asked);
    }
}

TEST_CASE("entities are destroyed by another thread in the middle of their traffic") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    for (int round = 0; round != 10; ++round) {
        World world(transport);
        // As values: the thread sanitizer does not see how two threads share the count of an exception.
        std::vector<std::future<communica::Result<int>>> answers;
        {
            const auto work = asio::make_work_guard(world.context);
            std::thread thread([&] { world.context.run_for(test::patience); });
            asio::co_spawn(world.context, world.connect(), asio::use_future).get();
            for (int number = 0; number != 100; ++number) {
                answers.push_back(world.client->try_request<int>("echo", number, asio::use_future));
                answers.push_back(world.server->try_request<int>("echo", number, asio::use_future));
                if (number == 10 * round) {
                    answers[static_cast<std::size_t>(2 * number)].wait();
                }
            }
            if (round % 2 == 0) {
                world.client.reset();
                world.server.reset();
            } else {
                world.server.reset();
                world.client.reset();
            }
            for (auto& answer : answers) {
                REQUIRE(answer.wait_for(test::patience) == std::future_status::ready);
                const auto result = answer.get();
                // Of the client's, if the server goes first, what was sent and not answered is lost.
                REQUIRE(
                    (result || result.error().code == errc::closed || result.error().code == errc::connection_lost));
            }
            world.context.stop();
            thread.join();
        }
        test::run_out(world.context);
    }
}

}  // namespace destruction

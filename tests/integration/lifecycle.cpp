// Every verb beside every other: twice, at the same time, cancelled, and with an io_context that is destroyed.
#include "support/pair.hpp"
#include "support/streams.hpp"

#include <array>

namespace lifecycle {

using communica::errc;
using communica::Error;
using test::quick_client;
using test::Routes;
using namespace std::chrono_literals;

namespace {

using Server = communica::RouteServer<test::TestConnector>;
using Client = communica::RouteClient<test::TestConnector>;

Routes echo() {
    Routes routes;
    routes.add("echo", [](int number) { return number; });
    return routes;
}

/// The same, and one that is at work until it is cancelled.
Routes echo_and_never() {
    Routes routes = echo();
    routes.add("never", [](int) -> asio::awaitable<void> {
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
    });
    return routes;
}

/// How often an operation has ended, and how.
struct Ended {
    auto into() {
        return [this](const std::exception_ptr& failure) {
            ++count;
            code = failure ? Error::from(failure).code : std::error_code();
        };
    }
    int count = 0;
    std::error_code code;
};

}  // namespace

TEST_CASE("of two starts at once both complete, and one listener serves and closes") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    Server server(context, meeting.at_server(), echo());
    Ended run;
    Ended first;
    Ended second;

    test::run(context, [&]() -> asio::awaitable<void> {
        server.run(run.into());
        server.start(first.into());
        server.start(second.into());
        co_await test::until([&] { return first.count + second.count == 2; });
        CHECK_FALSE(first.code);
        CHECK_FALSE(second.code);
        Client client(context, meeting.at_client(server), quick_client());
        co_await client.connect();
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        co_await client.close();
        CHECK(run.count == 0);
        co_await server.close();
        co_await test::until([&] { return run.count == 1; });
        CHECK_FALSE(run.code);
    });
    test::run_out(context);  // a second listener would keep it at work
}

TEST_CASE("a server that is closed and started in one go completes both, and serves") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    Server server(context, meeting.at_server(), echo());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        Client client(context, meeting.at_client(server), quick_client());
        co_await client.connect();
        for (int round = 0; round != 3; ++round) {
            Ended closed;
            Ended started;
            server.close(closed.into());
            server.start(started.into());
            co_await test::until([&] { return closed.count + started.count == 2; });
            CHECK_FALSE(closed.code);
            CHECK_FALSE(started.code);
            Client another(context, meeting.at_client(server), quick_client("another"));
            co_await another.connect();
            CHECK_AWAITED(round, another.request<int>("echo", round));
            co_await another.close();
        }
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a client that is closed, drained or stopped, and connected in one go, completes both") {
    const auto transport = GENERATE(test::lasting_transports());
    const int way = GENERATE(0, 1, 2);
    CAPTURE(transport, way);
    asio::io_context context;
    const test::Meeting meeting(transport);
    Server server(context, meeting.at_server(), echo());

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        Client client(context, meeting.at_client(server), quick_client());
        co_await client.connect();
        Ended ended;
        Ended connected;
        switch (way) {
            case 0: client.close(ended.into()); break;
            case 1: client.drain(1s, ended.into()); break;
            default:
                client.run(ended.into());
                co_await asio::post(asio::use_awaitable);
                client.stop();
        }
        if (way == 1) {  // a drain that has nothing to wait for closes in its own time
            co_await test::until([&] { return ended.count == 1; });
        }
        client.connect(connected.into());
        co_await test::until([&] { return ended.count + connected.count == 2; });
        CHECK_FALSE(ended.code);
        CHECK_FALSE(connected.code);
        CHECK_AWAITED(7, client.request<int>("echo", 7));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a connect that is cancelled stops the client") {
    asio::io_context context;
    const test::Meeting meeting(test::Transport::local);
    Server server(context, meeting.at_server(), echo());
    Client client(context, meeting.at_client(server), quick_client());  // nobody listens
    asio::cancellation_signal signal;
    Ended connected;
    client.connect(asio::bind_cancellation_slot(signal.slot(), connected.into()));
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await test::until([&] { return client.last_error().code != std::error_code(); });
        signal.emit(asio::cancellation_type::terminal);
        co_await test::until([&] { return connected.count == 1; });
        CHECK(connected.code == asio::error::operation_aborted);
    });
    test::run_out(context);
}

TEST_CASE("a drain that is cancelled closes at once, and the entity can be started again") {
    const bool of_server = GENERATE(true, false);
    CAPTURE(of_server);
    asio::io_context context;
    const test::Meeting meeting(test::Transport::local);
    bool begun = false;
    Routes routes = echo();
    routes.add("never", [&]() -> asio::awaitable<void> {
        begun = true;
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
    });
    Server server(context, meeting.at_server(), routes);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        Client client(context, meeting.at_client(server), routes, quick_client());
        co_await client.connect();
        std::optional<std::error_code> asked;
        const auto ended = [&](const std::exception_ptr& failure, auto&&...) { asked = Error::from(failure).code; };
        if (of_server) {
            client.request<void>("never", nullptr, ended);
        } else {
            server.client("client").request<void>("never", nullptr, ended);
        }
        co_await test::until([&] { return begun; });
        asio::cancellation_signal signal;
        Ended drained;
        auto token = asio::bind_cancellation_slot(signal.slot(), drained.into());
        of_server ? server.drain(1h, std::move(token)) : client.drain(1h, std::move(token));
        co_await asio::post(asio::use_awaitable);
        signal.emit(asio::cancellation_type::terminal);
        co_await test::until([&] { return drained.count == 1 && asked; });
        CHECK(drained.code == asio::error::operation_aborted);
        CHECK(asked == errc::closed);
        if (of_server) {
            co_await server.start();
        } else {
            co_await client.connect();
        }
        CHECK_AWAITED(7, client.request<int>("echo", 7));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

namespace {

enum class Verb { connect, run, wait_connected, close, drain, request };
/// How a verb ends: by itself, in order or with `errc::closed`, or only when the entity is stopped, in order or as closed.
enum class End { in_order, closed, at_stop, closed_at_stop };

struct Cell {
    Verb verb;
    End end;
};

/// Begins a verb. `start` has no completion: `run` stands for it.
void begin(Client& client, Verb verb, Ended& ended) {
    switch (verb) {
        case Verb::connect: client.connect(ended.into()); break;
        case Verb::run: client.run(ended.into()); break;
        case Verb::wait_connected: client.wait_connected(ended.into()); break;
        case Verb::close: client.close(ended.into()); break;
        case Verb::drain: client.drain(1s, ended.into()); break;
        case Verb::request:
            client.request<int>("echo", 1, {.timeout = std::nullopt},
                                [into = ended.into()](const std::exception_ptr& failure, int) { into(failure); });
    }
}
void begin(Server& server, Verb verb, Ended& ended) {
    switch (verb) {
        case Verb::connect: server.start(ended.into()); break;
        case Verb::run: server.run(ended.into()); break;
        case Verb::close: server.close(ended.into()); break;
        case Verb::drain: server.drain(1s, ended.into()); break;
        case Verb::request:
            server.request<int>("echo", 1, {.timeout = std::nullopt},
                                [into = ended.into()](const std::exception_ptr& failure, int) { into(failure); });
            break;
        case Verb::wait_connected: FAIL("a server does not wait for a connection");
    }
}

/// The verb twice, whose ends have to be as the table says; then the entity is stopped.
template <class Entity>
asio::awaitable<void> check(Entity& entity, const Cell& cell) {
    Ended first;
    Ended second;
    begin(entity, cell.verb, first);
    begin(entity, cell.verb, second);
    if (cell.end == End::in_order || cell.end == End::closed) {
        co_await test::until([&] { return first.count == 1 && second.count == 1; });
    } else {
        for (int turn = 0; turn != 100; ++turn) {  // all that can happen without time has happened
            co_await asio::post(asio::use_awaitable);
        }
        CHECK(first.count == 0);
        CHECK(second.count == 0);
    }
    entity.stop();
    co_await test::until([&] { return first.count == 1 && second.count == 1; });
    const bool as_closed = cell.end == End::closed || cell.end == End::closed_at_stop;
    for (const Ended& ended : {first, second}) {
        CHECK(ended.count == 1);
        CHECK(ended.code == (as_closed ? communica::make_error_code(errc::closed) : std::error_code()));
    }
    co_await entity.close();
}

}  // namespace

TEST_CASE("every verb of a client, in every state, twice: as docs/lifecycle.md says") {
    enum class State { fresh, connecting, connected, draining, closing, closed };
    const std::vector<Cell> once_stopped{{Verb::connect, End::in_order},      {Verb::run, End::at_stop},
                                         {Verb::wait_connected, End::closed}, {Verb::close, End::in_order},
                                         {Verb::drain, End::in_order},        {Verb::request, End::closed}};
    using Row = std::pair<State, std::vector<Cell>>;
    const auto [state, cells] = GENERATE_COPY(values<Row>({
        {State::fresh,
         {{Verb::connect, End::in_order},
          {Verb::run, End::at_stop},
          {Verb::wait_connected, End::closed_at_stop},
          {Verb::close, End::in_order},
          {Verb::drain, End::in_order},
          {Verb::request, End::in_order}}},
        {State::connecting,
         {{Verb::connect, End::closed_at_stop},
          {Verb::run, End::at_stop},
          {Verb::wait_connected, End::closed_at_stop},
          {Verb::close, End::in_order},
          {Verb::drain, End::in_order},
          {Verb::request, End::closed_at_stop}}},
        {State::connected,
         {{Verb::connect, End::in_order},
          {Verb::run, End::at_stop},
          {Verb::wait_connected, End::in_order},
          {Verb::close, End::in_order},
          {Verb::drain, End::in_order},
          {Verb::request, End::in_order}}},
        {State::draining,
         {{Verb::connect, End::in_order},
          {Verb::run, End::at_stop},
          {Verb::wait_connected, End::in_order},
          {Verb::close, End::in_order},
          {Verb::drain, End::at_stop},
          {Verb::request, End::in_order}}},
        {State::closing, once_stopped},
        {State::closed, once_stopped},
    }));
    const auto transport = GENERATE(test::Transport::tcp, test::Transport::local, test::Transport::memory);
    for (const Cell& cell : cells) {
        CAPTURE(transport, static_cast<int>(state), static_cast<int>(cell.verb));
        asio::io_context context;
        const test::Meeting meeting(transport);
        std::optional<Server> server(std::in_place, context, meeting.at_server(), echo());
        test::run(context, [&]() -> asio::awaitable<void> {
            co_await server->start();
            Client client(context, meeting.at_client(*server), echo_and_never(), quick_client());
            if (state == State::connecting) {
                co_await server->close();
                client.start();
            } else if (state != State::fresh) {
                co_await client.connect();
            }
            if (state == State::draining) {
                server->client("client").request<void>("never", 1, {.timeout = std::nullopt}, asio::detached);
                co_await server->client("client").request<int>("echo", 1);  // so that has come, too
                client.drain(1h, asio::detached);
                co_await asio::post(asio::use_awaitable);
            } else if (state == State::closing) {
                client.close(asio::detached);
                co_await test::until([&] { return !client.is_connected(); });
            } else if (state == State::closed) {
                co_await client.close();
            }
            co_await check(client, cell);
            co_await server->close();
        });
        test::run_out(context);
    }
}

TEST_CASE("every verb of a server, in every state, twice: as docs/lifecycle.md says") {
    enum class State { fresh, listening, draining, closing, closed };
    const std::vector<Cell> once_stopped{{Verb::connect, End::in_order},
                                         {Verb::run, End::at_stop},
                                         {Verb::close, End::in_order},
                                         {Verb::drain, End::in_order},
                                         {Verb::request, End::closed}};
    using Row = std::pair<State, std::vector<Cell>>;
    const auto [state, cells] = GENERATE_COPY(values<Row>({
        {State::fresh,
         {{Verb::connect, End::in_order},
          {Verb::run, End::at_stop},
          {Verb::close, End::in_order},
          {Verb::drain, End::in_order},
          {Verb::request, End::closed_at_stop}}},
        {State::listening,
         {{Verb::connect, End::in_order},
          {Verb::run, End::at_stop},
          {Verb::close, End::in_order},
          {Verb::drain, End::in_order},
          {Verb::request, End::in_order}}},
        {State::draining,
         {{Verb::connect, End::in_order},
          {Verb::run, End::at_stop},
          {Verb::close, End::in_order},
          {Verb::drain, End::at_stop},
          {Verb::request, End::in_order}}},
        {State::closing, once_stopped},
        {State::closed, once_stopped},
    }));
    const auto transport = GENERATE(test::Transport::tcp, test::Transport::local, test::Transport::memory);
    for (const Cell& cell : cells) {
        CAPTURE(transport, static_cast<int>(state), static_cast<int>(cell.verb));
        asio::io_context context;
        const test::Meeting meeting(transport);
        test::run(context, [&]() -> asio::awaitable<void> {
            Server server(context, meeting.at_server(), echo_and_never());
            std::optional<Client> client;
            if (state != State::fresh) {
                co_await server.start();
                client.emplace(context, meeting.at_client(server), echo(), quick_client());
                co_await client->connect();
            }
            if (state == State::draining) {
                client->request<void>("never", 1, {.timeout = std::nullopt}, asio::detached);
                co_await client->request<int>("echo", 1);  // so that has come, too
                server.drain(1h, asio::detached);
                co_await asio::post(asio::use_awaitable);
            } else if (state == State::closing) {
                server.close(asio::detached);
                co_await asio::post(asio::use_awaitable);
            } else if (state == State::closed) {
                co_await server.close();
            }
            co_await check(server, cell);
            if (client) {
                co_await client->close();
            }
        });
        test::run_out(context);
    }
}

TEST_CASE("a server that is stopped while it drains, and started again, serves, and the drain has ended") {
    asio::io_context context;
    const test::Meeting meeting(test::Transport::local);
    Server server(context, meeting.at_server(), echo_and_never());
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        Client client(context, meeting.at_client(server), quick_client());
        co_await client.connect();
        client.request<void>("never", 1, {.timeout = std::nullopt}, asio::detached);
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        Ended drained;
        Ended started;
        server.drain(1h, drained.into());
        co_await asio::post(asio::use_awaitable);
        server.stop();
        server.start(started.into());
        co_await test::until([&] { return drained.count + started.count == 2; });
        CHECK_FALSE(drained.code);
        CHECK_FALSE(started.code);
        CHECK_AWAITED(2, client.request<int>("echo", 2));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a handle that a handler owns does not keep its server, and ends its requests without it") {
    asio::io_context context;
    auto kept = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = kept;
    std::optional<communica::RoutePeer<communica::JsonSerializer>> handle;
    {
        communica::RouteServer server(context, communica::MemoryConnector(), communica::RouteTable<>());
        handle.emplace(server.client("somebody"));
        communica::RouteTable<> routes;
        routes.add("own", [own = server.client("somebody"), kept = std::move(kept)](int number) { return number; });
        server.add_routes(routes);
    }
    context.run();
    CHECK(watched.expired());
    Ended ended;
    handle->request<int>("any", 1, [into = ended.into()](const std::exception_ptr& why, int) { into(why); });
    context.restart();
    context.run();
    CHECK(ended.code == errc::closed);
}

TEST_CASE("what has a descriptor ends when its connection has: no other can come") {
    asio::io_context context;
    const test::Meeting meeting(test::Transport::descriptors);
    Server server(context, meeting.at_server(), echo());
    Client client(context, meeting.at_client(server), quick_client());
    Ended served;
    Ended asked;
    Ended request;
    server.run(served.into());
    client.run(asked.into());
    test::run(context, [&]() -> asio::awaitable<void> {
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        server.client("client").request<int>(
            "never", 1, {.timeout = std::nullopt},
            [into = request.into()](const std::exception_ptr& why, int) { into(why); });
        client.stop();
        co_await test::until([&] { return served.count + asked.count + request.count == 3; });
        CHECK_FALSE(served.code);
        CHECK_FALSE(asked.code);
        CHECK((request.code == errc::connection_lost || request.code == errc::requester_error));
    });
    test::run_out(context);
}

TEST_CASE("an io_context that is destroyed takes with it whoever awaits a request") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    struct Guard {
        ~Guard() { ++*count; }
        int* count;
    };
    int destroyed = 0;
    int begun = 0;
    {
        asio::io_context context;
        const test::Meeting meeting(transport);
        Routes routes;
        routes.add("never", [&]() -> asio::awaitable<void> {
            const Guard guard{&destroyed};
            ++begun;
            asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
            co_await never.async_wait(asio::use_awaitable);
        });
        const auto serving = [&]() -> asio::awaitable<void> {
            const Guard guard{&destroyed};
            Server server(context, meeting.at_server(), routes);
            co_await server.start();
            const auto asking = [&]() -> asio::awaitable<void> {
                const Guard inner{&destroyed};
                Client client(context, meeting.at_client(server), routes, quick_client());
                co_await client.connect();
                co_await client.request<void>("never", nullptr);
            };
            asio::co_spawn(context, asking(), [](const std::exception_ptr&) {});
            co_await server.client("client").request<void>("never", nullptr, {.timeout = std::nullopt});
        };
        asio::co_spawn(context, serving(), [](const std::exception_ptr&) {});
        test::run(context, [&]() -> asio::awaitable<void> { co_await test::until([&] { return begun == 2; }); });
    }
    CHECK(destroyed == 4);
}

}  // namespace lifecycle

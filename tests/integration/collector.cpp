// A collector of events and its senders, under each fault: an event is handled, or its sender reports that it may not be.
#include "support/frames.hpp"
#include "support/pair.hpp"
#include "support/process.hpp"
#include "support/scripted_peer.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace collector {

using test::Routes;
using test::Transport;
using namespace std::chrono_literals;

constexpr int senders = 4;
constexpr int events = 1500;  // of each
constexpr int all_events = senders * events;

/// What an entity logs.
struct Log {
    communica::Log hook() {
        return [this](communica::LogLevel level, std::string_view text) {
            if (level >= communica::LogLevel::warning) {
                lines.emplace_back(text);
            }
        };
    }
    bool has(std::string_view part) const {
        for (const std::string& line : lines) {
            if (line.find(part) != std::string::npos) {
                return true;
            }
        }
        return false;
    }
    std::vector<std::string> lines;
};

struct Collector {
    explicit Collector(Routes routes, Transport transport = Transport::local) : meeting(transport) {
        communica::ServerOptions options;
        options.limits.max_requests = 64;
        options.counters = at_server;
        options.log = log.hook();
        server.emplace(context, meeting.at_server(), routes, options);
    }

    asio::awaitable<void> connect(int count = senders) {
        co_await server->start();
        for (int number = 0; number != count; ++number) {
            communica::ClientOptions client = test::quick_client("sender-" + std::to_string(number));
            client.counters = at_clients;
            client.log = client_log.hook();
            clients.push_back(
                std::make_unique<test::RouteClient>(context, meeting.at_client(*server), Routes(), client));
        }
        co_await connect_clients();
    }
    asio::awaitable<void> connect_clients() {
        for (const auto& client : clients) {
            co_await client->connect();
        }
    }
    void send_all() {
        for (int number = 0; number != events; ++number) {
            for (const auto& client : clients) {
                client->notify("event", number, [this](const std::exception_ptr& error) { ++(error ? unsent : sent); });
            }
        }
    }
    /// Each sender sends so many, one after another, until one is not taken. `all_sent` is set when all have ended.
    void send_in_turn(int count) {
        all_sent = test::Event();
        sending = clients.size();
        for (const auto& client : clients) {
            test::spawn(context, send_in_turn(*this, *client, count));
        }
    }
    // NOLINTNEXTLINE(*-reference-coroutine-parameters): both outlive it
    static asio::awaitable<void> send_in_turn(Collector& self, test::RouteClient& client, int count) {
        int number = 0;
        try {
            for (; number != count; ++number) {
                co_await client.notify("event", number);
                ++self.sent;
            }
        } catch (const std::system_error&) {
            self.unsent += count - number;
        }
        if (--self.sending == 0) {
            self.all_sent.set();
        }
    }
    asio::awaitable<void> flush() {
        for (const auto& client : clients) {
            co_await client->flush();
        }
    }
    asio::awaitable<void> close_clients() {
        for (const auto& client : clients) {
            co_await client->close();
        }
    }
    asio::awaitable<void> close() {
        co_await close_clients();
        co_await server->close();
    }
    bool is_connected() const {
        bool connected = false;
        for (const auto& client : clients) {
            connected = connected || client->is_connected();
        }
        return connected;
    }
    std::uint64_t failed() const {
        std::uint64_t sum = 0;
        for (const auto& failure : at_server->failures()) {
            CHECK(failure.route == "event");
            sum += failure.count;
        }
        return sum;
    }

    std::shared_ptr<communica::Counters> at_server = std::make_shared<communica::Counters>();
    std::shared_ptr<communica::Counters> at_clients = std::make_shared<communica::Counters>();
    Log log;
    Log client_log;
    asio::io_context context;
    test::Meeting meeting;
    std::optional<test::RouteServer> server;
    std::vector<std::unique_ptr<test::RouteClient>> clients;
    int sent = 0;
    int unsent = 0;
    std::size_t sending = 0;
    test::Event all_sent;
};

asio::awaitable<void> wait_a_little() {
    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
    co_await timer.async_wait(asio::use_awaitable);
}

/// Counts each event after a while, so that senders are faster than the collector.
Routes slow_routes(int& handled) {
    Routes routes;
    routes.add("event", [&handled](int) -> asio::awaitable<void> {
        co_await wait_a_little();
        ++handled;
    });
    return routes;
}

TEST_CASE("a collector over its limit loses no event") {
    int handled = 0;
    Collector collector(slow_routes(handled));
    test::run(collector.context, [&]() -> asio::awaitable<void> {
        co_await collector.connect();
        collector.send_all();
        co_await collector.flush();
        co_await test::until([&] { return handled == all_events; });
        co_await collector.close();
    });
    test::run_out(collector.context);
    CHECK(collector.sent == all_events);
    CHECK(collector.failed() == 0);
    CHECK(collector.log.lines.empty());
    CHECK(collector.client_log.lines.empty());
}

TEST_CASE("a collector handles all events of senders that close right after them") {
    int handled = 0;
    Collector collector(slow_routes(handled));
    test::run(collector.context, [&]() -> asio::awaitable<void> {
        co_await collector.connect();
        collector.send_all();
        co_await test::until([&] { return collector.sent == all_events; });
        co_await collector.close_clients();
        co_await test::until([&] { return handled == all_events; });
        co_await collector.server->close();
    });
    test::run_out(collector.context);
    CHECK(collector.client_log.lines.empty());
    CHECK(collector.at_clients->unconfirmed_notifications == 0);
}

TEST_CASE("a collector logs each event that fails, and its sender counts them") {
    Routes routes;
    const std::string fault =
        GENERATE("no such route", "another type", "a handler that throws", "a coroutine that throws");
    CAPTURE(fault);
    if (fault == "another type") {
        routes.add("event", [](const std::string&) {});
    } else if (fault == "a handler that throws") {
        routes.add("event", [](int) { throw std::runtime_error("the disk is full"); });
    } else if (fault == "a coroutine that throws") {
        routes.add("event", [](int) -> asio::awaitable<void> {
            co_await wait_a_little();
            throw std::runtime_error("the disk is full");
        });
    }
    Collector collector(routes);
    test::run(collector.context, [&]() -> asio::awaitable<void> {
        co_await collector.connect();
        collector.send_all();
        co_await collector.flush();
        if (fault != "a coroutine that throws") {  // a flush does not wait for those
            CHECK(collector.at_clients->failed_notifications == all_events);
        }
        co_await test::until([&] { return collector.failed() == all_events; });
        co_await collector.server->close();
        co_await test::until([&] { return !collector.is_connected(); });
        co_await collector.close_clients();
    });
    test::run_out(collector.context);
    CHECK(collector.at_clients->failed_notifications == all_events);
    CHECK(collector.log.lines.size() == all_events);
    CHECK(collector.log.has(fault == "no such route"  ? R"(Route "event" is not defined)"
                            : fault == "another type" ? "expected string, got "
                                                      : R"("event" failed: the disk is full)"));
    CHECK(collector.at_clients->unconfirmed_notifications == 0);
}

TEST_CASE("a collector logs and counts each event over its limit, of a sender that knows of no limit") {
    test::Event go;
    int handled = 0;
    Routes routes;
    routes.add("event", [&](int) -> asio::awaitable<void> {
        co_await go.wait();
        ++handled;
    });
    Collector collector(routes);
    constexpr int limit = 64;
    std::string frames;
    for (int number = 0; number != limit + 5; ++number) {
        frames += test::message_frame(R"({"id": "", "type": 2, "route": "event"})", "7");
    }
    test::run(collector.context, [&]() -> asio::awaitable<void> {
        co_await collector.connect(0);
        auto peer = co_await test::ScriptedPeer::greet(collector.server->connector_state(), "ann");
        co_await peer.send(frames);
        co_await test::until([&] { return collector.failed() == 5; });
        go.set();
        co_await test::until([&] { return handled == limit; });
        co_await collector.server->close();
    });
    test::run_out(collector.context);
    CHECK(collector.at_server->failures().at(0).code == communica::errc::busy);
    CHECK(collector.log.lines.size() == 5);
    CHECK(collector.log.has(R"(the notification "event" failed: too many notifications at work)"));
}

TEST_CASE("the senders of a collector that ends report how many of their events it has not handled") {
    const auto transport = GENERATE(Transport::local, Transport::tcp, Transport::memory);
    const bool drains = GENERATE(true, false);
    CAPTURE(transport, drains);
    constexpr int handled_at_once = 100;
    int begun = 0;
    int handled = 0;
    test::Event go;
    Routes routes;
    routes.add("event", [&](int) -> asio::awaitable<void> {
        if (begun++ >= handled_at_once) {
            co_await go.wait();
        }
        ++handled;
    });
    Collector collector(routes, transport);
    test::run(collector.context, [&]() -> asio::awaitable<void> {
        co_await collector.connect();
        collector.send_all();
        co_await test::until([&] { return begun > handled_at_once; });
        if (drains) {
            bool drained = false;
            collector.server->drain(10s, [&](const std::exception_ptr&) { drained = true; });
            go.set();
            co_await test::until([&] { return drained; });
        } else {
            co_await collector.server->close();  // cancels the handlers that wait
        }
        co_await test::until([&] { return !collector.is_connected(); });
        co_await collector.close_clients();
        co_await test::until([&] { return collector.sent + collector.unsent == all_events; });
    });
    test::run_out(collector.context);
    CHECK(collector.unsent > 0);
    const auto unconfirmed = collector.at_clients->unconfirmed_notifications.load();
    const auto refused = collector.at_clients->failed_notifications.load();  // that came during the close
    CAPTURE(handled, collector.sent, unconfirmed, refused);
    CHECK(static_cast<std::uint64_t>(handled) + unconfirmed + refused == static_cast<std::uint64_t>(collector.sent));
    CHECK(collector.client_log.has("notifications that were sent may be lost") == (unconfirmed != 0));
    CHECK((drains || unconfirmed != 0));
}

TEST_CASE("a collector that drains handles what has arrived from senders that are gone") {
    if (test::skip_without_available()) {
        return;
    }
    const auto counters = std::make_shared<communica::Counters>();
    communica::ServerOptions options;
    options.counters = counters;
    asio::io_context context;
    const test::Meeting meeting(Transport::local);
    int handled = 0;
    Routes routes;
    routes.add("event", [&](int) { ++handled; });
    test::RouteServer server(context, meeting.at_server(), routes, options);
    std::string frames;
    for (int number = 0; number != events; ++number) {
        frames += test::message_frame(R"({"id": "", "type": 2, "route": "event"})", "7");
    }
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const std::string state = server.connector_state();
        std::vector<test::ScriptedPeer> peers;
        for (const char* const name : {"ann", "ben", "cay"}) {
            peers.push_back(co_await test::ScriptedPeer::greet(state, name));
        }
        for (test::ScriptedPeer& peer : peers) {
            co_await peer.send(frames);
            peer.cut();
        }
        CHECK(handled < 3 * events);
        co_await server.drain(10s);
        CHECK(handled == 3 * events);
    });
    test::run_out(context);
}

/// A server that counts and logs what it loses.
struct Reporter {
    communica::ServerOptions options() {
        communica::ServerOptions options;
        options.counters = counters;
        options.log = log.hook();
        return options;
    }

    std::shared_ptr<communica::Counters> counters = std::make_shared<communica::Counters>();
    Log log = {};
    asio::io_context context = {};
    test::Meeting meeting = test::Meeting(Transport::local);
    test::RouteServer server = test::RouteServer(context, meeting.at_server(), Routes(), options());
};

TEST_CASE("a side whose connection breaks reports how many notifications may be lost") {
    Reporter reporter;
    const auto& counters = reporter.counters;
    const Log& log = reporter.log;
    asio::io_context& context = reporter.context;
    test::RouteServer& server = reporter.server;
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const std::string state = server.connector_state();
        const std::string extensions = R"("flush", "notifications"], "notifications_ahead": [100, 65536], "others": [)";
        auto peer = co_await test::ScriptedPeer::greet_offering(state, "ann", extensions);
        const auto ann = server.client("ann");
        for (int number = 0; number != 10; ++number) {
            co_await ann.notify(number < 7 ? "event" : "log", number);
        }
        for (int number = 0; number != 10; ++number) {
            co_await peer.read_message();
        }
        co_await peer.send(test::message_frame(R"({"id": "", "type": 12})", "4"));
        peer.cut();
        co_await test::until([&] { return counters->unconfirmed_notifications == 6; });
        CHECK(log.has(R"(client "ann": up to 6 notifications that were sent may be lost ("event": 3, "log": 3): )"));
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a side that closes reports the notifications that it could not write") {
    if (!test::local_streams_end_one_way) {
        WARN("skipped: a pipe does not keep what was written before a close");
        return;
    }
    Reporter reporter;
    const auto& counters = reporter.counters;
    const Log& log = reporter.log;
    asio::io_context& context = reporter.context;
    test::RouteServer& server = reporter.server;
    const std::string text(64 * 1024, 'x');
    const std::size_t frame =
        test::message_frame(R"({"id": "", "type": 2, "route": "event"})", '"' + text + '"').size();
    int told = 0;
    int closed = 0;
    constexpr int all = 200;
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        auto peer = co_await test::ScriptedPeer::greet(server.connector_state(), "ann");
        const auto ann = server.client("ann");
        for (int number = 0; number != all; ++number) {
            ann.notify("event", text, [&](const std::exception_ptr& error) { ++(error ? closed : told); });
        }
        co_await test::until([&] { return told != 0; });
        co_await server.close();  // after a second, in which the peer reads nothing
        co_await test::until([&] { return told + closed == all; });
        const std::string written = co_await peer.read_to_end();
        CAPTURE(told, closed, written.size(), frame);
        const std::uint64_t unwritten = counters->unconfirmed_notifications;
        CHECK(unwritten > 0);
        CHECK(unwritten + written.size() / frame == static_cast<std::uint64_t>(told));
        const std::string count = std::to_string(unwritten);
        CHECK(log.has(R"(client "ann": )" + count + R"( notifications were not written ("event": )" + count + "): "));
    });
    test::run_out(context);
}

TEST_CASE("each of two million events is accounted for, through slow handlers, closes, a drain and a kill", "[.long]") {
    constexpr int many = 20;
    constexpr int before_kill = 100'000;
    int handled = 0;
    int next_of_killed = 0;
    bool is_flushed = false;
    Routes routes;
    routes.add("event", [&](int number) -> asio::awaitable<void> {
        if (number % 100 == 0) {
            co_await wait_a_little();
        }
        ++handled;
    });
    routes.add("event of the killed", [&](int number) {
        if (number == next_of_killed) {  // none is lost before another, and none comes twice
            ++next_of_killed;
        }
    });
    routes.add("flushed", [&] { is_flushed = true; });
    Collector collector(routes);
    test::run(
        collector.context,
        [&]() -> asio::awaitable<void> {
            co_await collector.connect(many);
            test::Process killed("notifying", {collector.server->connector_state(), std::to_string(before_kill)});

            collector.send_in_turn(40'000);  // through handlers that are slower
            co_await collector.all_sent.wait();
            co_await collector.flush();
            co_await test::until([&] { return handled == many * 40'000; });

            collector.send_in_turn(30'000);  // with a close right after the last
            co_await collector.all_sent.wait();
            co_await collector.close_clients();
            co_await test::until([&] { return handled == many * 70'000; });
            CHECK(collector.unsent == 0);
            CHECK(collector.at_clients->unconfirmed_notifications == 0);

            co_await test::until([&] { return is_flushed && next_of_killed > before_kill; });
            killed.kill();
            CHECK(killed.wait() == test::killed);

            co_await collector.connect_clients();
            collector.send_in_turn(30'000);  // amid a drain
            co_await test::until([&] { return handled > many * 80'000; });
            co_await collector.server->drain(60s);
            co_await test::until([&] { return !collector.is_connected(); });
            co_await collector.close_clients();
            co_await collector.all_sent.wait();
        },
        170s);
    test::run_out(collector.context);
    const auto unconfirmed = collector.at_clients->unconfirmed_notifications.load();
    const auto refused = collector.at_clients->failed_notifications.load();
    CAPTURE(handled, collector.sent, collector.unsent, unconfirmed, refused, next_of_killed);
    CHECK(collector.sent + collector.unsent == many * 100'000);
    CHECK(collector.unsent > 0);
    CHECK(static_cast<std::uint64_t>(handled) + unconfirmed + refused == static_cast<std::uint64_t>(collector.sent));
    CHECK(next_of_killed > before_kill);  // what its flush told it
}

TEST_CASE("the handler of a notification may close its entity without a word of a loss") {
    const auto transport = GENERATE(test::lasting_transports());
    const bool as_coroutine = GENERATE(true, false);
    CAPTURE(transport, as_coroutine);
    asio::io_context context;
    int handled = 0;
    std::optional<test::RouteServer> server;
    const auto finish = [&] {
        ++handled;
        server->stop();
    };
    Routes routes;
    if (as_coroutine) {
        routes.add("finish", [&]() -> asio::awaitable<void> {
            finish();
            co_return;
        });
    } else {
        routes.add("finish", finish);
    }
    Log log;
    communica::ClientOptions options = test::quick_client();
    options.counters = std::make_shared<communica::Counters>();
    options.log = log.hook();
    bool is_gone = false;
    options.on_disconnect = [&](const communica::Error&) { is_gone = true; };
    const test::Meeting meeting(transport);
    server.emplace(context, meeting.at_server(), routes);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server->start();
        test::RouteClient client(context, meeting.at_client(*server), Routes(), options);
        co_await client.connect();
        const communica::Route<void()> route("finish");
        co_await client.notify(route);
        co_await test::until([&] { return is_gone; });
        co_await client.close();
        co_await server->close();
    });
    test::run_out(context);
    CHECK(handled == 1);
    CHECK(options.counters->unconfirmed_notifications == 0);
    CHECK_FALSE(log.has("may be lost"));
}

}  // namespace collector

// What becomes of a handler when nobody waits for it any more.
#include "support/frames.hpp"
#include "support/pair.hpp"
#include "support/scripted_peer.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace abandoned_handlers {

using test::RouteClient;
using test::Routes;
using test::RouteServer;
using namespace std::chrono_literals;

namespace {

/// A handler that never ends, and how many of it are at work.
struct Late {
    Routes routes() {
        struct AtWork {
            explicit AtWork(int& n) : number(n) { ++number; }
            AtWork(const AtWork&) = delete;
            AtWork& operator=(const AtWork&) = delete;
            ~AtWork() { --number; }
            int& number;
        };
        Routes table;
        table.add("late", [this]() -> asio::awaitable<void> {
            const AtWork counted(at_work);
            asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
            co_await never.async_wait(asio::use_awaitable);
        });
        table.add("echo", [](int number) { return number; });
        return table;
    }

    /// With a window that is soon over.
    template <class Options>
    Options reporting(Options options) {
        options.resume_window = 50ms;
        options.counters = counters;
        options.log = [this](communica::LogLevel level, std::string_view text) {
            if (level == communica::LogLevel::warning) {
                lines.emplace_back(text);
            }
        };
        return options;
    }

    /// So many were cancelled, and each was reported.
    void check_cancelled(std::size_t count) const {
        check_cancelled(count, communica::errc::timeout, "within the resume window of its sender, which is gone");
    }
    void check_forgotten(std::size_t count) const {
        check_cancelled(count, communica::errc::connection_lost, "before its sender was forgotten");
    }
    void check_cancelled(std::size_t count, communica::errc code, const std::string& when) const {
        const auto failures = counters->failures();
        REQUIRE(failures.size() == 1);
        CHECK(failures[0].route == "late");
        CHECK(failures[0].code == code);
        CHECK(failures[0].count == count);
        const std::string line = R"(the notification "late" failed: its handler did not end )" + when;
        CHECK(lines == std::vector<std::string>(count, line));
    }

    int at_work = 0;
    std::shared_ptr<communica::Counters> counters = std::make_shared<communica::Counters>();
    std::vector<std::string> lines;
};

/// A server with such a handler.
struct Serving : Late {
    explicit Serving(test::Transport transport)
        : meeting(transport), server(context, meeting.at_server(), routes(), reporting(communica::ServerOptions())) {}
    /// With a window that does not end, and so many absent clients.
    explicit Serving(std::size_t max_sessions)
        : meeting(test::Transport::local), server(context, meeting.at_server(), routes(), patient(max_sessions)) {}

    communica::ServerOptions patient(std::size_t max_sessions) {
        auto options = reporting(communica::ServerOptions());
        options.resume_window = 1h;
        options.max_sessions = max_sessions;
        return options;
    }
    /// A client that starts a request and two notifications, and is lost.
    asio::awaitable<void> lose(std::string id) {
        const int before = at_work;
        auto peer = co_await test::ScriptedPeer::greet(server.connector_state(), id);
        const std::string told = test::message_frame(R"({"id": "", "type": 2, "route": "late"})", "null");
        const std::string asked = test::message_frame(R"({"id": "1", "type": 1, "route": "late"})", "null");
        co_await peer.send(told + asked + told + told.substr(0, 10));  // cut: this is no orderly end
        co_await test::until([&] { return at_work == before + 3; });
        peer.cut();
        co_await test::until([&] { return server.client_ids().empty(); });
    }

    asio::io_context context;
    test::Meeting meeting;
    RouteServer server;
};

}  // namespace

TEST_CASE("a handler is cancelled when the client that asked closes in order") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    Serving serving(transport);

    test::run(serving.context, [&]() -> asio::awaitable<void> {
        co_await serving.server.start();
        RouteClient client(serving.context, serving.meeting.at_client(serving.server), Routes(), test::quick_client());
        for (int round = 0; round != 10; ++round) {
            co_await client.connect();
            client.request<void>("late", nullptr, [](std::exception_ptr) {});
            CHECK_AWAITED(round, client.request<int>("echo", round));
            co_await client.close();
        }
        co_await client.connect();
        CHECK_AWAITED(1, client.request<int>("echo", 1));
        CHECK(serving.at_work == 0);
        co_await client.close();
        co_await serving.server.close();
    });
    test::run_out(serving.context);
}

TEST_CASE("the handler of a notification is cancelled a resume window after its sender has closed, and that is said") {
    const auto transport = GENERATE(test::lasting_transports());
    const bool returns = GENERATE(false, true);
    CAPTURE(transport, returns);
    Serving serving(transport);

    test::run(serving.context, [&]() -> asio::awaitable<void> {
        co_await serving.server.start();
        RouteClient client(serving.context, serving.meeting.at_client(serving.server), Routes(), test::quick_client());
        co_await client.connect();
        for (int number = 0; number != 3; ++number) {
            co_await client.notify("late", nullptr);
        }
        co_await test::until([&] { return serving.at_work == 3; });
        co_await client.close();
        if (returns) {
            co_await client.connect();  // and stays
        }
        co_await test::until([&] { return serving.at_work == 0; });
        serving.check_cancelled(3);
        co_await client.close();
        co_await serving.server.close();
    });
    test::run_out(serving.context);
}

TEST_CASE("a client cancels the handler of a notification likewise when its server has closed") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    RouteServer server(context, meeting.at_server());
    Late late;

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        RouteClient client(context, meeting.at_client(server), late.routes(), late.reporting(test::quick_client()));
        co_await client.connect();
        const auto peer = server.client(client.client_id());
        const communica::Route<void()> route("late");
        co_await peer.notify(route);
        co_await test::until([&] { return late.at_work == 1; });
        co_await server.close();
        co_await test::until([&] { return late.at_work == 0; });
        late.check_cancelled(1);
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("the handler of a notification is cancelled when its sender was lost and does not return in time") {
    Serving serving(test::Transport::local);

    test::run(serving.context, [&]() -> asio::awaitable<void> {
        co_await serving.server.start();
        auto peer = co_await test::ScriptedPeer::greet(serving.server.connector_state(), "ann");
        const std::string frame = test::message_frame(R"({"id": "", "type": 2, "route": "late"})", "null");
        co_await peer.send(frame + frame.substr(0, 10));
        co_await test::until([&] { return serving.at_work == 1; });
        peer.cut();
        co_await test::until([&] { return serving.at_work == 0; });
        serving.check_cancelled(1);
        co_await serving.server.close();
    });
    test::run_out(serving.context);
}

TEST_CASE("the handlers of notifications of a client that is forgotten are cancelled, and that is said") {
    Serving serving(1000);

    test::run(serving.context, [&]() -> asio::awaitable<void> {
        co_await serving.server.start();
        co_await serving.lose("ann");
        CHECK(serving.lines.empty());
        CHECK(serving.at_work == 3);
        CHECK(serving.server.forget("ann"));
        co_await test::until([&] { return serving.at_work == 0; });
        serving.check_forgotten(2);
        co_await serving.server.close();
    });
    test::run_out(serving.context);
}

TEST_CASE("the handlers of the longest absent client are cancelled where there are too many, and that is said") {
    Serving serving(1);

    test::run(serving.context, [&]() -> asio::awaitable<void> {
        co_await serving.server.start();
        co_await serving.lose("ann");
        CHECK(serving.lines.empty());
        co_await serving.lose("bob");
        co_await test::until([&] { return serving.at_work == 3; });
        serving.check_forgotten(2);
        co_await serving.server.close();
        serving.check_forgotten(2);  // an order of this side is not reported
    });
    test::run_out(serving.context);
}

}  // namespace abandoned_handlers

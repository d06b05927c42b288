// What becomes of a handler when nobody waits for it any more.
#include "support/pair.hpp"

namespace abandoned_handlers {

using test::RouteClient;
using test::Routes;
using test::RouteServer;
using namespace std::chrono_literals;

namespace {

/// A server with a handler that never ends, and counts those at work.
struct Serving {
    explicit Serving(test::Transport transport) : meeting(transport), server(context, meeting.at_server(), routes()) {}

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

    asio::io_context context;
    int at_work = 0;
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

}  // namespace abandoned_handlers

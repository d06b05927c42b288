// serving STATE [MAX_FRAME]: a server until its input ends. Says `READY` and the state of a connector to it. Appends the numbers that
// "keep" gets to the file that COMMUNICA_TEST_KEPT names.
#include "support/endless_streams.hpp"
#include "support/mixed_requests.hpp"
#include "support/program.hpp"
#include "support/system.hpp"

#include <cstdlib>
#include <fstream>

using communica::Context;
using communica::RoutePeer;

namespace {

struct Gathered {
    int count = 0;
    test::Event all;
};

communica::RouteTable<> routes_of(int& notes, Gathered& gathered, test::StreamsSeen& seen) {
    communica::RouteTable<> routes = test::mixed_routes(notes);
    test::add_endless(routes, seen);
    routes.add("notes", [&notes] { return notes; });
    routes.add("pid", [] { return test::own_process_id(); });
    routes.add("caller", [](Context& context) { return context.credentials().pid.value_or(-1); });
    routes.add("late", [](Context&) -> asio::awaitable<void> {
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
    });
    // Answers after so many milliseconds.
    routes.add("slow", [](int milliseconds) -> asio::awaitable<int> {
        asio::steady_timer pause(co_await asio::this_coro::executor, std::chrono::milliseconds(milliseconds));
        co_await pause.async_wait(asio::use_awaitable);
        co_return milliseconds;
    });
    // Answers none before so many have asked.
    routes.add("gather", [&gathered](int number, RoutePeer<>& caller) -> asio::awaitable<int> {
        const int goal = co_await caller.request<int>("goal", nullptr);
        if (++gathered.count == goal) {
            gathered.all.set();
        }
        co_await gathered.all.wait();
        co_return number;
    });
    routes.add("ask me", [](int count, RoutePeer<>& caller) -> asio::awaitable<int> {
        co_return co_await test::ask_mixed(caller, count);
    });
    routes.add("keep", [](int number) {
        const char* const file = std::getenv("COMMUNICA_TEST_KEPT");
        std::ofstream(file == nullptr ? "" : file, std::ios::app) << std::to_string(number) + '\n';
        return number;
    });
    // The other side echoes a text of this size.
    routes.add("send me", [](std::size_t size, RoutePeer<>& caller) -> asio::awaitable<bool> {
        const std::string text(size, 's');
        co_return co_await caller.request<std::string>("echo", text) == text;
    });
    return routes;
}

asio::awaitable<void> serve(communica::RouteServer<communica::AnyConnector>& server) {
    co_await server.start();
    test::say("READY " + server.connector_state());
    co_await test::input_ended();
    co_await server.close();
}

}  // namespace

int main(int argc, char** argv) {
    asio::io_context context;
    int notes = 0;
    Gathered gathered;
    test::StreamsSeen seen;
    communica::ServerOptions options;
    if (argc > 2) {
        options.limits.max_frame = std::stoul(argv[2]);
    }
    communica::RouteServer server(context, communica::AnyConnector::load_state(argv[1]),
                                  routes_of(notes, gathered, seen), options);
    return test::run_program(context, serve(server));
}

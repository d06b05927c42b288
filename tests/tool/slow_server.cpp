// The server of docs/debugging.md: each of its routes answers late, for a reason of its own.

#include <communica/communica.hpp>

#include <communica/observing/prometheus.hpp>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <memory>

namespace {

using namespace std::chrono_literals;

asio::awaitable<int> work_long() {
    asio::steady_timer timer(co_await asio::this_coro::executor, 100ms);
    co_await timer.async_wait(asio::use_awaitable);
    co_return 1;
}

/// Keeps its thread until a timer has expired.
int block() {
    asio::io_context own;
    asio::steady_timer(own, 100ms).wait();
    return 1;
}

}  // namespace

int main() {
    asio::io_context context;
    asio::thread_pool one_thread(1);
    communica::ClientOptions client_options;
    client_options.client_id = "shop";
    communica::RouteClient prices(context, communica::LocalConnector("prices"), client_options);

    communica::RouteTable routes;
    routes.add("report", work_long);
    routes.add("price", [&prices] { return prices.request<int>("price", nullptr); });
    routes.add("render", communica::on_executor(one_thread, block));
    routes.add("audit", block);
    routes.add("stock", [] { return 3; });
    const auto counters = std::make_shared<communica::Counters>();
    routes.add("metrics", [counters] { return communica::to_prometheus(*counters, {{"server", "shop"}}); });

    communica::ServerOptions options;
    options.name = "shop";
    options.counters = counters;
    communica::RouteServer server(context, communica::LocalConnector("shop"), routes, options);
    server.start([&](const std::exception_ptr& e) {
        if (e) {
            std::rethrow_exception(e);
        }
        std::cout << "listening on " << server.address() << std::endl;
    });
    context.run();
}

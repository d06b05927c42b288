// A shop with three streams: it counts down to a sale, takes orders one by one and returns their total, and chats with
// a customer line by line. stream_client is a customer. Runs until Ctrl-C.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <string>

#include "shop.hpp"

// Each item is sent when it is yielded. `co_yield` waits while the reader is too slow.
communica::Stream<int> count_down(int from) {
    asio::steady_timer timer{co_await asio::this_coro::executor};
    for (int left = from; left != 0; --left) {
        co_yield left;
        timer.expires_after(std::chrono::milliseconds{20});
        co_await timer.async_wait(asio::use_awaitable);
    }
}

// Reads a stream of items and returns one response.
asio::awaitable<double> take_orders(std::string customer, communica::Stream<Order> orders) {
    double total = 0;
    while (const auto order = co_await orders.next()) {
        std::cout << customer << " orders " << order->pieces << " of " << order->article << '\n';
        total += order->pieces * order->price;
    }
    co_return total;
}

// Reads and writes a stream. Unless the customer says goodbye it runs until the stream is cancelled, which throws here.
communica::Stream<std::string> chat(std::string name, communica::Stream<std::string> lines) {
    co_yield "Good morning, " + name + "!";
    while (const auto line = co_await lines.next()) {
        if (*line == "goodbye") throw communica::RequesterError("come again");
        co_yield "You say \"" + *line + "\"?";
    }
}

asio::awaitable<void> serve(communica::AnyConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    asio::signal_set signals{executor, SIGINT, SIGTERM};

    communica::RouteTable routes;
    routes.add(countdown_route, count_down).add(orders_route, take_orders).add(chat_route, chat);

    communica::RouteServer server{executor, connector, routes};
    co_await server.start();
    std::cout << "listening on " << server.address() << std::endl;

    co_await signals.async_wait(asio::use_awaitable);
    co_await server.drain(std::chrono::seconds{5});
}

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::LocalConnector{"shop"};
    asio::io_context context;
    asio::co_spawn(context, serve(connector), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

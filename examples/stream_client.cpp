// A customer of stream_server: waits for the sale, orders and chats.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>

#include "shop.hpp"

using namespace std::chrono_literals;

asio::awaitable<void> talk(communica::AnyConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteClient client{executor, connector};
    co_await client.connect({.timeout = 10s});

    auto countdown = co_await client.open(countdown_route, 3);
    while (const auto left = co_await countdown.next())
        std::cout << *left << "...\n";

    const std::string name = "Ann";
    auto orders = co_await client.open(orders_route, name);
    for (const char* article : {"tea", "cups"}) {
        const Order order{article, 2, 4.5};
        co_await orders.write(order);
    }
    const double total = co_await orders.finish();
    std::cout << "to pay: " << total << '\n';

    auto chat = co_await client.open(chat_route, name);
    for (const char* line : {"a nice day", "goodbye"}) {
        std::cout << *co_await chat.next() << '\n';
        co_await chat.write(line);
    }
    const auto last = co_await chat.try_next();
    std::cout << "the other side: " << last.error().message << '\n';
    co_await client.close();
}

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::LocalConnector{"shop"};
    asio::io_context context;
    asio::co_spawn(context, talk(connector), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

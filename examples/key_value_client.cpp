// Watches a value of key_value_server while it changes it, and then reads the last changes. The subscription would also
// survive a restart of the server.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>

#include "key_value.hpp"

using namespace std::chrono_literals;

asio::awaitable<void> talk(communica::AnyConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteClient client{executor, connector};
    co_await client.connect({.timeout = 10s});

    co_await client.request(set_route, "greeting", "hello");
    auto greeting = client.subscribe(watch_route, "greeting");
    for (const char* next : {"good morning", "good night"}) {
        const auto value = co_await greeting.next();
        std::cout << "the greeting is " << *value << '\n';
        co_await client.request(set_route, "greeting", next);
    }

    auto changes = client.subscribe(changes_route);
    for (int count = 0; count != 3; ++count) {
        const auto change = co_await changes.next();
        std::cout << "changed: " << *change << '\n';
    }
    co_await client.close();
}

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::LocalConnector{"key_value"};
    asio::io_context context;
    asio::co_spawn(context, talk(connector), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

// Sends requests to calculator_server.

#include "calculator.hpp"

#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <iostream>

using namespace std::chrono_literals;

asio::awaitable<void> calculate(communica::AnyConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteClient client{executor, connector};
    co_await client.connect({.timeout = 10s});

    // The route has the types of argument and result: {"one", 2} or a string as result would not compile.
    const double sum = co_await client.request(calculator::sum, {1, 2}, {.timeout = 250ms});
    std::cout << "1 + 2 = " << sum << '\n';

    const std::vector<double> values{3, 1, 4, 1, 5};
    const auto summary = co_await client.request(calculator::summarize, values);
    std::cout << "3 1 4 1 5 lie between " << summary.smallest << " and " << summary.largest << ", on average "
              << summary.mean << '\n';

    try {
        co_await client.request(calculator::divide, {1, 0});
    } catch (const communica::RequesterError& error) {
        std::cout << "1 / 0: " << error.what() << " (" << error.status().value_or(0) << ")\n";
    }
    co_await client.close();
}

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::LocalConnector{"calculator"};
    asio::io_context context;
    asio::co_spawn(context, calculate(connector), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

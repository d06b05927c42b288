// Answers the requests of calculator_client until Ctrl-C.

#include <communica/schema/described_table.hpp>

#include "calculator.hpp"

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <numeric>

using calculator::Operands;
using calculator::Summary;

double divide(Operands operands) {
    if (operands.right == 0) {
        throw communica::RequesterError("division by zero", 400);
    }
    return operands.left / operands.right;
}

Summary summarize(const std::vector<double>& values) {
    if (values.empty()) {
        throw communica::RequesterError("nothing to summarize", 400);
    }
    const auto [smallest, largest] = std::ranges::minmax(values);
    const double total = std::accumulate(values.begin(), values.end(), 0.0);
    return {smallest, largest, total / static_cast<double>(values.size())};
}

asio::awaitable<void> serve(communica::AnyConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    asio::signal_set signals{executor, SIGINT, SIGTERM};

    communica::DescribedTable routes;  // a RouteTable whose types `communica describe` shows
    routes.add(calculator::sum, [](auto operands) { return operands.left + operands.right; }).doc("Adds both.");
    routes.add(calculator::divide, divide).doc("Divides left by right, which is not 0.");
    routes.add(calculator::summarize, summarize);

    const communica::ServerOptions options{
        .name = "calculator", .version = "1.0", .counters = std::make_shared<communica::Counters>()};
    communica::RouteServer server{executor, connector, routes, options};
    co_await server.start();
    std::cout << "listening on " << server.address() << std::endl;

    co_await signals.async_wait(asio::use_awaitable);
    co_await server.drain(std::chrono::seconds{5});  // running requests are still answered
}

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::LocalConnector{"calculator"};
    asio::io_context context;
    asio::co_spawn(context, serve(connector), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

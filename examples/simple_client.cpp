// Sends requests to simple_server.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

asio::awaitable<void> talk(communica::AnyConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::SimpleClient client{executor, connector};
    co_await client.connect({.timeout = 10s});

    const auto answer = co_await client.request<std::string>("hello");
    std::cout << answer << '\n';

    // The server's handler takes a string. `try_request` returns the error as a value instead of throwing it.
    const auto second = co_await client.try_request<std::string>(42, {.timeout = 1s});
    std::cout << (second ? *second : "42 is refused: " + second.error().message) << '\n';

    co_await client.notify("goodbye");  // has no response
    co_await client.close();
}

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::TcpConnector{"localhost", 16161};
    asio::io_context context;
    asio::co_spawn(context, talk(connector), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

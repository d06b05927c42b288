// Answers every string it receives, until Ctrl-C. simple_client and sync_client connect to it.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <string>

std::string thank(const std::string& data) {
    std::cout << "received '" << data << "'\n";
    return "Thanks for your '" + data + "'!";
}

asio::awaitable<void> serve(communica::AnyConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    asio::signal_set signals{executor, SIGINT, SIGTERM};

    communica::SimpleServer server{executor, connector, thank};
    co_await server.start();
    std::cout << "listening on " << server.address() << std::endl;

    co_await signals.async_wait(asio::use_awaitable);
    co_await server.drain(std::chrono::seconds{5});  // running requests are still answered
}

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::TcpConnector{"localhost", 16161};
    asio::io_context context;
    asio::co_spawn(context, serve(connector), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

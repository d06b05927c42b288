// One of several servers that share the requests of a RabbitMQ broker: rabbitmq_server NAME [STATE]. Any number of them
// may run, on any number of machines; they do not know each other. Runs until Ctrl-C.

#include <communica/communica.hpp>
#include <communica/connectors/rabbitmq.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <string>

asio::awaitable<void> serve(communica::RmqConnector connector, std::string name) {
    const auto executor = co_await asio::this_coro::executor;
    asio::signal_set signals{executor, SIGINT, SIGTERM};

    communica::RouteTable routes;
    routes.add("square", [name](int number, communica::Context& context) {
        if (context.redelivered()) {  // another server may have answered it, which is harmless here
            std::cout << number << " comes again\n";
        }
        return name + " says " + std::to_string(number * number);
    });
    communica::ServerOptions options;
    options.on_connect = [](const std::string& client) { std::cout << "has " << client << std::endl; };
    communica::RouteServer server{executor, connector, routes, options};
    co_await server.start();
    std::cout << "listening on " << server.address() << std::endl;

    co_await signals.async_wait(asio::use_awaitable);
    co_await server.drain(std::chrono::seconds{5});
}

int main(int argc, char** argv) try {
    const communica::RmqConnector connector = argc > 2 ? communica::RmqConnector::load_state(argv[2])
                                                       : communica::RmqConnector{"amqp://localhost", "squares"};
    asio::io_context context;
    asio::co_spawn(context, serve(connector, argc > 1 ? argv[1] : "a server"), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

// A program that compiles the library once. Both of its files include all of it: what either of them defined too would not
// link.
#include "serving.hpp"

#include <exception>
#include <iostream>
#include <string>

asio::awaitable<void> talk(asio::io_context& context, communica::AnyConnector connector) {
    const auto server = make_server(context, connector);
    co_await server->start();
    communica::SimpleClient client{context, communica::AnyConnector::load_state(server->connector_state())};
    co_await client.connect();
    const auto answer = co_await client.request<std::string>("hello");
    std::cout << server->address() << ": " << answer << '\n';
    if (answer != "Thanks for your 'hello'!") {
        throw std::runtime_error("another answer was expected");
    }
    co_await client.close();
    co_await server->close();
}

asio::awaitable<void> talk_in_memory(asio::io_context& context) {
    const communica::MemoryConnector connector;
    communica::RouteTable<> routes;
    routes.add("sum", [](std::pair<int, int> terms) -> asio::awaitable<int> { co_return terms.first + terms.second; });
    communica::RouteServer server{context, connector, routes};
    co_await server.start();
    communica::RouteClient client{context, connector};
    co_await client.connect();
    if (co_await client.request<int>("sum", std::pair{2, 3}) != 5) {
        throw std::runtime_error("another sum was expected");
    }
    co_await client.close();
    co_await server.close();
}

int main() try {
    asio::io_context context;
    const auto rethrow = [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(context, talk(context, communica::TcpConnector{"127.0.0.1", 0}), rethrow);
    asio::co_spawn(context, talk(context, communica::LocalConnector{"compiled_once"}), rethrow);
    asio::co_spawn(context, talk_in_memory(context), rethrow);
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

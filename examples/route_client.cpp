// A writer: requests work from route_server, serves its requests for articles, and requests facts while it does so.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

asio::awaitable<std::string> write_about(std::string subject, communica::RoutePeer<>& editor) {
    std::cout << "asked to write about " << subject << '\n';
    const auto facts = co_await editor.request<std::string>("get_facts_about", subject);
    co_return "Did you know that " + facts + "?";
}

asio::awaitable<void> work(communica::AnyConnector connector) {
    communica::RouteTable routes;
    routes.add("write_about", write_about);

    const auto executor = co_await asio::this_coro::executor;
    communica::RouteClient client{executor, connector, routes};
    co_await client.connect({.timeout = 10s});

    const int written = co_await client.request<int>("give_work", "Ann");
    std::cout << "done, with " << written << " articles\n";
    co_await client.close();
}

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::LocalConnector{"editor"};
    asio::io_context context;
    asio::co_spawn(context, work(connector), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

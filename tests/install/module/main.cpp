// Uses the library by `import communica;` alone.
#include <asio.hpp>

#include <coroutine>
#include <exception>
#include <iostream>

import communica;

asio::awaitable<void> ask(asio::any_io_executor executor) {
    communica::MemoryConnector connector;
    communica::SimpleServer server(executor, connector, [](int number) { return number + 1; });
    co_await server.start();
    communica::SimpleClient client(executor, connector);
    co_await client.connect();
    std::cout << co_await client.request<int>(41) << '\n';
    const auto refused = co_await client.try_request<int>("no number");
    std::cout << (refused.error().code == communica::errc::serializer_error) << '\n';
    co_await client.close();
}

int main() {
    asio::io_context context;
    asio::co_spawn(context, ask(context.get_executor()), [](const std::exception_ptr& error) {
        if (error) {
            std::rethrow_exception(error);
        }
    });
    context.run();
}

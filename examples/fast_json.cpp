// JSON parsed by simdjson: it needs another header and CMake target. The bytes on the wire are the same.

#include <communica/communica.hpp>
#include <communica/serializers/fast_json.hpp>

#include <asio/io_context.hpp>

#include <exception>
#include <iostream>
#include <numeric>
#include <vector>

asio::awaitable<void> talk(communica::MemoryConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::SimpleServer server{
        executor, connector,
        [](const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); },
        communica::FastJsonSerializer{}};
    co_await server.start();
    communica::SimpleClient client{executor, connector};  // uses the default JSON serializer
    co_await client.connect();
    const std::vector<double> values{0.5, 1, 1.5};
    const double sum = co_await client.request<double>(values);
    std::cout << "the sum is " << sum << '\n';
    co_await client.close();
    co_await server.close();
}

int main() try {
    asio::io_context context;
    asio::co_spawn(context, talk(communica::MemoryConnector{}), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

// A picture of 8 MB that is written, brightened and read in one place: its bytes are never copied.

#include <communica/communica.hpp>
#include <communica/connectors/shared_memory.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

#include <unistd.h>

inline constexpr communica::Route<communica::Buffer(communica::Buffer), communica::BytesSerializer> brighten{
    "brighten"};

// The server reads and writes the client's memory. The answer hands it back.
communica::Buffer make_brighter(communica::Buffer picture) {
    std::ranges::for_each(picture.data(), picture.data() + picture.size(), [](char& pixel) { ++pixel; });
    return picture;
}

asio::awaitable<void> talk(communica::SharedMemoryConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteTable routes;
    routes.add(brighten, make_brighter);
    communica::RouteServer server{executor, connector, routes};
    co_await server.start();
    communica::RouteClient client{executor, connector};
    co_await client.connect();

    communica::Buffer picture = co_await client.lend(8 * 1024 * 1024);
    std::fill_n(picture.data(), picture.size(), 'a');
    picture = co_await client.request(brighten, std::move(picture));
    std::cout << picture.size() << " bytes of '" << picture.data()[0] << "', "
              << (picture.is_lent() ? "in shared memory" : "copied") << '\n';

    co_await client.close();
    co_await server.close();
}

int main() try {
    asio::io_context context;
    asio::co_spawn(context, talk(communica::SharedMemoryConnector{"lent-bodies-" + std::to_string(::getpid())}),
                   [](const std::exception_ptr& error) {
                       if (error) std::rethrow_exception(error);
                   });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

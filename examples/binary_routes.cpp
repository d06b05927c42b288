// A table with a serializer for each route: MessagePack, CBOR and raw bytes.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <cstddef>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

struct Picture {
    int width = 0;
    int height = 0;
    std::vector<std::byte> pixels;
};
COMMUNICA_MODEL(Picture, width, height, pixels)

inline constexpr communica::Route<Picture(Picture), communica::MsgpackSerializer> half{"half"};

Picture halve(Picture picture) {
    picture.height /= 2;
    picture.pixels.resize(static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height));
    return picture;
}

// Borrows the bytes from the connection, without a copy.
std::string checksum(communica::Bytes bytes) {
    unsigned sum = 0;
    for (const std::byte value : bytes)
        sum += std::to_integer<unsigned>(value);
    return std::to_string(sum);
}

asio::awaitable<void> talk(communica::MemoryConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteTable routes;
    routes.add(half, halve)
        .add(
            "area", [](const Picture& picture) { return picture.width * picture.height; }, communica::CborSerializer{})
        .add("checksum", checksum, communica::BytesSerializer{});
    communica::RouteServer server{executor, connector, routes};
    co_await server.start();
    communica::RouteClient client{executor, connector};
    co_await client.connect();

    const Picture picture{4, 2, std::vector<std::byte>(8, std::byte{1})};
    const Picture answer = co_await client.request(half, picture);
    std::cout << "half of it has " << answer.pixels.size() << " pixels\n";
    const int area = co_await client.with(communica::CborSerializer{}).request<int>("area", picture);
    std::cout << "its area is " << area << '\n';
    const auto sum =
        co_await client.with(communica::BytesSerializer{}).request<std::string>("checksum", picture.pixels);
    std::cout << "its checksum is " << sum << '\n';

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

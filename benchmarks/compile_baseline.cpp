// The baseline for compile times: the conversation of examples/simple_client.cpp, written by hand with Asio coroutines
// and nlohmann/json.

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

using asio::ip::tcp;

asio::awaitable<std::string> ask(tcp::socket& socket, const std::string& question) {
    const std::string request = nlohmann::json(question).dump();
    std::uint32_t length = static_cast<std::uint32_t>(request.size());
    co_await asio::async_write(socket, asio::buffer(&length, sizeof length), asio::use_awaitable);
    co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
    co_await asio::async_read(socket, asio::buffer(&length, sizeof length), asio::use_awaitable);
    std::string answer(length, '\0');
    co_await asio::async_read(socket, asio::buffer(answer), asio::use_awaitable);
    co_return nlohmann::json::parse(answer).get<std::string>();
}

asio::awaitable<void> talk() {
    const auto executor = co_await asio::this_coro::executor;
    tcp::resolver resolver(executor);
    tcp::socket socket(executor);
    const auto endpoints = co_await resolver.async_resolve("localhost", "16161", asio::use_awaitable);
    co_await asio::async_connect(socket, endpoints, asio::use_awaitable);
    const std::string answer = co_await ask(socket, "hello");
    std::cout << answer << '\n';
}

int main() try {
    asio::io_context context;
    asio::co_spawn(context, talk(), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

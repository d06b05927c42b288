#include "compile/prelude.hpp"

void test(Simple& client) {
    std::future<nlohmann::json> any = client.request(1, asio::use_future);
    std::future<void> nothing = client.request<void>(1, asio::use_future);
    std::future<MoveOnly> moved = client.request<MoveOnly>(1, asio::use_future);
    std::future<int> soon = client.request<int>("text", {.timeout = 1s}, asio::use_future);
    std::future<communica::Result<int>> tried = client.try_request<int>(1, {.timeout = 1s}, asio::use_future);
    client.try_request<NoDefault>(1, [](communica::Result<NoDefault>) {});
    client.notify(Operands{1, 2}, asio::detached);
}

void test(Routes& client, const communica::RequestOptions& options) {
    std::future<int> typed = client.request(sum, {1, 2}, asio::use_future);
    std::future<int> soon =
        client.request(sum, {.a = 1, .b = 2}, {.timeout = 1s, .wait_for_connection = false}, asio::use_future);
    std::future<int> without = client.request(ping, asio::use_future);
    std::future<int> without_soon = client.request(ping, options, asio::use_future);
    std::future<int> other = client.request(other_sum, {1, 2}, asio::use_future);
    const std::string text = "x";
    std::future<bool> several = client.request(repeat, "x", 2, asio::use_future);
    std::future<bool> several_soon = client.request(repeat, text, 2, {.timeout = 1s}, asio::use_future);
    std::future<bool> several_options = client.request(repeat, text, 2, options, asio::use_future);
    std::future<int> three = client.request(many, 1, text, Operands{1, 2}, asio::use_future);
    std::future<int> three_soon = client.request(many, 1, "x", Operands{1, 2}, options, asio::use_future);
    client.try_request(repeat, "x", 2, [](communica::Result<bool>) {});
    client.notify(repeat, "x", 2, {.timeout = 1s}, asio::detached);
    client.notify(many, 1, text, Operands{1, 2}, asio::detached);
    auto braced = client.request("x", {{"a", 1}}, asio::use_future);
    auto list = client.request<std::vector<int>>("x", std::vector{1, 2}, {.timeout = 1s}, asio::use_future);
    client.notify(sum, {1, 2}, asio::detached);
    client.notify("x", {{"a", 1}}, options, asio::detached);
}

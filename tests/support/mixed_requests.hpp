// Requests and notifications of several kinds, each of which is checked by itself.
#pragma once

#include "run.hpp"

#include <communica/communica.hpp>

#include <optional>
#include <string>

namespace test {

/// The routes that `ask_mixed` asks. Keeps in `notes` how many notifications came.
inline communica::RouteTable<> mixed_routes(int& notes) {
    communica::RouteTable<> routes;
    routes.add("echo", [](nlohmann::json value) { return value; });
    routes.add("echo in a coroutine", [](std::string text) -> asio::awaitable<std::string> {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        co_return text;
    });
    routes.add("fail",
               [](int status) -> int { throw communica::RequesterError("status " + std::to_string(status), status); });
    routes.add("note", [&notes](int) { ++notes; });
    return routes;
}

/// Asks `count` times, all at once, in five ways in turn; gives how many ended just as they should.
template <class Asker>
asio::awaitable<int> ask_mixed(Asker& asker, int count) {
    const communica::RequestOptions options{.timeout = patience};
    int right = 0;
    int left = count;
    Event all;
    const auto end = [&](bool as_it_should) {
        right += as_it_should ? 1 : 0;
        if (--left == 0) {
            all.set();
        }
    };
    for (int number = 0; number != count; ++number) {
        const std::string text =
            "text " + std::to_string(number) + std::string(static_cast<std::size_t>(number % 3000), 'x');
        switch (number % 5) {
            case 0:
                asker.template request<int>(
                    "echo", number, options,
                    [end, number](std::exception_ptr failure, int answer) { end(!failure && answer == number); });
                break;
            case 1:
                asker.template request<std::string>(
                    "echo in a coroutine", text, options,
                    [end, text](std::exception_ptr failure, std::string answer) { end(!failure && answer == text); });
                break;
            case 2:
                asker.template try_request<int>("fail", number, options, [end, number](communica::Result<int> result) {
                    end(!result && result.error().status == number &&
                        result.error().message == "status " + std::to_string(number));
                });
                break;
            case 3: asker.notify("note", number, options, [end](std::exception_ptr failure) { end(!failure); }); break;
            default:
                asker.template try_request<int>("nowhere", number, options, [end](communica::Result<int> result) {
                    end(!result && result.error().kind == communica::Error::Kind::requester);
                });
        }
    }
    if (count != 0) {
        co_await all.wait();
    }
    co_return right;
}

}  // namespace test

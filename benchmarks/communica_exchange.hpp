// Runs a server of the library, and measures its clients.
#pragma once

#include "harness.hpp"

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <deque>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace bench {

inline void stop_on_error(const std::exception_ptr& error) {
    if (error) {
        std::rethrow_exception(error);
    }
}

template <class Server>
void run_server(asio::io_context& context, Server& server, int threads) {
    server.start([](const std::exception_ptr& error) {
        stop_on_error(error);
        say_ready();
    });
    std::vector<std::jthread> others;
    for (int i = 1; i < threads; ++i) {
        others.emplace_back([&context] { context.run(); });
    }
    context.run();
}

inline bool is_same(const std::string& answer, const std::string& value) { return answer.size() == value.size(); }
inline bool is_same(const communica::Buffer& answer, const communica::Buffer& value) {
    return answer.size() == value.size();
}

/// Calls `request()` in an endless loop. A notification has no answer.
template <class Request, class Value>
asio::awaitable<void> ask_again_and_again(Request request, const Value& value, Meter& meter) {
    for (Ticks begin = ticks();; begin = meter.lap(begin)) {
        if constexpr (std::is_void_v<typename decltype(request())::value_type>) {
            co_await request();
        } else {
            const Value answer = co_await request();
            if (!is_same(answer, value)) {
                fail("not what was sent");
            }
        }
    }
}

template <class Client>
void connect_all(asio::io_context& context, std::deque<Client>& clients) {
    for (Client& client : clients) {
        client.connect(stop_on_error);
    }
    while (!std::all_of(clients.begin(), clients.end(), [](const Client& client) { return client.is_connected(); })) {
        context.run_one();
    }
}

/// Measures clients of `connector`. `request(client, value)` starts a request.
template <class Client, class Connector, class Value, class Request>
void measure(const Options& options, const Connector& connector, const Value& value, Request request) {
    asio::io_context context(1);
    const communica::ClientOptions client_options{.busy_poll = std::chrono::microseconds{options.busy_poll_us}};
    std::deque<Client> clients;
    for (int i = 0; i != options.clients; ++i) {
        clients.emplace_back(context, connector, client_options);
    }
    connect_all(context, clients);
    Meter meter(options);
    for (Client& client : clients) {
        for (int i = 0; i != options.depth; ++i) {
            const auto ask = [&client, &value, request] { return request(client, value); };
            asio::co_spawn(context, ask_again_and_again(ask, value, meter), stop_on_error);
        }
    }
    context.run();
}

}  // namespace bench

// What the child programs of tests have in common.
#pragma once

#include "streams.hpp"

#include <asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <string>

namespace test {

/// A line for the parent.
inline void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

/// Waits until the parent ends the input, or is gone.
inline asio::awaitable<void> input_ended() {
    auto input = standard_input(co_await asio::this_coro::executor);
    for (char ignored[256];;) {
        const auto [error, count] = co_await input.async_read_some(asio::buffer(ignored), communica::no_throw);
        if (error) {
            co_return;
        }
    }
}

/// Serves, says `READY`, and closes when the input has ended.
template <class Server>
asio::awaitable<void> serve_until_input_ends(Server& server) {
    co_await server.start();
    say("READY");
    co_await input_ended();
    co_await server.close();
}

/// Runs a program's coroutine until nothing is left to do. An exception ends the process with a message.
inline int run_program(asio::io_context& context, asio::awaitable<void> program) {
    asio::co_spawn(context, std::move(program), [](std::exception_ptr failure) {
        if (failure) {
            std::rethrow_exception(failure);
        }
    });
    try {
        context.run();
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}

}  // namespace test

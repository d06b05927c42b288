// Sends requests to simple_server from plain threads, which wait for futures. One thread runs the io_context and does
// the library's work. Any other thread may send requests.

#include <communica/communica.hpp>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <exception>
#include <future>
#include <iostream>
#include <string>
#include <thread>

using namespace std::chrono_literals;

void talk(asio::io_context& context, const communica::AnyConnector& connector) {
    communica::SimpleClient client{context, connector};
    client.connect({.timeout = 10s}, asio::use_future).get();

    // Two requests at once from this thread, one from another.
    const auto ask = [&client] { return client.request<std::string>("three", asio::use_future).get(); };
    std::future<std::string> third = std::async(std::launch::async, ask);
    std::future<std::string> first = client.request<std::string>("one", asio::use_future);
    std::future<std::string> second = client.request<std::string>("two", {.timeout = 1s}, asio::use_future);
    std::cout << first.get() << '\n' << second.get() << '\n' << third.get() << '\n';

    client.close(asio::use_future).get();
}

int main(int argc, char** argv) {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::TcpConnector{"localhost", 16161};
    asio::io_context context;
    auto work = asio::make_work_guard(context);  // without it, run() would return before there is work
    std::thread network{[&context] { context.run(); }};

    int status = 0;
    try {
        talk(context, connector);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        status = 1;
    }
    work.reset();
    network.join();
    return status;
}

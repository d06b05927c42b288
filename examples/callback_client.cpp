// Sends requests to simple_server with callbacks only: no coroutine, and one thread, which runs the io_context.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

class Talk {
 public:
    Talk(asio::io_context& context, const communica::AnyConnector& connector) : client_{context, connector} {}

    // The object outlives its callbacks, so they may capture `this`.
    void begin() {
        client_.connect({.timeout = 10s}, [this](const std::exception_ptr& error) {
            if (error) std::rethrow_exception(error);  // context.run() throws it
            ask();
        });
    }

 private:
    void ask() {
        client_.try_request<std::string>(
            "a callback", {.timeout = 1s}, [this](const communica::Result<std::string>& answer) {
                std::cout << (answer ? *answer : answer.error().text()) << '\n';
                client_.notify("no answer is wanted", [this](const std::exception_ptr& error) {
                    if (error) std::rethrow_exception(error);
                    client_.close([](const std::exception_ptr&) { std::cout << "closed\n"; });
                });
            });
    }

    communica::SimpleClient<communica::AnyConnector> client_;
};

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::TcpConnector{"localhost", 16161};
    asio::io_context context;
    Talk talk{context, connector};
    talk.begin();
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

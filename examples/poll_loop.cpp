// Sends requests to simple_server from its own poll() loop. A thread runs the io_context and does the library's work.
// The loop handles responses and the server's requests beside the program's own descriptors. Ends at the end of
// standard input.

#include "own_loop.hpp"

#include <communica/communica.hpp>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>

#include <array>
#include <cerrno>
#include <exception>
#include <iostream>
#include <string>
#include <system_error>

#include <poll.h>
#include <unistd.h>

class Program {
 public:
    Program(asio::io_context& context, const communica::AnyConnector& connector)
        : client_{context, connector, communica::on_executor(loop_.get_executor(), [](const std::string& text) {
                      return "in the loop: " + text;
                  })} {}

    void run() {
        ask("a poll loop");
        std::array<pollfd, 2> waits{{{STDIN_FILENO, POLLIN, 0}, {loop_.descriptor(), POLLIN, 0}}};
        while (!input_has_ended_ || unanswered_ != 0) {
            waits[0].fd = input_has_ended_ ? -1 : STDIN_FILENO;
            if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) {
                throw std::system_error(errno, std::generic_category(), "poll");
            }
            if (waits[0].revents != 0) read_input();
            if (waits[1].revents != 0) loop_.run_ready();
        }
    }

 private:
    void ask(const std::string& text) {
        ++unanswered_;
        // The callback is bound to the loop's executor: it runs in the loop's thread and needs no lock.
        client_.request<std::string>(
            text, asio::bind_executor(loop_.get_executor(),
                                      [this](const std::exception_ptr& error, const std::string& answer) {
                                          --unanswered_;
                                          if (error) std::rethrow_exception(error);  // run_ready throws it
                                          std::cout << answer << '\n';
                                      }));
    }

    void read_input() {
        std::array<char, 4096> bytes{};
        const auto count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        input_has_ended_ = count <= 0;
        if (count > 0) ask({bytes.data(), static_cast<std::size_t>(count)});
    }

    OwnLoop loop_;  // declared before the client, which uses it
    communica::SimpleClient<communica::AnyConnector> client_;
    int unanswered_ = 0;
    bool input_has_ended_ = false;
};

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::TcpConnector{"localhost", 16161};
    NetworkThread network;
    Program(network.context(), connector).run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

// A parent starts a child process of the same program and passes it the state of a connector. Then each sends requests
// to the other.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

// Requests of the parent to the child.
inline constexpr communica::Route<int(std::vector<int>)> sum{"sum"};
inline constexpr communica::Route<void()> leave{"leave"};
// Requests of the child to the parent.
inline constexpr communica::Route<std::string(int)> name_of{"name_of"};

pid_t start_child(const char* program, const std::string& connector_state) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::execlp(program, program, connector_state.c_str(), nullptr);
        ::_exit(127);
    }
    if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
    return child;
}

asio::awaitable<void> be_parent(const char* program) {
    const auto executor = co_await asio::this_coro::executor;
    asio::signal_set children{executor, SIGCHLD};

    communica::RouteTable routes;
    routes.add(name_of, [](int pid) { return "Junior, number " + std::to_string(pid); });
    const communica::LocalConnector connector{"parent-" + std::to_string(::getpid())};
    communica::RouteServer server{executor, connector, routes};
    co_await server.start();

    const pid_t child = start_child(program, server.connector_state());
    const std::vector<int> numbers{1, 2, 3, 4};
    const int answer = co_await server.request(sum, numbers);  // waits until the child has connected
    std::cout << "parent: the child says that 1 + 2 + 3 + 4 = " << answer << '\n';

    co_await server.request(leave);
    co_await children.async_wait(asio::use_awaitable);
    int status = 0;
    ::waitpid(child, &status, 0);
    co_await server.close();
    if (status != 0) throw std::runtime_error("the child failed");
    std::cout << "parent: the child has left\n";
}

asio::awaitable<void> be_child(std::string connector_state) {
    std::cout << "child: the parent is at " << connector_state << std::endl;
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteClient client{executor, communica::AnyConnector::load_state(connector_state)};

    communica::RouteTable routes;
    routes.add(sum, [](std::vector<int> numbers, communica::RoutePeer<>& parent) -> asio::awaitable<int> {
        const auto name = co_await parent.request(name_of, ::getpid());
        std::cout << "child: I am " << name << ", and I add\n";
        co_return std::accumulate(numbers.begin(), numbers.end(), 0);
    });
    // Not stop(): this request is still answered.
    routes.add(leave, [&client] { client.drain(std::chrono::seconds{5}, asio::detached); });
    client.add_routes(routes);

    co_await client.run();  // until the client has drained
    std::cout << "child: leaving\n";
}

int main(int argc, char** argv) try {
    asio::io_context context;
    asio::co_spawn(context, argc > 1 ? be_child(argv[1]) : be_parent(argv[0]), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

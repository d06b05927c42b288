// An editor: serves facts, and requests articles from a writer before it answers the writer's request for work.
// route_client is a writer. Runs until Ctrl-C.

#include <communica/communica.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <map>
#include <string>

std::string facts_about(const std::string& subject) {
    static const std::map<std::string, std::string> facts{
        {"geese", "geese fly in a V"},
        {"tea", "tea was first drunk in China"},
    };
    const auto found = facts.find(subject);
    if (found == facts.end()) {
        throw communica::RequesterError("nothing is known about " + subject, 404);
    }
    std::cout << "telling what is known about " << subject << '\n';
    return found->second;
}

// Returns the number of articles. Other handlers run while a coroutine handler is suspended.
asio::awaitable<int> give_work(std::string name, communica::RoutePeer<>& writer) {
    std::cout << name << " wants work\n";
    int written = 0;
    for (const std::string subject : {"geese", "tea", "unicorns"}) {
        const auto article = co_await writer.try_request<std::string>("write_about", subject);
        if (article) {
            std::cout << name << " wrote: " << *article << '\n';
            ++written;
        } else {
            std::cout << name << " did not write about " << subject << ": " << article.error().message << '\n';
        }
    }
    co_return written;
}

asio::awaitable<void> serve(communica::AnyConnector connector) {
    const auto executor = co_await asio::this_coro::executor;
    asio::signal_set signals{executor, SIGINT, SIGTERM};

    communica::RouteTable routes;
    routes.add("get_facts_about", facts_about).add("give_work", give_work);

    communica::RouteServer server{executor, connector, routes};
    co_await server.start();
    std::cout << "listening on " << server.address() << std::endl;

    co_await signals.async_wait(asio::use_awaitable);
    co_await server.drain(std::chrono::seconds{5});  // running requests are still answered
}

int main(int argc, char** argv) try {
    const communica::AnyConnector connector =
        argc > 1 ? communica::AnyConnector::load_state(argv[1]) : communica::LocalConnector{"editor"};
    asio::io_context context;
    asio::co_spawn(context, serve(connector), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

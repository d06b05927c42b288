// asking STATE ID CLIENTS REQUESTS: connects so many clients, called ID-0 and so on, each of which asks so many times.
// Says `DONE` and how many requests ended as they should, and goes on answering until its input ends.
#include "support/endless_streams.hpp"
#include "support/mixed_requests.hpp"
#include "support/program.hpp"
#include "support/system.hpp"

#include <list>

namespace {

using Client = communica::RouteClient<communica::AnyConnector>;

asio::awaitable<void> ask(std::list<Client>& clients, int requests) {
    int right = 0;
    int left = static_cast<int>(clients.size());
    test::Event all;
    const auto executor = co_await asio::this_coro::executor;
    const auto ask_by = [&](Client& client) -> asio::awaitable<void> {
        co_await client.connect();
        right += co_await test::ask_mixed(client, requests);
        if (--left == 0) {
            all.set();
        }
    };
    for (Client& client : clients) {
        asio::co_spawn(executor, ask_by(client), [](std::exception_ptr failure) {
            if (failure) {
                std::rethrow_exception(failure);
            }
        });
    }
    co_await all.wait();
    test::say("DONE " + std::to_string(right));
    co_await test::input_ended();
    for (Client& client : clients) {
        co_await client.close();
    }
}

}  // namespace

int main(int, char** argv) {
    asio::io_context context;
    int notes = 0;
    auto routes = test::mixed_routes(notes);
    test::StreamsSeen seen;
    test::add_endless(routes, seen);
    routes.add("pid", [] { return test::own_process_id(); });
    routes.add("tell", [](std::string route, communica::RoutePeer<>& peer) -> asio::awaitable<void> {
        co_await peer.request(route, nullptr);
    });
    const auto connector = communica::AnyConnector::load_state(argv[1]);
    std::list<Client> clients;
    for (int number = 0; number != std::stoi(argv[3]); ++number) {
        communica::ClientOptions options;
        options.client_id = argv[2] + ("-" + std::to_string(number));
        options.backoff = communica::BackoffOptions{.first = std::chrono::milliseconds(5)};
        clients.emplace_back(context, connector, routes, options);
    }
    return test::run_program(context, ask(clients, std::stoi(argv[4])));
}

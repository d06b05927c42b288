// Sends 2,000 requests over six connections to the servers that share an address at a RabbitMQ broker, and prints how
// many each server answered. If a server crashes, its clients move to another and repeat the unanswered requests.

#include <communica/communica.hpp>
#include <communica/connectors/rabbitmq.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <map>
#include <string>

using namespace std::chrono_literals;

constexpr int question_count = 2000;

// Number of responses by server.
std::map<std::string, int> answers;
int answered = 0;

// Each client keeps its name over restarts, because messages sent to it while it is absent are queued under that name.
asio::awaitable<void> ask(communica::RmqConnector connector, std::string name, int begin, int end) {
    const auto executor = co_await asio::this_coro::executor;
    communica::RouteClient client{executor, connector, communica::ClientOptions{.client_id = name}};
    co_await client.connect({.timeout = 30s});
    for (int number = begin; number != end; ++number) {
        // If the server crashes, the request is sent again to the next one.
        const auto answer = co_await client.request<std::string>("square", number, {.idempotent = true});
        ++answers[answer.substr(0, answer.find(" says "))];
        if (++answered % (question_count / 2) == 0) {
            std::cout << answered << " answered:";
            for (const auto& [server, count] : answers)
                std::cout << ' ' << count << " by " << server << ',';
            std::cout << std::endl;
        }
    }
    co_await client.close();
}

int main(int argc, char** argv) try {
    const std::string state = argc > 1 ? argv[1] : communica::RmqConnector{"amqp://localhost", "squares"}.dump_state();
    asio::io_context context;
    constexpr int client_count = 6;
    for (int number = 0; number != client_count; ++number) {
        const std::string name = "client-" + std::to_string(number + 1);
        asio::co_spawn(context,
                       ask(communica::RmqConnector::load_state(state, name), name,
                           question_count * number / client_count, question_count * (number + 1) / client_count),
                       [](const std::exception_ptr& error) {
                           if (error) std::rethrow_exception(error);
                       });
    }
    context.run();
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

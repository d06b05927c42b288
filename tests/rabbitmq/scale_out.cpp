// Several server processes at one address: they share the clients, and take over those of one that dies.
#include "support/process.hpp"
#include "support/rabbitmq_pair.hpp"
#include "support/watched_requests.hpp"

#include <csignal>
#include <list>
#include <map>
#include <memory>
#include <set>

namespace rabbitmq_scale_out {

using communica::errc;
using communica::Error;
using test::Process;
using test::RabbitmqMeeting;
using test::RmqClient;
using test::RmqServer;
using test::Routes;
using test::WatchedRequests;
using namespace std::chrono_literals;

namespace {

/// A server process that listens already.
std::unique_ptr<Process> serving(const RabbitmqMeeting& meeting) {
    auto process =
        std::make_unique<Process>("serving_rabbitmq", std::vector<std::string>{meeting.at_server().dump_state()});
    process->expect("READY");
    return process;
}

/// From here on it reads nothing, but its connections stay.
void pause(const Process& process) { ::kill(static_cast<::pid_t>(process.id()), SIGSTOP); }

class Clients {
 public:
    Clients(asio::io_context& context, const RabbitmqMeeting& meeting, int count) {
        for (int number = 0; number != count; ++number) {
            const std::string id = std::to_string(number);
            all.emplace_back(context, meeting.at_client(id), test::quick_client(id));
        }
    }

    asio::awaitable<void> connect() {
        for (RmqClient& client : all) {
            co_await client.connect();
        }
    }
    asio::awaitable<void> close() {
        for (RmqClient& client : all) {
            co_await client.close();
        }
    }
    /// How many clients each server process has.
    asio::awaitable<std::map<std::int64_t, int>> servers() {
        std::map<std::int64_t, int> counts;
        for (RmqClient& client : all) {
            ++counts[co_await client.request<std::int64_t>("pid", nullptr)];
        }
        co_return counts;
    }

    std::list<RmqClient> all;
};

}  // namespace

TEST_CASE("three servers share the clients, and of 2,000 requests none is lost when one of them is killed") {
    asio::io_context context;
    const RabbitmqMeeting meeting;
    std::vector<std::unique_ptr<Process>> servers;
    for (int number = 0; number != 3; ++number) {
        servers.push_back(serving(meeting));
    }
    Clients clients(context, meeting, 9);
    WatchedRequests requests;
    constexpr int request_count = 2000;

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await clients.connect();
        const auto before = co_await clients.servers();
        CHECK(before.size() == 3);
        CHECK(before.at(servers[0]->id()) == 3);

        bool killed = false;
        std::chrono::steady_clock::time_point when;
        auto client = clients.all.begin();
        for (int number = 0; number != request_count; ++number) {
            if (number == request_count / 2) {
                servers[0]->kill();
                killed = true;
                when = std::chrono::steady_clock::now();
            }
            requests.echo(*client, 100, {.timeout = 25s, .idempotent = true}, [] {});
            client = std::next(client) == clients.all.end() ? clients.all.begin() : std::next(client);
            co_await asio::post(context, asio::use_awaitable);
        }
        co_await test::until([&] { return requests.all_ended(); });
        CHECK(killed);
        // Five seconds between signs of life: nine until a server counts as dead.
        CHECK(std::chrono::steady_clock::now() - when < 10s);
        const auto after = co_await clients.servers();
        CHECK(after.size() == 2);
        CHECK_FALSE(after.contains(servers[0]->id()));
        co_await clients.close();
    });
    test::run_out(context);
    CHECK_WATCHED(requests);
    CHECK(requests.right == request_count);
    servers[1]->end_input();
    servers[2]->end_input();
    CHECK(servers[1]->wait() == test::Exit{.code = 0});
    CHECK(servers[2]->wait() == test::Exit{.code = 0});
}

TEST_CASE("a server that stands still loses its clients to another, and what it had not acknowledged too") {
    asio::io_context context;
    const RabbitmqMeeting meeting(test::shared_broker().url() + "?heartbeat=2");  // by which the broker finds out
    const auto still = serving(meeting);
    std::vector<bool> redelivered;
    Routes routes;
    routes.add("note", [&](int, communica::Context& about) { redelivered.push_back(about.redelivered()); });
    auto options = test::quick_client("one");
    options.connect_timeout = 1s;  // what the one that stands still has taken it never answers
    RmqClient client(context, meeting.at_client("one"), options);
    RmqServer server(context, meeting.at_server(), routes);

    test::run(context, [&]() -> asio::awaitable<void> {
        co_await client.connect();
        CHECK_AWAITED("here", client.request<std::string>("echo", "here"));
        pause(*still);
        co_await client.notify("note", 1);
        co_await client.notify("note", 2);
        co_await server.start();
        co_await test::until([&] { return redelivered.size() == 2; });
        CHECK(redelivered == std::vector<bool>{true, true});
        co_await client.notify("note", 3);
        co_await test::until([&] { return redelivered.size() == 3; });
        CHECK_FALSE(redelivered.back());
        CHECK(server.client_ids() == std::vector<std::string>{"one"});
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace rabbitmq_scale_out

// Several threads run the io_context.
#include "support/mixed_requests.hpp"
#include "support/pair.hpp"

#include <asio/use_future.hpp>

#include <atomic>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <thread>

namespace threads {

using test::Routes;
using namespace std::chrono_literals;

namespace {

constexpr int client_count = 8;
constexpr int thread_count = 4;

/// Sees whether calls for one client are at work at the same time.
class Overlaps {
 public:
    Overlaps() {
        for (int number = 0; number != client_count; ++number) {
            inside_.try_emplace(std::to_string(number), false);
        }
    }
    void pass(const std::string& id) {
        ++calls_;
        if (inside_.at(id).exchange(true)) {
            ++count_;
        }
        std::this_thread::yield();
        inside_.at(id) = false;
    }
    int count() const { return count_; }
    int calls() const { return calls_; }

 private:
    std::map<std::string, std::atomic<bool>> inside_;
    std::atomic<int> count_ = 0;
    std::atomic<int> calls_ = 0;
};

/// Where so many have to be at the same time.
class Rendezvous {
 public:
    bool meet(int wanted) {
        std::unique_lock lock(mutex_);
        ++here_;
        changed_.notify_all();
        return changed_.wait_for(lock, test::patience, [&] { return here_ >= wanted; });
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int here_ = 0;
};

/// One client on a context of many threads: asks one after another, and several at once.
template <class Client>
asio::awaitable<int> ask_in_turn(Client& client, int rounds) {
    int right = 0;
    for (int round = 0; round != rounds; ++round) {
        right += co_await client.template request<int>("sync", round) == round ? 1 : 0;
        client.notify("sync", round, asio::detached);
        right += co_await client.template request<int>("coroutine", round) == round ? 1 : 0;
    }
    co_return right;
}

}  // namespace

TEST_CASE("the handlers of one connection never overlap, however many threads there are") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    constexpr int rounds = 100;
    asio::io_context context(thread_count);
    const test::Meeting meeting(transport);
    Overlaps at_server;
    Overlaps at_clients;
    const auto table = [](Overlaps& overlaps) {
        Routes routes;
        routes.add("sync", [&](int number, communica::Context& about) {
            overlaps.pass(about.client_id());
            return number;
        });
        routes.add("coroutine", [&](int number, communica::Context& about) -> asio::awaitable<int> {
            for (int turn = 0; turn != 3; ++turn) {
                overlaps.pass(about.client_id());
                co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
            }
            overlaps.pass(about.client_id());
            co_return number;
        });
        return routes;
    };
    test::RouteServer server(context, meeting.at_server(), table(at_server));
    std::list<test::RouteClient> clients;
    std::atomic<int> right = 0;
    std::atomic<int> left = 2 * client_count;
    std::atomic<int> failures = 0;

    test::run_on_threads(
        context, thread_count,
        [&]() -> asio::awaitable<void> {
            co_await server.start();
            for (int number = 0; number != client_count; ++number) {
                auto& client = clients.emplace_back(context, meeting.at_client(server), table(at_clients),
                                                    test::quick_client(std::to_string(number)));
                co_await client.connect();
            }
            std::list<communica::RoutePeer<>> peers;
            const auto count = [&](std::exception_ptr failure, int answers) {
                failures += failure ? 1 : 0;
                right += answers;
                --left;
            };
            for (auto& client : clients) {
                asio::co_spawn(asio::make_strand(context), ask_in_turn(client, rounds), count);
                auto& peer = peers.emplace_back(server.client(client.client_id()));
                asio::co_spawn(asio::make_strand(context), ask_in_turn(peer, rounds), count);
            }
            co_await test::until([&] { return left == 0; });
            co_await test::until([&] { return at_server.calls() == client_count * rounds * 6; });
            co_await test::until([&] { return at_clients.calls() == client_count * rounds * 6; });
            for (auto& client : clients) {
                co_await client.close();
            }
            co_await server.close();
        },
        2 * test::patience);
    CHECK(failures == 0);
    CHECK(right == 2 * client_count * rounds * 2);
    CHECK(at_server.count() == 0);
    CHECK(at_clients.count() == 0);
}

TEST_CASE("the handlers of different connections run at the same time where there are threads for them") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    if (transport == test::Transport::rabbitmq) {
        WARN("skipped: over RabbitMQ connections share a strand");
        return;
    }
    asio::io_context context(thread_count);
    const test::Meeting meeting(transport);
    Rendezvous rendezvous;
    Routes routes;
    routes.add("meet", [&](int wanted) { return rendezvous.meet(wanted); });
    test::RouteServer server(context, meeting.at_server(), routes);
    std::list<test::RouteClient> clients;
    std::atomic<int> met = 0;
    std::atomic<int> left = 3;

    test::run_on_threads(context, thread_count, [&]() -> asio::awaitable<void> {
        co_await server.start();
        for (int number = 0; number != 3; ++number) {
            auto& client =
                clients.emplace_back(context, meeting.at_client(server), test::quick_client(std::to_string(number)));
            co_await client.connect();
        }
        for (auto& client : clients) {
            client.request<bool>("meet", 3, [&](std::exception_ptr, bool together) {
                met += together ? 1 : 0;
                --left;
            });
        }
        co_await test::until([&] { return left == 0; });
        for (auto& client : clients) {
            co_await client.close();
        }
        co_await server.close();
    });
    CHECK(met == 3);
}

TEST_CASE("threads of their own ask one client at the same time") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    constexpr int rounds = 200;
    asio::io_context context(thread_count);
    const test::Meeting meeting(transport);
    int notes = 0;  // of handlers of one connection
    test::RouteServer server(context, meeting.at_server(), test::mixed_routes(notes));
    const auto work = asio::make_work_guard(context);
    std::vector<std::thread> running;
    for (int number = 0; number != thread_count; ++number) {
        running.emplace_back([&] { context.run_for(2 * test::patience); });
    }
    server.start(asio::use_future).get();
    int client_notes = 0;
    test::RouteClient client(context, meeting.at_client(server), test::mixed_routes(client_notes),
                             test::quick_client());
    client.connect(asio::use_future).get();

    std::atomic<int> right = 0;
    std::vector<std::thread> asking;
    for (int number = 0; number != 4; ++number) {
        asking.emplace_back([&, number] {
            for (int round = 0; round != rounds; ++round) {
                const int value = number * rounds + round;
                right += client.request<int>("echo", value, asio::use_future).get() == value ? 1 : 0;
                right += server.request<int>("echo", value, asio::use_future).get() == value ? 1 : 0;
                right += client.try_request<int>("fail", value, asio::use_future).get() ? 0 : 1;
                client.notify("note", value, asio::use_future).get();
            }
        });
    }
    for (auto& thread : asking) {
        thread.join();
    }
    CHECK(right == 3 * 4 * rounds);
    // Answered after the notes before it: who closes does not wait for what is on its way.
    CHECK(client.request<int>("echo", 1, asio::use_future).get() == 1);
    client.close(asio::use_future).get();
    server.close(asio::use_future).get();
    context.stop();
    for (auto& thread : running) {
        thread.join();
    }
    CHECK(notes == 4 * rounds);
}

TEST_CASE("entities are stopped while several threads are at work for them") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    for (int round = 0; round != 10; ++round) {
        asio::io_context context(thread_count);
        const test::Meeting meeting(transport);
        Routes routes;
        routes.add("echo", [](int number) { return number; });
        std::optional<test::RouteServer> server(std::in_place, context, meeting.at_server(), routes);
        std::optional<test::RouteClient> client;
        std::atomic<int> ended = 0;

        test::run_on_threads(context, thread_count, [&]() -> asio::awaitable<void> {
            co_await server->start();
            client.emplace(context, meeting.at_client(*server), routes, test::quick_client());
            co_await client->connect();
            for (int number = 0; number != 200; ++number) {
                client->request<int>("echo", number, [&](std::exception_ptr, int) { ++ended; });
                server->request<int>("echo", number, [&](std::exception_ptr, int) { ++ended; });
            }
            if (round % 2 == 0) {
                client.reset();
                server.reset();
            } else {
                server->stop();
                client->stop();
            }
        });
        CHECK(ended == 400);
    }
}

}  // namespace threads

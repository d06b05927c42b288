// Where the completions of requests run: not in the connection's turn.
#include "support/pair.hpp"

#include <asio/use_future.hpp>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace completions {

using test::Routes;

namespace {

constexpr int thread_count = 4;

/// A connected pair whose context is run by several threads, and by none of the test.
class ThreadedPair {
 public:
    explicit ThreadedPair(test::Transport transport)
        : meeting(transport), server(context, meeting.at_server(), routes()) {
        for (int number = 0; number != thread_count; ++number) {
            threads_.emplace_back([this] { context.run_for(4 * test::patience); });
        }
        server.start(asio::use_future).get();
        client.emplace(context, meeting.at_client(server), routes(), test::quick_client());
        client->connect(asio::use_future).get();
    }
    ~ThreadedPair() {
        client->close(asio::use_future).get();
        server.close(asio::use_future).get();
        work_.reset();
        for (auto& thread : threads_) {
            thread.join();
        }
    }

    bool answers(int value) {
        auto answer = client->request<int>("echo", value, asio::use_future);
        return answer.wait_for(test::patience) == std::future_status::ready && answer.get() == value;
    }

    asio::io_context context{thread_count};

 private:
    static Routes routes() {
        Routes table;
        table.add("echo", [](int value) { return value; });
        return table;
    }

    asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(context);
    std::vector<std::thread> threads_;

 public:
    test::Meeting meeting;
    test::RouteServer server;
    std::optional<test::RouteClient> client;
};

bool is_ready(const std::future<void>& future) { return future.wait_for(test::patience) == std::future_status::ready; }

}  // namespace

TEST_CASE("a completion that computes holds up no other request of its connection") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    ThreadedPair pair(transport);
    std::promise<void> entered;
    std::promise<void> done;
    std::promise<bool> was_in_time;
    pair.client->request<int>("echo", 1, [&](std::exception_ptr, int) {
        entered.set_value();
        was_in_time.set_value(is_ready(done.get_future()));
    });
    CHECK(is_ready(entered.get_future()));
    for (int value = 0; value != 10; ++value) {
        CHECK(pair.answers(value));
    }
    auto other_way = pair.server.request<int>("echo", 2, asio::use_future);
    CHECK(other_way.wait_for(test::patience) == std::future_status::ready);
    done.set_value();
    CHECK(was_in_time.get_future().get());
}

TEST_CASE("a coroutine may wait, blocking, for another request after its own") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    ThreadedPair pair(transport);
    const auto ask = [&]() -> asio::awaitable<bool> {
        const int first = co_await pair.client->request<int>("echo", 1);
        co_return first == 1 && pair.answers(2);
    };
    CHECK(asio::co_spawn(pair.context, ask(), asio::use_future).get());
    CHECK(asio::co_spawn(asio::make_strand(pair.context), ask(), asio::use_future).get());
}

TEST_CASE("a completion that computes holds up none of those that arrive with it") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    ThreadedPair pair(transport);
    constexpr int count = 32;
    std::atomic<int> left = count - 1;
    std::promise<void> others_done;
    std::promise<bool> was_in_time;
    asio::post(pair.context, [&] {
        for (int number = 0; number != count; ++number) {
            pair.client->request<int>("echo", number, [&, number](std::exception_ptr, int) {
                if (number == 0) {
                    was_in_time.set_value(is_ready(others_done.get_future()));
                } else if (--left == 0) {
                    others_done.set_value();
                }
            });
        }
    });
    CHECK(was_in_time.get_future().get());
}

TEST_CASE("what a completion sends does not wait for the completion that comes after it") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    ThreadedPair pair(transport);
    std::promise<void> asked_again;
    std::promise<bool> was_in_time;
    asio::post(pair.context, [&] {
        pair.client->request<int>("echo", 1, [&](std::exception_ptr, int) {
            pair.client->request<int>("echo", 2, [&](std::exception_ptr, int) { asked_again.set_value(); });
        });
        pair.client->request<int>(
            "echo", 3, [&](std::exception_ptr, int) { was_in_time.set_value(is_ready(asked_again.get_future())); });
    });
    CHECK(was_in_time.get_future().get());
}

TEST_CASE("completions that arrive together each wait, blocking, for another request") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    ThreadedPair pair(transport);
    for (int round = 0; round != 20; ++round) {
        constexpr int count = thread_count - 1;  // one thread has to be left to read
        std::atomic<int> left = count;
        std::atomic<int> right = 0;
        std::promise<void> all;
        asio::post(pair.context, [&] {
            for (int number = 0; number != count; ++number) {
                pair.client->request<int>("echo", number, [&, number](std::exception_ptr, int) {
                    right += pair.answers(number) ? 1 : 0;
                    if (--left == 0) {
                        all.set_value();
                    }
                });
            }
        });
        all.get_future().get();
        REQUIRE(right == count);
    }
}

TEST_CASE("completions of a client on a strand run on that strand") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    ThreadedPair pair(transport);
    const auto strand = asio::make_strand(pair.context);
    test::RouteClient client(strand, pair.meeting.at_client(pair.server), {}, test::quick_client("on a strand"));
    client.connect(asio::use_future).get();
    constexpr int count = 200;
    std::atomic<int> left = count;
    std::atomic<int> on_strand = 0;
    int called = 0;  // guarded by the strand
    std::promise<void> all;
    for (int number = 0; number != count; ++number) {
        client.request<int>("echo", number, [&](std::exception_ptr, int) {
            on_strand += strand.running_in_this_thread() ? 1 : 0;
            ++called;
            if (--left == 0) {
                all.set_value();
            }
        });
    }
    CHECK(is_ready(all.get_future()));
    CHECK(on_strand == count);
    CHECK(called == count);
    client.close(asio::use_future).get();
}

TEST_CASE("a completion sends more than its socket takes at once") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add("length", [](const std::string& text) { return text.size(); });
    test::RoutePair pair(transport, routes);
    constexpr std::size_t size = 8 * 1024 * 1024;
    std::size_t arrived = 0;
    pair.run([&]() -> asio::awaitable<void> {
        const std::string large(size, 'x');
        for (int round = 0; round != 3; ++round) {
            const std::string small = "x";
            arrived += co_await pair.client().request<std::size_t>("length", small);
            arrived += co_await pair.client().request<std::size_t>("length", large);  // sent by the completion
        }
    });
    CHECK(arrived == 3 * (size + 1));
}

TEST_CASE("one thread calls completions in the order of the answers, and never within `request`") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add("echo", [](int value) { return value; });
    test::RoutePair pair(transport, routes);
    constexpr int count = 200;
    std::vector<int> order;
    bool asks = false;
    bool was_within = false;
    pair.run([&]() -> asio::awaitable<void> {
        for (int round = 0; round != count; ++round) {
            asks = true;
            pair.client().request<int>("echo", round, [&](std::exception_ptr, int value) {
                was_within = was_within || asks;
                order.push_back(value);
            });
            asks = false;
        }
        co_await test::until([&] { return order.size() == count; });
    });
    CHECK_FALSE(was_within);
    CHECK(std::ranges::is_sorted(order));
}

TEST_CASE("an exception of a completion leaves `run`, and the completions behind it are called") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add("echo", [](int value) { return value; });
    test::RoutePair pair(transport, routes);
    int called = 0;
    int thrown = 0;
    auto& context = pair.context;
    pair.run([&]() -> asio::awaitable<void> {
        for (int number = 0; number != 8; ++number) {
            pair.client().request<int>("echo", number, [&, number](std::exception_ptr, int) {
                ++called;
                if (number % 2 == 0) {
                    throw std::runtime_error("of a user");
                }
            });
        }
        while (called != 8 || thrown != 4) {
            try {
                context.poll_one();
            } catch (const std::runtime_error&) {
                ++thrown;
            }
        }
        co_return;
    });
    CHECK(called == 8);
    CHECK(thrown == 4);
}

}  // namespace completions

// Streams and topics on several threads: opened, read, written, cancelled and closed at the same time.
#include "support/pair.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace stream_threads {

using communica::Error;
using communica::Published;
using communica::Route;
using communica::Stream;
using communica::StreamWriter;
using communica::Topic;
using test::Routes;
using test::Transport;
using namespace std::chrono_literals;

namespace {

constexpr Route<Stream<int>(int)> count_to{"count"};
constexpr Route<int(Stream<int>)> sum{"sum"};
constexpr Route<Stream<Published<int>>()> ticks{"ticks"};

Routes routes(Topic<int>& topic) {
    Routes table;
    table.add(count_to, [](int last) -> Stream<int> {
        for (int number = 1; number <= last; ++number) {
            co_yield number;
        }
    });
    table.add(sum, [](Stream<int> numbers) -> asio::awaitable<int> {
        int total = 0;
        while (const auto number = co_await numbers.next()) {
            total += *number;
        }
        co_return total;
    });
    table.add(ticks, [&topic](communica::Context& context) { return topic.follow(context); });
    return table;
}

/// To the end, whatever that is.
asio::awaitable<void> read_out(Stream<int>& stream) {
    for (;;) {
        const auto item = co_await stream.try_next();
        if (!item || !*item) {
            co_return;
        }
    }
}

asio::awaitable<void> use_streams(test::RouteClient& client, int seed, std::atomic<int>& wrong) {
    for (int round = 0; round != 30; ++round) {
        auto stream = co_await client.open(count_to, 3'000);
        int read = 0;
        const int enough = (seed * 7 + round * 131) % 3'500;
        while (read < enough) {
            const auto item = co_await stream.next();
            if (!item) {
                break;
            }
            wrong += *item == ++read ? 0 : 1;
        }
        if (round % 3 == 0) {
            stream.cancel("enough");
        }
        auto upload = co_await client.open(sum);
        for (int number = 0; number != 500; ++number) {
            co_await upload.write(1);
        }
        if (round % 4 != 0) {
            const int total = co_await upload.finish();
            wrong += total == 500 ? 0 : 1;
        }
    }
}

}  // namespace

TEST_CASE("streams of one connection, on four threads") {
    const auto transport = GENERATE(test::transports_of({Transport::tcp, Transport::local, Transport::memory}));
    CAPTURE(transport);
    Topic<int> topic;
    asio::io_context context;
    test::Meeting meeting(transport);
    test::RouteServer server(context, meeting.at_server(), routes(topic));
    std::optional<test::RouteClient> client;
    std::atomic<int> wrong = 0;
    test::run_on_threads(context, 4, [&]() -> asio::awaitable<void> {
        co_await server.start();
        client.emplace(context, meeting.at_client(server), Routes(), test::quick_client());
        co_await client->connect();
        std::atomic<int> left = 4;
        for (int seed = 0; seed != 4; ++seed) {
            asio::co_spawn(context, use_streams(*client, seed, wrong), [&](const std::exception_ptr& error) {
                wrong += error ? 1 : 0;
                --left;
            });
        }
        asio::steady_timer timer(context);
        while (left != 0) {
            timer.expires_after(1ms);
            co_await timer.async_wait(asio::use_awaitable);
        }
        co_await client->close();
        co_await server.close();
    });
    CHECK(wrong == 0);
}

TEST_CASE("one writer for several threads, and a cancel from another") {
    asio::io_context context;
    test::Meeting meeting(Transport::local);
    Routes table;
    std::atomic<int> written = 0;
    table.add(count_to, [&](int each, StreamWriter<int> out) -> asio::awaitable<void> {
        std::vector<std::thread> threads;
        for (int thread = 0; thread != 3; ++thread) {
            threads.emplace_back([&, each]() mutable {
                for (int number = 0; number != each; ++number) {
                    out.write(number, [&](const std::exception_ptr& error) { written += error ? 0 : 1; });
                }
            });
        }
        for (auto& thread : threads) {
            thread.join();
        }
        co_return;
    });
    test::RouteServer server(context, meeting.at_server(), table);
    test::run_on_threads(context, 3, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server), Routes(), test::quick_client());
        auto stream = co_await client.open(count_to, 200);
        int read = 0;
        while (co_await stream.next()) {
            ++read;
        }
        CHECK(read == 600);
        auto cancelled = co_await client.open(count_to, 200);
        std::thread other([&] { cancelled.cancel(); });
        co_await read_out(cancelled);
        other.join();
        co_await client.close();
        co_await server.close();
    });
    CHECK(written >= 600);
}

TEST_CASE("a topic that several threads publish to, with subscribers that come and go") {
    Topic<int> topic({.capacity = 100'000});
    asio::io_context context;
    test::Meeting meeting(Transport::local);
    test::RouteServer server(context, meeting.at_server(), routes(topic));
    std::atomic<int> received = 0;
    std::atomic<bool> is_over = false;
    std::vector<std::thread> publishers;
    for (int thread = 0; thread != 2; ++thread) {
        publishers.emplace_back([&] {
            while (!is_over) {
                topic.publish(1);
                std::this_thread::yield();
            }
        });
    }
    test::run_on_threads(context, 3, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server), Routes(), test::quick_client());
        for (int round = 0; round != 20; ++round) {
            auto subscription = client.subscribe(ticks);
            for (int item = 0; item != 50; ++item) {
                received += (co_await subscription.next()).value();
            }
        }
        is_over = true;
        co_await client.close();
        co_await server.close();
    });
    is_over = true;
    for (auto& publisher : publishers) {
        publisher.join();
    }
    CHECK(received == 1'000);
}

TEST_CASE("entities that stop while streams are at work, on several threads") {
    Topic<int> topic;
    asio::io_context context;
    test::Meeting meeting(Transport::local);
    std::atomic<int> wrong = 0;
    test::run_on_threads(context, 4, [&]() -> asio::awaitable<void> {
        for (int round = 0; round != 20; ++round) {
            test::RouteServer server(context, meeting.at_server(), routes(topic));
            co_await server.start();
            auto client =
                std::make_unique<test::RouteClient>(context, meeting.at_client(server), Routes(), test::quick_client());
            std::atomic<int> left = 3;
            for (int reader = 0; reader != 3; ++reader) {
                auto stream = std::make_shared<Stream<int>>(co_await client->open(count_to, 1'000'000'000));
                asio::co_spawn(
                    context,
                    [](std::shared_ptr<Stream<int>> s) -> asio::awaitable<void> { co_await read_out(*s); }(stream),
                    [&](const std::exception_ptr& error) {
                        wrong += error ? 1 : 0;
                        --left;
                    });
            }
            if (round % 2 == 0) {
                client->stop();
            } else {
                server.stop();
            }
            asio::steady_timer timer(context);
            while (left != 0) {
                timer.expires_after(1ms);
                co_await timer.async_wait(asio::use_awaitable);
            }
            co_await client->close();
            client.reset();
            co_await server.close();
        }
    });
    CHECK(wrong == 0);
}

}  // namespace stream_threads

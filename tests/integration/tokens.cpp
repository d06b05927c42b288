#include "support/pair.hpp"

#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include <atomic>
#include <thread>

namespace tokens {

using communica::errc;
using communica::Error;
using test::error_of;
using test::RoutePair;
using test::Routes;

namespace {

Routes answering() {
    Routes routes;
    routes.add("echo", [](int number) { return number; });
    routes.add("fail", [](int) -> int { throw communica::RequesterError("no", 404); });
    return routes;
}

}  // namespace

TEST_CASE("a plain thread uses everything by futures") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::RouteServer server(context, meeting.at_server(), answering());
    auto work = asio::make_work_guard(context);
    std::thread thread([&] { context.run(); });

    server.start(asio::use_future).get();
    std::optional<test::RouteClient> client(std::in_place, context, meeting.at_client(server), answering(),
                                            test::quick_client());
    client->connect(communica::ConnectOptions{.timeout = test::patience}, asio::use_future).get();
    client->wait_connected(asio::use_future).get();
    CHECK(client->is_connected());
    CHECK(client->request<int>("echo", 7, asio::use_future).get() == 7);
    CHECK_THROWS_AS(client->request<int>("fail", 7, asio::use_future).get(), communica::RequesterError);
    CHECK(client->try_request<int>("echo", 7, asio::use_future).get().value() == 7);
    CHECK(client->try_request<int>("fail", 7, asio::use_future).get().error().status == 404);
    client->notify("echo", 7, asio::use_future).get();
    CHECK(server.client("client").request<int>("echo", 8, asio::use_future).get() == 8);
    CHECK(server.notify_all("echo", 8, asio::use_future).get() == 1);
    std::vector<std::future<int>> answers;
    for (int number = 0; number != 100; ++number) {
        answers.push_back(client->request<int>("echo", number, asio::use_future));
    }
    for (int number = 0; number != 100; ++number) {
        CHECK(answers[static_cast<std::size_t>(number)].get() == number);
    }
    client->close(asio::use_future).get();
    client.reset();
    server.close(asio::use_future).get();

    work.reset();
    thread.join();
}

TEST_CASE("completions by callback come later, once, on the entity's executor") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, answering());
    std::vector<std::string> events;

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        client.request<int>("echo", 7, [&](std::exception_ptr failure, int answer) {
            events.push_back(failure ? "failed" : "answered " + std::to_string(answer));
        });
        client.request<int>("fail", 7,
                            [&](std::exception_ptr failure, int) { events.push_back(Error::from(failure).message); });
        client.try_request<int>("fail", 7,
                                [&](communica::Result<int> result) { events.push_back(result.error().message); });
        client.notify("echo", 7,
                      [&](std::exception_ptr failure) { events.push_back(failure ? "failed" : "notified"); });
        events.push_back("called");
        co_await test::until([&] { return events.size() == 5; });
        CHECK(events.front() == "called");
        std::sort(events.begin(), events.end());
        CHECK(events == std::vector<std::string>{"answered 7", "called", "no", "no", "notified"});
    });
    CHECK(events.size() == 5);
}

TEST_CASE("detached operations take place, and failures that nobody awaits harm nothing") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    int calls = 0;
    Routes routes = answering();
    routes.add("count", [&](int) { return ++calls; });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        client.request<int>("count", 1, asio::detached);
        client.notify("count", 1, asio::detached);
        client.request<int>("fail", 1, asio::detached);
        CHECK_AWAITED(3, client.request<int>("count", 1));
    });
}

TEST_CASE("as_tuple gives errors as values") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, answering());

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        const auto [no_failure, answer] = co_await client.request<int>("echo", 7, communica::no_throw);
        CHECK_FALSE(no_failure);
        CHECK(answer == 7);
        const auto [failure, nothing] = co_await client.request<int>("fail", 7, communica::no_throw);
        CHECK(Error::from(failure).status == 404);
        CHECK(nothing == 0);
        const auto [notified] = co_await client.notify("echo", 7, communica::no_throw);
        CHECK_FALSE(notified);
    });
}

TEST_CASE("a completion bound to a strand runs on it") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, answering());
    const auto strand = asio::make_strand(pair.context);
    int on_strand = 0;
    int done = 0;

    pair.run([&]() -> asio::awaitable<void> {
        const auto count = [&](const auto&...) {
            ++done;
            on_strand += strand.running_in_this_thread() ? 1 : 0;
        };
        auto& client = pair.client();
        client.request<int>("echo", 7, asio::bind_executor(strand, count));
        client.request<int>("fail", 7, asio::bind_executor(strand, count));
        client.try_request<int>("echo", 7, asio::bind_executor(strand, count));
        client.notify("echo", 7, asio::bind_executor(strand, count));
        client.request<int>("\xff", 7, asio::bind_executor(strand, count));
        pair.server.notify_all("echo", 7, asio::bind_executor(strand, count));
        client.wait_connected(asio::bind_executor(strand, count));
        co_await test::until([&] { return done == 7; });
    });
    CHECK(on_strand == 7);
}

TEST_CASE("a completion bound to another io_context runs there, and keeps it at work until then") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, answering());
    asio::io_context other;
    std::thread::id where;
    std::atomic<int> answer = 0;

    pair.run([&]() -> asio::awaitable<void> {
        pair.client().request<int>("echo", 7, asio::bind_executor(other, [&](std::exception_ptr, int number) {
                                       where = std::this_thread::get_id();
                                       answer = number;
                                   }));
        std::thread thread([&] { other.run(); });
        const auto thread_id = thread.get_id();
        co_await test::until([&] { return answer == 7; });
        thread.join();
        CHECK(where == thread_id);
    });
}

TEST_CASE("a coroutine of another io_context asks, and stays there") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, answering());
    asio::io_context other;
    std::atomic<bool> done = false;
    int stayed = 0;
    int sum = 0;

    pair.run([&]() -> asio::awaitable<void> {
        asio::co_spawn(
            other,
            [&]() -> asio::awaitable<void> {
                const auto here = std::this_thread::get_id();
                for (int number = 1; number <= 100; ++number) {
                    sum += co_await pair.client().request<int>("echo", number);
                    stayed += std::this_thread::get_id() == here ? 1 : 0;
                }
            },
            [&](std::exception_ptr) { done = true; });
        std::thread thread([&] { other.run(); });
        co_await test::until([&] { return done.load(); });
        thread.join();
    });
    CHECK(sum == 5050);
    CHECK(stayed == 100);
}

TEST_CASE("what a completion throws leaves io_context::run, and the connection lives on") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::io_context context;
    const test::Meeting meeting(transport);
    test::RouteServer server(context, meeting.at_server(), answering());
    std::optional<test::RouteClient> client;
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        client.emplace(context, meeting.at_client(server), test::quick_client());
        co_await client->connect();
    });
    client->request<int>("echo", 1, [](std::exception_ptr, int) { throw std::out_of_range("from a completion"); });
    CHECK_THROWS_AS(test::run_out(context), std::out_of_range);
    test::run(context, [&]() -> asio::awaitable<void> {
        CHECK_AWAITED(2, client->request<int>("echo", 2));
        co_await client->close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("entities live on a strand or a thread pool as well") {
    asio::thread_pool pool(4);
    communica::MemoryConnector meeting;
    communica::RouteServer server(pool, meeting, answering());
    const auto strand = asio::make_strand(pool);
    std::atomic<int> on_strand = 0;
    Routes routes;
    routes.add("where", [&](int) {
        on_strand += strand.running_in_this_thread() ? 1 : 0;
        return 1;
    });
    communica::RouteClient client(strand, meeting, routes);

    server.start(asio::use_future).get();
    client.connect(asio::use_future).get();
    CHECK(server.request<int>("where", 1, asio::use_future).get() == 1);
    CHECK(on_strand == 1);
    std::promise<bool> completed_on_strand;
    client.request<int>(
        "echo", 1, [&](std::exception_ptr, int) { completed_on_strand.set_value(strand.running_in_this_thread()); });
    CHECK(completed_on_strand.get_future().get());
    client.close(asio::use_future).get();
    server.close(asio::use_future).get();
    pool.join();
}

}  // namespace tokens

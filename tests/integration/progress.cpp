// The progress of requests, from a handler to its requester.
#include "support/pair.hpp"

#include <array>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace progress_tests {

using communica::Context;
using communica::OnProgress;
using communica::RequestOptions;
using communica::Route;
using test::RoutePair;
using test::Routes;

namespace {

constexpr Route<int(int), communica::MsgpackSerializer> count{"count"};
constexpr Route<int(int)> plain{"plain"};
constexpr Route<bool()> asked{"asked"};

/// Reports 1 to `last`.
asio::awaitable<int> count_to(int last, Context& context) {
    for (int number = 1; number <= last; ++number) {
        context.progress(number);
        co_await asio::post(context.get_executor(), asio::use_awaitable);
    }
    co_return last;
}

Routes counting() {
    Routes routes;
    routes.add(count, count_to);
    routes.add(plain, [](int last, Context& context) {
        for (int number = 1; number <= last; ++number) {
            context.progress(number);
        }
        return last;
    });
    routes.add(asked, [](Context& context) { return context.wants_progress() || context.progress(1); });
    return routes;
}

}  // namespace

TEST_CASE("a requester hears how far its request is, before the answer") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    RoutePair pair(transport, counting());
    std::vector<int> heard;
    const OnProgress hear{[&](int number) { heard.push_back(number); }};
    pair.run([&]() -> asio::awaitable<void> {
        const RequestOptions options{.on_progress = &hear};
        for (const auto& requested : {3, 5}) {
            heard.clear();
            const int answer = co_await pair.client().request(count, requested, options);
            CHECK(answer == requested);
            CHECK(heard == (requested == 3 ? std::vector{1, 2, 3} : std::vector{1, 2, 3, 4, 5}));
            heard.clear();
            co_await pair.client().request(plain, requested, options);  // a handler that is no coroutine
            CHECK(heard == (requested == 3 ? std::vector{1, 2, 3} : std::vector{1, 2, 3, 4, 5}));
        }
        heard.clear();
        const int unheard = co_await pair.client().request(count, 3);
        CHECK(unheard == 3);
        CHECK(heard.empty());
        const bool is_asked = co_await pair.client().request(asked);
        CHECK_FALSE(is_asked);
    });
}

TEST_CASE("a server hears how far its client is with a request") {
    RoutePair pair(test::Transport::local, {}, counting());
    std::vector<int> heard;
    const OnProgress hear{[&](int number) { heard.push_back(number); }};
    pair.run([&]() -> asio::awaitable<void> {
        const RequestOptions options{.on_progress = &hear};
        co_await pair.server.client("client").request(count, 3, options);
        CHECK(heard == std::vector{1, 2, 3});
    });
}

TEST_CASE("progress is heard beside headers, interceptors and idempotence") {
    asio::io_context context;
    const test::Meeting meeting(test::Transport::memory);
    test::RouteServer server(context, meeting.at_server(), counting());
    int begun = 0;
    int ended = 0;
    auto client_options = test::quick_client();
    client_options.asking_interceptor = [&](communica::Asking& asking) -> communica::AskingEnd {
        ++begun;
        asking.set_header("trace", "4711");
        return [&](const communica::Error&) { ++ended; };
    };
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server), client_options);
        co_await client.connect();
        std::vector<double> heard;
        const OnProgress hear{[&](const double& number) { heard.push_back(number); }};
        const std::array headers{communica::Header{"a", "b"}};
        const RequestOptions options{.idempotent = true, .headers = headers, .on_progress = &hear};
        co_await client.request(count, 2, options);
        CHECK(heard == std::vector{1., 2.});
        CHECK(begun == 1);
        CHECK(ended == 1);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE(
    "a progress of another type is dropped, and an exception of the requester's function does not end the connection") {
    RoutePair pair(test::Transport::local, counting());
    int heard = 0;
    const OnProgress other{[&](const std::string&) { ++heard; }};
    const OnProgress throws{[&](int number) {
        ++heard;
        if (number == 2) {
            throw std::runtime_error("of the requester");
        }
    }};
    pair.run([&]() -> asio::awaitable<void> {
        const RequestOptions options{.on_progress = &other};
        const int answer = co_await pair.client().request(count, 3, options);
        CHECK(answer == 3);
        CHECK(heard == 0);
    });
    asio::io_context& context = pair.context;
    std::string thrown;
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await pair.server.start();
        test::RouteClient client(context, pair.meeting.at_client(pair.server), test::quick_client("other"));
        co_await client.connect();
        bool done = false;
        const RequestOptions options{.on_progress = &throws};
        client.request(plain, 3, options, [&](const std::exception_ptr&, int) { done = true; });
        while (!done) {
            try {
                context.poll();
            } catch (const std::runtime_error& e) {
                thrown = e.what();
            }
        }
        CHECK(heard == 3);
        CHECK(thrown == "of the requester");
        co_await client.close();
        co_await pair.server.close();
    });
}

TEST_CASE("a handler that reports much holds no memory for it, and its answer comes") {
    Routes routes;
    int sent = 0;
    routes.add(plain, [&](int last, Context& context) {  // nothing is written before it returns
        for (int number = 1; number <= last; ++number) {
            sent += context.progress(std::string(1000, 'a')) ? 1 : 0;
        }
        return last;
    });
    RoutePair pair(test::Transport::tcp, routes);
    int heard = 0;
    const OnProgress hear{[&](const std::string&) { ++heard; }};
    pair.run([&]() -> asio::awaitable<void> {
        const RequestOptions options{.on_progress = &hear};
        const int answer = co_await pair.client().request(plain, 1000, options);
        CHECK(answer == 1000);
        CHECK(heard > 0);
        CHECK(heard == sent);
        CHECK(sent * 1000 <= 64 * 1024);
    });
}

}  // namespace progress_tests

// The deadlines of streams, which either side may set.
#include "support/pair.hpp"

#include <chrono>
#include <system_error>

namespace stream_deadlines {

using communica::errc;
using communica::Route;
using communica::Stream;
using communica::StreamWriter;
using test::RoutePair;
using test::Routes;
using test::Transport;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

constexpr Route<Stream<int>()> silent{"silent"};
constexpr Route<int(Stream<int>)> sum{"sum"};
constexpr Route<Stream<int>(Stream<int>)> echo{"echo"};

/// How handlers ended.
struct Ends {
    test::Event done;
    std::error_code error;

    void note() {
        try {
            throw;
        } catch (const std::system_error& e) {
            error = e.code();
        }
        done.set();
    }
};

template <class T>
asio::awaitable<std::error_code> code_of(asio::awaitable<T> operation) {
    try {
        co_await std::move(operation);
    } catch (const std::system_error& e) {
        co_return e.code();
    }
    co_return std::error_code();
}

/// Handlers that end when their stream does.
Routes routes_with(Ends& ends) {
    Routes routes;
    routes.add(silent, [&ends](StreamWriter<int> writer, communica::Context& context) -> asio::awaitable<void> {
        asio::steady_timer forever(context.get_executor(), 24h);
        const auto [cancelled] = co_await forever.async_wait(communica::no_throw);
        CHECK(cancelled == asio::error::operation_aborted);
        co_await asio::this_coro::reset_cancellation_state();
        ends.error = co_await code_of(writer.write(1));
        ends.done.set();
    });
    routes.add(sum, [&ends](Stream<int> numbers) -> asio::awaitable<int> {
        int total = 0;
        try {
            while (const auto number = co_await numbers.next()) {
                total += *number;
            }
        } catch (...) {
            ends.note();
        }
        co_return total;
    });
    routes.add(echo, [](Stream<int> numbers) -> Stream<int> {
        while (const auto number = co_await numbers.next()) {
            co_yield *number;
        }
    });
    return routes;
}

}  // namespace

TEST_CASE("a stream whose time is over ends with a timeout on both sides") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Ends ends;
    RoutePair pair(transport, routes_with(ends));
    pair.run([&]() -> asio::awaitable<void> {
        auto numbers = co_await pair.client().open(sum);
        const auto begin = Clock::now();
        numbers.set_time_limit(1h);
        co_await numbers.write(1);
        const auto finished = co_await code_of(numbers.finish());
        CHECK(finished == std::error_code());  // in time
        auto late = co_await pair.client().open(sum);
        late.set_time_limit(30ms);
        co_await ends.done.wait();
        CHECK(ends.error == errc::timeout);
        CHECK(Clock::now() - begin >= 30ms);
        const auto failed = co_await code_of(late.finish());
        CHECK(failed == errc::timeout);
    });
}

TEST_CASE("a stream without items for too long ends, and items make it last") {
    Ends ends;
    RoutePair pair(Transport::local, routes_with(ends));
    pair.run([&]() -> asio::awaitable<void> {
        auto lines = co_await pair.client().open(echo);
        const auto begin = Clock::now();
        lines.set_idle_limit(600ms);
        asio::steady_timer timer(pair.context, 350ms);
        co_await timer.async_wait(asio::use_awaitable);
        co_await lines.write(7);
        const auto back = co_await lines.next();
        const auto last = Clock::now();
        CHECK(back == 7);
        const auto ended = co_await code_of(lines.next());
        CHECK(ended == errc::timeout);
        CHECK(Clock::now() - begin >= 950ms);
        CHECK(Clock::now() - last < 20s);

        auto removed = co_await pair.client().open(silent);
        removed.set_idle_limit(1ms);
        removed.set_idle_limit(Clock::duration::max());
        removed.set_time_limit(1h);
        removed.set_time_limit(50ms);
        const auto over = co_await code_of(removed.next());
        CHECK(over == errc::timeout);
        co_await ends.done.wait();
        CHECK(ends.error == errc::timeout);
    });
}

TEST_CASE("a server limits the time of its clients' streams") {
    const bool is_idle = GENERATE(false, true);
    CAPTURE(is_idle);
    Ends ends;
    asio::io_context context;
    const test::Meeting meeting(Transport::tcp);
    communica::ServerOptions options;
    (is_idle ? options.limits.stream_idle_limit : options.limits.stream_time_limit) = 40ms;
    test::RouteServer server(context, meeting.at_server(), routes_with(ends), options);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server), test::quick_client());
        co_await client.connect();
        auto numbers = co_await client.open(sum);
        co_await numbers.write(1);
        co_await ends.done.wait();
        CHECK(ends.error == errc::timeout);
        const auto failed = co_await code_of(numbers.finish());
        CHECK(failed == errc::timeout);
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);  // no timer is left
}

TEST_CASE("a stream that ends before its deadline leaves no timer behind") {
    asio::io_context context;
    Ends ends;
    const test::Meeting meeting(Transport::memory);
    test::RouteServer server(context, meeting.at_server(), routes_with(ends));
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        test::RouteClient client(context, meeting.at_client(server), test::quick_client());
        co_await client.connect();
        auto numbers = co_await client.open(sum);
        numbers.set_time_limit(1h);
        numbers.set_idle_limit(1h);
        co_await numbers.finish();
        numbers.set_time_limit(1ms);  // too late
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

}  // namespace stream_deadlines

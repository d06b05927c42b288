// Coroutines that answer one request after another: none may notice what was before it.
#include "support/pair.hpp"

#include <asio/thread_pool.hpp>

namespace workers {

using communica::Context;
using communica::Error;
using test::RoutePair;
using test::Routes;
using namespace std::chrono_literals;

namespace {

const std::error_code aborted = make_error_code(asio::error::operation_aborted);

asio::awaitable<void> suspend() { co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable); }

/// Suspends until it is cancelled, unless the answer is to come at once.
struct Waiting {
    asio::awaitable<int> operator()(int number) {
        if (number > 0) {
            co_return number;
        }
        ++waiting;
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        try {
            co_await never.async_wait(asio::use_awaitable);
        } catch (const asio::system_error& error) {
            cancelled += error.code() == aborted ? 1 : 0;
            throw;
        }
        co_return number;
    }
    static inline int waiting = 0;
    static inline int cancelled = 0;
};

/// Asks `route` with 0, for a handler that waits, and cancels it there.
template <class Client>
asio::awaitable<void> cancel_one(Client& client, std::string route) {
    const int before = Waiting::waiting;
    const int cancelled_before = Waiting::cancelled;
    asio::cancellation_signal signal;
    std::error_code code;
    client.template request<int>(route, 0,
                                 asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure, int) {
                                     code = failure ? Error::from(failure).code : std::error_code();
                                 }));
    co_await test::until([&] { return Waiting::waiting != before; });
    signal.emit(asio::cancellation_type::terminal);
    co_await test::until([&] { return code && Waiting::cancelled != cancelled_before; });
    CHECK(code == aborted);
}

}  // namespace

TEST_CASE("handlers that end or throw, before or after they suspend, are all answered") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add("sum", [](std::string how) -> asio::awaitable<std::string> {
        if (how.starts_with("later")) {
            co_await suspend();
        }
        if (how.ends_with("throw")) {
            throw communica::RequesterError("as was asked: " + how);
        }
        co_return how;
    });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        for (int round = 0; round != 20; ++round) {
            for (const std::string how : {"now", "later", "now, throw", "later, throw"}) {
                int answers = 0;
                for (int i = 0; i != 5; ++i) {  // more at once than wait for work, at first
                    client.request<std::string>("sum", how, [&, how](std::exception_ptr failure, std::string answer) {
                        const std::string text = failure ? Error::from(failure).message : answer;
                        answers += text == (how.ends_with("throw") ? "as was asked: " + how : how) ? 1 : 0;
                    });
                }
                co_await test::until([&] { return answers == 5; });
            }
        }
    });
}

TEST_CASE("a handler is cancelled where it first suspends, and the next is not") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add("wait", Waiting());
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        for (int round = 1; round != 5; ++round) {
            CHECK_AWAITED(round, client.request<int>("wait", round));
            co_await cancel_one(client, "wait");
        }
    });
}

TEST_CASE("what a handler changes about its cancellation ends with it") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    Routes routes;
    routes.add("wait", [](int number) -> asio::awaitable<int> {
        if (number != 0) {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await asio::this_coro::throw_if_cancelled(false);
            co_return number;
        }
        const bool throws = co_await asio::this_coro::throw_if_cancelled();
        CHECK(throws);
        co_return co_await Waiting()(number);
    });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        CHECK_AWAITED(1, client.request<int>("wait", 1));
        co_await cancel_one(client, "wait");
    });
}

TEST_CASE("a copy of a context says the same after its handler") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    std::vector<Context> copies;
    Routes routes;
    routes.add("wait", [&copies](int number, Context& context) -> asio::awaitable<int> {
        copies.push_back(context);
        return Waiting()(number);
    });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        CHECK_AWAITED(1, client.request<int>("wait", 1));
        co_await cancel_one(client, "wait");
        REQUIRE(copies.size() == 2);
        CHECK_FALSE(copies[0].is_cancelled());
        CHECK(copies[1].is_cancelled());
        copies.clear();
    });
}

TEST_CASE("a handler that goes on elsewhere is answered from there") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::thread_pool pool(1);
    const asio::any_io_executor elsewhere = pool.get_executor();
    Routes routes;
    routes.add("elsewhere", [elsewhere](int number) -> asio::awaitable<int> {
        co_await asio::post(elsewhere, asio::bind_executor(elsewhere, asio::use_awaitable));
        co_return number;
    });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        for (int round = 0; round != 200; ++round) {
            int answers = 0;
            for (int i = 0; i != 3; ++i) {
                client.request<int>("elsewhere", i, [&, i](std::exception_ptr failure, int answer) {
                    answers += !failure && answer == i ? 1 : 0;
                });
            }
            co_await test::until([&] { return answers == 3; });
        }
    });
    pool.join();
}

}  // namespace workers

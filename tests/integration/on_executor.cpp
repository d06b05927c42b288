#include "support/pair.hpp"

#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>

#include <array>
#include <atomic>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace on_executor {

/// A text that knows on which thread it was loaded.
struct Traced {
    std::string text;
    static inline std::atomic<std::thread::id> loaded_on = std::thread::id();
};

}  // namespace on_executor

template <>
struct communica::Converter<on_executor::Traced> {
    static std::string dump(const on_executor::Traced& value) { return value.text; }
    static on_executor::Traced load(const std::string& text) {
        on_executor::Traced::loaded_on = std::this_thread::get_id();
        return {text};
    }
};

namespace on_executor {

using communica::errc;
using communica::Error;
using communica::on_executor;
using test::error_of;
using test::RoutePair;
using test::Routes;

TEST_CASE("a handler that blocks on a thread pool holds up nobody") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    std::promise<int> release;
    asio::thread_pool pool(1);
    Routes routes;
    routes.add("block",
               on_executor(pool, [&](std::string text) { return text + std::to_string(release.get_future().get()); }));
    routes.add("release", [&](int number) { release.set_value(number); });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        std::optional<std::string> answer;
        pair.client().request<std::string>("block", "for ",
                                           [&](std::exception_ptr, std::string text) { answer = text; });
        co_await pair.client().request("release", 7);
        co_await test::until([&] { return answer.has_value(); });
        CHECK(answer == "for 7");
    });
}

TEST_CASE("handlers on a thread pool run at the same time") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    constexpr int count = 4;
    asio::thread_pool pool(count);
    std::mutex mutex;
    std::set<std::thread::id> threads;
    std::condition_variable changed;
    Routes routes;
    routes.add("meet", on_executor(pool.get_executor(), [&](const int& number) {
                   std::unique_lock lock(mutex);
                   threads.insert(std::this_thread::get_id());
                   changed.notify_all();
                   const bool met = changed.wait_for(lock, test::patience, [&] { return threads.size() == count; });
                   return met ? number : -1;
               }));
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        int sum = 0;
        int done = 0;
        for (int number = 1; number <= count; ++number) {
            pair.client().request<int>("meet", number, [&](std::exception_ptr, int answer) {
                ++done;
                sum += answer;
            });
        }
        co_await test::until([&] { return done == count; });
        CHECK(sum == 1 + 2 + 3 + 4);
    });
    CHECK(threads.count(std::this_thread::get_id()) == 0);
}

TEST_CASE(
    "a cancelled request waits for its running call on a thread pool, and is not called if it still waits for a "
    "thread") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    constexpr int threads = 2;
    asio::thread_pool pool(threads);
    std::promise<void> release;
    std::atomic<int> begun = 0;
    std::atomic<int> ended = 0;
    Routes routes;
    routes.add("block", on_executor(pool, [&, released = release.get_future().share()](int number) {
                   ++begun;
                   released.wait();
                   ++ended;
                   return number;
               }));
    bool waits = false;
    bool is_cancelled = false;
    routes.add("wait", [&](int number) -> asio::awaitable<int> {
        asio::steady_timer timer(co_await asio::this_coro::executor, test::patience);
        waits = true;
        const auto [error] = co_await timer.async_wait(communica::no_throw);
        is_cancelled = error == asio::error::operation_aborted;
        co_return number;
    });
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        std::array<asio::cancellation_signal, threads + 2> signals;
        int cancelled = 0;
        for (asio::cancellation_signal& signal : signals) {
            pair.client().request<int>(
                &signal == &signals.back() ? "wait" : "block", 1,
                asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure, int) {
                    cancelled += failure && Error::from(failure).code == asio::error::operation_aborted ? 1 : 0;
                }));
        }
        co_await test::until([&] { return begun == threads && waits; });
        for (asio::cancellation_signal& signal : signals) {
            signal.emit(asio::cancellation_type::terminal);
        }
        co_await test::until([&] { return is_cancelled; });  // the last of them
        release.set_value();
        CHECK_AWAITED(4, pair.client().request<int>("block", 4));
        co_await test::until([&] { return cancelled == threads + 2 && ended == threads + 1; });
        CHECK(begun == threads + 1);
    });
}

TEST_CASE("a handler on a thread pool may take several values") {
    asio::thread_pool pool(1);
    Routes routes;
    routes.add("repeat", on_executor(pool, [](const std::string& text, int times) {
                   std::string all;
                   for (; times != 0; --times) {
                       all += text;
                   }
                   return all;
               }));
    RoutePair pair(test::Transport::memory, routes);
    pair.run([&]() -> asio::awaitable<void> {
        const std::pair<std::string, int> values("ab", 3);
        CHECK_AWAITED("ababab", pair.client().request<std::string>("repeat", values));
    });
}

TEST_CASE("a handler on a thread pool may take everything, give nothing and throw") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    asio::thread_pool pool(2);
    std::string seen;
    Routes routes;
    routes.add("nothing", on_executor(pool, [&] { seen = "nothing"; }))
        .add("all", on_executor(pool,
                                [](std::string text, communica::Context& context, communica::RoutePeer<>& peer) {
                                    return text + " " + context.route() + " " + peer.id();
                                }))
        .add("requester", on_executor(pool, [](int) -> int { throw communica::RequesterError("no", 1); }))
        .add("other", on_executor(pool, [](int) { throw std::runtime_error("odd"); }));
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        co_await client.request<void>("nothing", 1);
        CHECK(seen == "nothing");
        CHECK_AWAITED("x all client", client.request<std::string>("all", "x"));
        const Error requester = co_await error_of(client.request<int>("requester", 1));
        CHECK(requester.kind == Error::Kind::requester);
        CHECK(requester.status == 1);
        const Error other = co_await error_of(client.request<int>("other", 1));
        CHECK(other.kind == Error::Kind::unknown);
        CHECK(other.message == "odd");
    });
}

TEST_CASE(
    "a value is loaded on the thread pool, also under a typed route, and one that does not load is the requester's") {
    const auto transport = GENERATE(test::every_transport());
    CAPTURE(transport);
    static constexpr communica::Route<std::string(Traced)> typed{"typed"};
    asio::thread_pool pool(1);
    Routes routes;
    routes.add("plain", on_executor(pool, [](const Traced& traced) { return traced.text; }))
        .add(typed, on_executor(pool, [](Traced traced) { return traced.text; }))
        .add("number", on_executor(pool, [](int number) { return number; }));
    RoutePair pair(transport, routes);

    pair.run([&]() -> asio::awaitable<void> {
        auto& client = pair.client();
        for (const std::string& text : {std::string("short"), std::string(200'000, 'x')}) {
            const Traced traced{text};
            Traced::loaded_on = std::thread::id();
            CHECK_AWAITED(text, client.request<std::string>("plain", text));
            CHECK(Traced::loaded_on != std::thread::id());
            CHECK(Traced::loaded_on != std::this_thread::get_id());
            Traced::loaded_on = std::thread::id();
            CHECK_AWAITED(text, client.request(typed, traced));
            CHECK(Traced::loaded_on != std::thread::id());
            CHECK(Traced::loaded_on != std::this_thread::get_id());
        }
        const Error unloadable = co_await error_of(client.request<int>("number", "seven"));
        CHECK(unloadable.kind == Error::Kind::serializer);
        CHECK(unloadable.message.ends_with("got \"seven\""));
        CHECK_AWAITED(7, client.request<int>("number", 7));
    });
}

TEST_CASE("a handler that still blocks on a thread pool while its client closes and connects again ends in peace") {
    const auto transport = GENERATE(test::lasting_transports());
    CAPTURE(transport);
    std::promise<void> release;
    std::atomic<bool> begun = false;
    asio::thread_pool pool(1);
    Routes routes;
    routes.add("block", on_executor(pool, [&](int number) {
                   begun = true;
                   release.get_future().wait();
                   return number;
               }));
    routes.add("echo", [](int number) { return number; });
    RoutePair pair(transport, {}, routes);

    pair.run([&]() -> asio::awaitable<void> {
        std::vector<std::error_code> endings;
        pair.server.client("client").request<int>(
            "block", 1, [&](std::exception_ptr failure, int) { endings.push_back(Error::from(failure).code); });
        co_await test::until([&] { return begun.load(); });
        co_await pair.client().close();
        co_await pair.client().connect();
        CHECK_AWAITED(3, pair.server.request<int>("echo", 3));
        release.set_value();
        CHECK_AWAITED(4, pair.server.request<int>("echo", 4));
        CHECK(endings == std::vector<std::error_code>{errc::closed});  // and not by what the thread still came to
    });
}

}  // namespace on_executor

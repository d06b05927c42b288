// Runs coroutines in tests: until they are done, or until a deadline that fails the test.
#pragma once

#include <communica/asio.hpp>
#include <communica/error.hpp>

#include <asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace test {

using namespace std::chrono_literals;

/// How long a test waits for what has to happen. Long, as sanitizers and busy machines are slow.
inline constexpr std::chrono::seconds patience{60};

/// How a coroutine ended. Shared with its completion, which may come after the test gave up.
struct Ending {
    bool done = false;
    std::exception_ptr exception = {};
};

/// Not by itself a template: for each further type of coroutine that is spawned Asio compiles forty functions.
inline std::shared_ptr<Ending> spawn(asio::io_context& context, asio::awaitable<void> coroutine) {
    auto ending = std::make_shared<Ending>();
    asio::co_spawn(context, std::move(coroutine), [ending](std::exception_ptr exception) {
        ending->done = true;
        ending->exception = std::move(exception);
    });
    return ending;
}

/// Runs `context` until the coroutine that `coroutine()` gives is done. Throws what it threw. `coroutine` may be a
/// lambda that captures: it lives as long as its coroutine.
template <class F>
void run(asio::io_context& context, F coroutine, std::chrono::steady_clock::duration deadline = patience) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    const auto ending = spawn(context, coroutine());
    context.restart();
    while (!ending->done && context.run_one_until(end) != 0) {
    }
    if (!ending->done) {
        throw std::runtime_error("the coroutine was not done at its deadline");
    }
    if (ending->exception) {
        std::rethrow_exception(ending->exception);
    }
}

/// Runs `context` until nothing is left to do: what a test that closed everything can expect.
inline void run_out(asio::io_context& context, std::chrono::steady_clock::duration deadline = patience) {
    context.restart();
    context.run_until(std::chrono::steady_clock::now() + deadline);
    if (!context.stopped()) {
        throw std::runtime_error("something is still at work after everything was closed");
    }
}

/// Runs `context` on several threads until the coroutine is done and nothing is left to do.
template <class F>
void run_on_threads(asio::io_context& context, int threads, F coroutine,
                    std::chrono::steady_clock::duration deadline = patience) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    const auto ending = spawn(context, coroutine());
    context.restart();
    std::vector<std::thread> running;
    for (int thread = 0; thread != threads; ++thread) {
        running.emplace_back([&context, end] { context.run_until(end); });
    }
    for (auto& thread : running) {
        thread.join();
    }
    if (!ending->done) {
        throw std::runtime_error("the coroutine was not done at its deadline");
    }
    if (ending->exception) {
        std::rethrow_exception(ending->exception);
    }
    if (!context.stopped()) {
        throw std::runtime_error("something is still at work after everything was closed");
    }
}

/// Something that happens once and can be awaited. For one thread.
class Event {
 public:
    void set() {
        state_->set = true;
        for (asio::steady_timer* timer : state_->waiting) {
            timer->cancel();
        }
    }
    asio::awaitable<void> wait() const { return wait_for(state_); }

 private:
    struct State {
        bool set = false;
        std::set<asio::steady_timer*> waiting = {};
    };

    struct Waiter {
        Waiter(std::shared_ptr<State> s, const asio::any_io_executor& executor)
            : state(std::move(s)), timer(executor, asio::steady_timer::time_point::max()) {
            state->waiting.insert(&timer);
        }
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        ~Waiter() { state->waiting.erase(&timer); }

        std::shared_ptr<State> state;
        asio::steady_timer timer;
    };

    static asio::awaitable<void> wait_for(std::shared_ptr<State> state) {
        Waiter waiter(std::move(state), co_await asio::this_coro::executor);
        while (!waiter.state->set) {
            co_await waiter.timer.async_wait(communica::no_throw);
        }
    }

    std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// Waits for what nothing tells of. Other work of the context goes on meanwhile.
template <class Predicate>
asio::awaitable<void> until(Predicate predicate) {
    const auto executor = co_await asio::this_coro::executor;
    while (!predicate()) {
        co_await asio::post(executor, asio::use_awaitable);
    }
}

/// Runs `coroutine(number)` on so many threads, each with an io_context of its own, until all are done.
template <class F>
asio::awaitable<void> run_on_threads(int threads, F coroutine) {
    std::atomic<int> at_work = threads;
    std::vector<std::jthread> running;
    for (int thread = 0; thread != threads; ++thread) {
        running.emplace_back([&, thread] {
            asio::io_context own;
            asio::co_spawn(own, coroutine(thread), asio::detached);
            own.run();
            --at_work;
        });
    }
    co_await until([&] { return at_work == 0; });
}

/// The error that an operation ends with; one without a code if there was none.
template <class T>
asio::awaitable<communica::Error> error_of(asio::awaitable<T> operation) {
    communica::Error error;
    try {
        (void)co_await std::move(operation);
    } catch (...) {
        error = communica::Error::from(std::current_exception());
    }
    co_return error;
}

}  // namespace test

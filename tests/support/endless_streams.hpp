// Streams that go on until somebody ends them.
#pragma once

#include "run.hpp"

#include <communica/communica.hpp>

#include <chrono>
#include <list>
#include <map>
#include <system_error>
#include <utility>

namespace test {

/// What a side sees of its streams. Outlives them.
struct StreamsSeen {
    static constexpr int kinds = 3;  ///< that `open_endless` opens

    int opened = 0;   ///< by this side
    int running = 0;  ///< by either
    int flowing = 0;  ///< that have brought some items, or sent them
    std::map<std::error_code, int> ends = {};

    /// Counts items of one stream.
    void note_item(int& items) { flowing += ++items == 5 ? 1 : 0; }
};

inline constexpr communica::Route<communica::Stream<int>()> endless_down{"down"};
inline constexpr communica::Route<int(communica::Stream<int>)> endless_up{"up"};
inline constexpr communica::Route<communica::Stream<int>(communica::Stream<int>)> endless_echo{"both ways"};

// NOLINTBEGIN(*-reference-coroutine-parameters): they outlive the coroutines, or await them

/// Runs one side of a stream, and keeps how it ended.
inline asio::awaitable<void> watch_stream(asio::awaitable<void> stream, StreamsSeen& seen) {
    ++seen.running;
    const communica::Error error = co_await error_of(std::move(stream));
    --seen.running;
    ++seen.ends[error.code];
}

inline asio::awaitable<void> read_endless(communica::Stream<int>& stream, StreamsSeen& seen) {
    for (int items = 0; co_await stream.next(); seen.note_item(items)) {
    }
}
/// An item in each `pause`.
template <class Writer>
asio::awaitable<void> write_endless(Writer& writer, StreamsSeen& seen, std::chrono::milliseconds pause) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (int items = 0;; seen.note_item(items)) {
        co_await writer.write(items);
        timer.expires_after(pause);
        co_await timer.async_wait(communica::no_throw);
        co_await asio::this_coro::reset_cancellation_state();  // the write says why it was cancelled
    }
}

template <class Asker>
asio::awaitable<void> endless_once(Asker& asker, StreamsSeen& seen, int kind) {
    if (kind == 0) {
        auto stream = co_await asker.open(endless_down);
        ++seen.opened;
        co_await read_endless(stream, seen);
    } else if (kind == 1) {
        auto stream = co_await asker.open(endless_up);
        ++seen.opened;
        co_await write_endless(stream, seen, 0ms);
    } else {
        auto stream = co_await asker.open(endless_echo);
        ++seen.opened;
        for (int items = 0;; seen.note_item(items)) {
            co_await stream.write(items);
            co_await stream.next();
        }
    }
}

/// Opens so many streams of each kind, and completes when they are open. `asker` outlives them.
template <class Asker>
asio::awaitable<void> open_endless(Asker& asker, StreamsSeen& seen, int count) {
    const auto executor = co_await asio::this_coro::executor;
    const int goal = seen.opened + StreamsSeen::kinds * count;
    for (int number = 0; number != StreamsSeen::kinds * count; ++number) {
        auto stream = endless_once(asker, seen, number % StreamsSeen::kinds);
        asio::co_spawn(executor, watch_stream(std::move(stream), seen), asio::detached);
    }
    co_await until([&] { return seen.opened == goal; });
}

// NOLINTEND(*-reference-coroutine-parameters)

/// Serves such streams, and opens them towards whoever asks for it.
inline void add_endless(communica::RouteTable<>& routes, StreamsSeen& seen) {
    using communica::Stream;
    using communica::StreamWriter;
    routes.add(endless_down, [&seen](StreamWriter<int> writer) -> asio::awaitable<void> {
        auto writing = write_endless(writer, seen, 10ms);
        co_await watch_stream(std::move(writing), seen);
    });
    routes.add(endless_up, [&seen](Stream<int> stream) -> asio::awaitable<int> {
        auto reading = read_endless(stream, seen);
        co_await watch_stream(std::move(reading), seen);
        co_return 0;
    });
    routes.add(endless_echo, [&seen](Stream<int> stream, StreamWriter<int> writer) -> asio::awaitable<void> {
        const auto echo = [](Stream<int>& in, StreamWriter<int>& out, StreamsSeen& all) -> asio::awaitable<void> {
            for (int items = 0;; all.note_item(items)) {
                const auto item = co_await in.next();
                co_await out.write(item.value());
            }
        };
        auto echoing = echo(stream, writer, seen);
        co_await watch_stream(std::move(echoing), seen);
    });
    routes.add("open streams", [&seen](int count, communica::RoutePeer<>& caller) -> asio::awaitable<void> {
        static std::list<communica::RoutePeer<>> callers;  // outlive their streams
        auto opening = open_endless(callers.emplace_back(caller), seen, count);
        co_await std::move(opening);
    });
}

}  // namespace test

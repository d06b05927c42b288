// Waits until connections have delivered what has arrived.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <utility>

namespace communica::entities {

/// Calls `done` on the executor of `connection`, once all messages that have arrived are passed to its receiver, or it
/// has ended. No transport reports that moment, and a report would cost every read. So it asks in each round of the
/// event loop, from the 64th on every millisecond.
inline void when_delivered(const std::shared_ptr<Connection>& connection, const std::function<void()>& done,
                           int rounds = 64) {
    try {
        auto ask = [connection, done, rounds] {
            connection->has_undelivered() ? when_delivered(connection, done, std::max(rounds - 1, 0)) : done();
        };
        if (rounds != 0) {
            return asio::post(connection->get_executor(), base::Task(std::move(ask)));
        }
        const auto timer =
            std::make_shared<asio::steady_timer>(connection->get_executor(), std::chrono::milliseconds{1});
        timer->async_wait(base::WaitTask([timer, ask](asio::error_code) { ask(); }));
    } catch (const std::bad_alloc&) {  // without memory there is no wait
        done();
    }
}

/// Returns a count of the connections, a map's values, that have messages to deliver. Calls `changed` after each change.
template <class Connections>
std::shared_ptr<const std::atomic<std::size_t>> count_undelivered(const Connections& connections,
                                                                  const std::function<void()>& changed) {
    auto count = std::make_shared<std::atomic<std::size_t>>(connections.size());
    for (const auto& [key, connection] : connections) {
        when_delivered(connection, [count, changed] {
            --*count;
            changed();
        });
    }
    return count;
}

}  // namespace communica::entities

// Waits until connections have delivered what has arrived.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>

namespace communica::entities {

/// Calls `done` on the executor of `connection`, once all messages that have arrived are passed to its receiver, or it
/// has ended. Asks again in each round of the event loop: no transport reports that moment, and a report would cost
/// every read.
inline void when_delivered(const std::shared_ptr<Connection>& connection, const std::function<void()>& done) {
    try {
        asio::post(connection->get_executor(), base::Task([connection, done] {
                       connection->has_undelivered() ? when_delivered(connection, done) : done();
                   }));
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

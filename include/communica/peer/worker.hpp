// What a coroutine does that answers one call after another.
#pragma once

#include "../asio.hpp"
#include "idle_workers.hpp"
#include "peer.hpp"
#include "reply.hpp"

#include <exception>
#include <memory>
#include <utility>

namespace communica::peer {

/// Starts the coroutine of a worker that has none, at once, in this call. It can be cancelled by its call's signal.
inline void start_worker(const Call& call, asio::cancellation_slot slot, asio::awaitable<void> work) {
    asio::co_spawn(call.connection->get_executor(), std::move(work),
                   asio::bind_cancellation_slot(slot, [](const std::exception_ptr&) {}));
}

/// Whether the worker of a call that has ended may wait for another, in the state of one that has just been started.
inline std::shared_ptr<IdleWorkers> place_to_wait(const std::shared_ptr<Call>& call) {
    auto idle = call->idle.lock();
    return idle && idle->may_wait(call) ? std::move(idle) : nullptr;
}

}  // namespace communica::peer

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

/// Starts the coroutine of a worker that has none, at once, in this call. It can be cancelled by its call's signal, which
/// Asio looks at until the completion handler is called: after the coroutine's frame is gone, so that is an owner too.
inline void start_worker(std::shared_ptr<Call> call, asio::awaitable<void> work) {
    const auto executor = call->connection->get_executor();
    const auto slot = call->signal.slot();
    asio::co_spawn(executor, std::move(work),
                   asio::bind_cancellation_slot(slot, [call = std::move(call)](const std::exception_ptr&) {}));
}

/// Whether the worker of a call that has ended may wait for another, in the state of one that has just been started.
inline std::shared_ptr<IdleWorkers> place_to_wait(const std::shared_ptr<Call>& call) {
    auto idle = call->idle.lock();
    return idle && idle->may_wait(call) ? std::move(idle) : nullptr;
}

}  // namespace communica::peer

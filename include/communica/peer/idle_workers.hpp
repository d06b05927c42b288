// Worker coroutines that have answered a call and wait for the next.
#pragma once

#include "../asio.hpp"
#include "../budget.hpp"
#include "inflight_call.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace communica::peer {

/// A call, and the idle coroutine that answers it. Without one, a coroutine has to be started.
struct Worker {
    using Resume = asio::async_result<asio::use_awaitable_t<>, void(void*)>::handler_type;

    explicit Worker(std::shared_ptr<InflightCall> used) : call(std::move(used)) {}
    Worker(std::shared_ptr<InflightCall> used, Resume&& waiting, const void* whose)
        : call(std::move(used)), resume(std::move(waiting)), handler(whose) {}
    Worker(Worker&&) = default;
    Worker& operator=(Worker&& other) noexcept;

    std::shared_ptr<InflightCall> call;
    std::optional<Resume> resume;   // called with a job of `handler`
    const void* handler = nullptr;  // the handler that the coroutine serves
};

/// The idle workers of one connection. To start a worker costs 4,800 instructions in Asio alone; to resume an idle one,
/// a tenth of that. Used only on the connection's executor.
///
/// An idle worker keeps `io_context::run` from returning, as its connection does, so it ends with the connection. It
/// also ends when the last deadline has passed, so that no worker remains after a burst.
class IdleWorkers {
 public:
    explicit IdleWorkers(asio::any_io_executor executor, std::shared_ptr<Budget> budget = nullptr)
        : executor_(std::move(executor)), share_(std::move(budget)) {}

    /// Returns an idle worker of this handler; one without a call if there is none.
    Worker take(const void* handler);

    /// Ends all idle workers.
    void clear() {
        workers_.clear();
        share_.set(0);
    }

    /// True if the worker may wait for another call: this call was not cancelled and has no other owner, the handler
    /// has not left the executor, and the budget and memory suffice.
    bool may_wait(const std::shared_ptr<InflightCall>& call);

    /// Waits for the next job. Holds no reference to its owner.
    static asio::awaitable<void*> wait(std::shared_ptr<IdleWorkers> here, const std::shared_ptr<InflightCall>& call,
                                       const void* handler);

 private:
    static constexpr std::size_t max_size = 64;  // further workers end with their call

    /// Reserves memory before the wait, which must not fail.
    bool has_place() noexcept;

    struct Wait {
        void operator()(Worker::Resume&& resume, std::shared_ptr<IdleWorkers>&& here,
                        std::shared_ptr<InflightCall>&& call, const void* handler) const;
    };

    const asio::any_io_executor executor_;
    std::vector<Worker> workers_;
    BudgetReservation share_;  // for the most that have waited
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "idle_workers.ipp"
#endif

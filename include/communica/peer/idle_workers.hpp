// Coroutines that have answered a call and wait for the next.
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

/// A call and the coroutine that waits to answer it; if there is none, it has yet to be started.
struct Worker {
    using Resume = asio::async_result<asio::use_awaitable_t<>, void(void*)>::handler_type;

    explicit Worker(std::shared_ptr<InflightCall> used) : call(std::move(used)) {}
    Worker(std::shared_ptr<InflightCall> used, Resume&& waiting, const void* whose)
        : call(std::move(used)), resume(std::move(waiting)), handler(whose) {}
    Worker(Worker&&) = default;
    Worker& operator=(Worker&& other) noexcept {
        call = std::move(other.call);
        handler = other.handler;
        resume.reset();  // Asio's handlers can be moved, but not assigned
        if (other.resume) {
            resume.emplace(*std::move(other.resume));
        }
        return *this;
    }

    std::shared_ptr<InflightCall> call;
    std::optional<Resume> resume;   // with a job of the handler's
    const void* handler = nullptr;  // whose coroutine it is
};

/// The workers of one connection that have nothing to do. One that is started costs 4,800 instructions in Asio alone, one
/// that waits a tenth of that. Used on the connection's executor alone.
///
/// A worker keeps the io_context at work, as its connection does, and has to go when that goes. It also goes when the
/// last deadline has passed, so that a burst leaves nothing behind.
class IdleWorkers {
 public:
    explicit IdleWorkers(asio::any_io_executor executor, std::shared_ptr<Budget> budget = nullptr)
        : executor_(std::move(executor)), share_(std::move(budget)) {}

    /// A worker of this handler; one without a call if there is none.
    Worker take(const void* handler) {
        const auto found = std::find_if(workers_.rbegin(), workers_.rend(),
                                        [handler](const Worker& worker) { return worker.handler == handler; });
        if (found == workers_.rend()) {
            return Worker(nullptr);
        }
        Worker worker(std::move(*found));
        if (found != workers_.rbegin()) {
            *found = std::move(workers_.back());
        }
        workers_.pop_back();
        return worker;
    }

    /// Ends those that wait.
    void clear() {
        workers_.clear();
        share_.set(0);
    }

    /// May a worker wait here? Not behind a call that was cancelled or that somebody still looks at, nor where a handler
    /// has left the executor.
    bool may_wait(const std::shared_ptr<InflightCall>& call) {
        constexpr long owners = 2;  // the coroutine, and what is called at its end
        return call.use_count() == owners && !call->is_cancelled() && workers_.size() < max_size &&
               is_running_on(executor_) && share_.grow_to((workers_.size() + 1) * call_cost) && has_place();
    }

    /// Waits for the next job. Keeps nothing alive of which this is a part.
    static asio::awaitable<void*> wait(std::shared_ptr<IdleWorkers> here, const std::shared_ptr<InflightCall>& call,
                                       const void* handler) {
        return asio::async_initiate<const asio::use_awaitable_t<>, void(void*)>(Wait{}, asio::use_awaitable,
                                                                                std::move(here), call, handler);
    }

 private:
    static constexpr std::size_t max_size = 64;  // what a larger burst has started ends with it

    /// Once it waits it is too late to want memory.
    bool has_place() noexcept {
        try {
            if (workers_.size() == workers_.capacity()) {
                workers_.reserve(std::max<std::size_t>(4, 2 * workers_.size()));
            }
            return true;
        } catch (const std::bad_alloc&) {
            return false;
        }
    }

    struct Wait {
        void operator()(Worker::Resume&& resume, std::shared_ptr<IdleWorkers>&& here,
                        std::shared_ptr<InflightCall>&& call, const void* handler) const {
            const auto workers = std::move(here);  // out of the waiting frame, which `workers` is to own
            workers->workers_.emplace_back(std::move(call), std::move(resume), handler);
        }
    };

    const asio::any_io_executor executor_;
    std::vector<Worker> workers_;
    BudgetReservation share_;  // of the most that have waited
};

}  // namespace communica::peer

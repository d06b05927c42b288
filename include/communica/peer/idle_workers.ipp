#pragma once

#include "idle_workers.hpp"

namespace communica::peer {

COMMUNICA_INLINE Worker& Worker::operator=(Worker&& other) noexcept {
    call = std::move(other.call);
    handler = other.handler;
    resume.reset();  // Asio's handlers can be moved, but not assigned
    if (other.resume) {
        resume.emplace(*std::move(other.resume));
    }
    return *this;
}

COMMUNICA_INLINE Worker IdleWorkers::take(const void* handler) {
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

COMMUNICA_INLINE bool IdleWorkers::may_wait(const std::shared_ptr<InflightCall>& call) {
    constexpr long owners = 2;  // the coroutine, and its completion handler
    return call.use_count() == owners && !call->is_cancelled() && workers_.size() < max_size &&
           base::is_running_on(executor_) && share_.grow_to((workers_.size() + 1) * call_cost) && has_place();
}

COMMUNICA_INLINE asio::awaitable<void*> IdleWorkers::wait(std::shared_ptr<IdleWorkers> here,
                                                          const std::shared_ptr<InflightCall>& call,
                                                          const void* handler) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(void*)>(Wait{}, asio::use_awaitable,
                                                                            std::move(here), call, handler);
}

COMMUNICA_INLINE bool IdleWorkers::has_place() noexcept {
    try {
        if (workers_.size() == workers_.capacity()) {
            workers_.reserve(std::max<std::size_t>(4, 2 * workers_.size()));
        }
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

COMMUNICA_INLINE void IdleWorkers::Wait::operator()(Worker::Resume&& resume, std::shared_ptr<IdleWorkers>&& here,
                                                    std::shared_ptr<InflightCall>&& call, const void* handler) const {
    const auto workers = std::move(here);  // moved out of the suspended frame, which `workers` will own
    workers->workers_.emplace_back(std::move(call), std::move(resume), handler);
}

}  // namespace communica::peer

#pragma once

#include "completions.hpp"

#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

namespace communica::peer {

template <bool is_posted>
struct Completions::Run {
    std::shared_ptr<Completions> completions;

    void operator()() const { completions->run(is_posted); }
};

COMMUNICA_INLINE void Completions::add(SubmissionPtr completion) {
    {
        const std::lock_guard lock(mutex_);
        waiting_.add(std::move(completion));
        if (is_run_posted_ || std::exchange(is_run_left_, true)) {
            return;
        }
    }
    if (base::TurnScope::leave(shared_from_this())) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        is_run_left_ = false;
        is_run_posted_ = true;
    }
    if (!post_run()) {
        run(false);
    }
}

COMMUNICA_INLINE void Completions::abandon() noexcept {
    SubmissionList abandoned;
    const std::lock_guard lock(mutex_);
    abandoned.swap(waiting_);
}

/// The thread runs the context, but not a strand that the entity may have been given.
COMMUNICA_INLINE void Completions::run_after_turn() noexcept {
    if (context_ != nullptr) {
        return run(false);
    }
    for (const bool is_last_attempt : {false, true}) {
        try {
            return asio::dispatch(executor_, Run<false>{shared_from_this()});
        } catch (...) {  // out of memory: the failed attempt has freed what it had
            if (is_last_attempt) {
                const std::lock_guard lock(mutex_);
                is_run_left_ = false;  // the next answer brings another
            }
        }
    }
}

COMMUNICA_INLINE void Completions::run(bool was_posted) noexcept {
    std::unique_lock lock(mutex_);
    const std::shared_ptr<Connection> connected = connection_.lock();
    was_posted ? is_run_posted_ = false : is_run_left_ = false;
    lock.unlock();
    std::optional<Gathering> gathering;
    if (connected) {
        if (was_posted) {
            connected->write_gathered();  // other threads hold messages until then
        }
        static constexpr std::atomic<bool> no_flush_is_coming{false};
        // On a strand the posted run does not begin before this one ends.
        gathering.emplace(*connected, context_ != nullptr ? is_run_posted_ : no_flush_is_coming);
    }
    lock.lock();
    while (SubmissionPtr next = waiting_.pop()) {
        const bool is_run_wanted = !waiting_.empty() && !is_run_posted_.exchange(true);
        lock.unlock();
        if (is_run_wanted) {
            post_run();
        }
        deliver(std::move(next));
        lock.lock();
    }
    lock.unlock();
}

/// A handler's exception belongs to the executor's run. Without memory for that it is lost.
COMMUNICA_INLINE void Completions::deliver(SubmissionPtr completion) noexcept {
    try {
        completion.release()->deliver();
    } catch (...) {
        try {
            base::rethrow_on(executor_, std::current_exception());
        } catch (...) {  // NOLINT(bugprone-empty-catch)
        }
    }
}

COMMUNICA_INLINE bool Completions::post_run() noexcept {
    try {
        if (context_ != nullptr) {
            asio::post(*context_, Run<true>{shared_from_this()});
        } else {
            asio::post(executor_, Run<true>{shared_from_this()});
        }
        return true;
    } catch (...) {
        is_run_posted_ = false;
        if (const auto connected = connection()) {
            connected->write_gathered();  // other threads may hold messages for the run that is not coming
        }
        return false;
    }
}

}  // namespace communica::peer

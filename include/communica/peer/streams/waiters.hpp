// The waiters of a stream's end: for something to read, or for room to write.
#pragma once

#include "../../asio.hpp"
#include "../submission.hpp"

#include <cstdint>
#include <memory>
#include <utility>

namespace communica::peer {

/// A waiter. Woken once and gone then; or destroyed without a call.
class StreamWaiter {
 public:
    StreamWaiter() = default;
    StreamWaiter(const StreamWaiter&) = delete;
    StreamWaiter& operator=(const StreamWaiter&) = delete;

    /// Does not call the user's code before it returns.
    virtual void wake(asio::error_code error) = 0;
    virtual void destroy() noexcept = 0;

    std::uint64_t number = 0;  ///< identifies it for its cancellation
    StreamWaiter* next = nullptr;

 protected:
    ~StreamWaiter() = default;
};

/// A list of waiters. Not thread-safe.
class StreamWaiters {
 public:
    StreamWaiters() = default;
    StreamWaiters(StreamWaiters&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {}
    StreamWaiters& operator=(StreamWaiters&& other) noexcept {
        std::swap(first_, other.first_);
        return *this;
    }
    ~StreamWaiters() {
        while (StreamWaiter* const waiter = pop()) {
            waiter->destroy();
        }
    }

    bool empty() const noexcept { return first_ == nullptr; }
    void add(StreamWaiter& waiter) noexcept { waiter.next = std::exchange(first_, &waiter); }

    /// Removes a waiter; null if it is not in the list.
    StreamWaiter* take(std::uint64_t number) noexcept {
        for (StreamWaiter** at = &first_; *at != nullptr; at = &(*at)->next) {
            if ((*at)->number == number) {
                return std::exchange(*at, (*at)->next);
            }
        }
        return nullptr;
    }

    StreamWaiter* pop() noexcept { return first_ != nullptr ? std::exchange(first_, first_->next) : nullptr; }

    /// Wakes all waiters. Called without the lock that guards the list.
    void wake() {
        while (StreamWaiter* const waiter = pop()) {
            waiter->wake({});
        }
    }

 private:
    StreamWaiter* first_ = nullptr;
};

/// The handler of an Asio operation that waits, in memory of its associated allocator.
template <class Handler>
class WaitingHandler final : public StreamWaiter, public Submission {
    using Executor = asio::associated_executor_t<Handler, asio::any_io_executor>;
    using Recycling = asio::recycling_allocator<void>;
    using Allocator = typename std::allocator_traits<
        asio::associated_allocator_t<Handler, Recycling>>::template rebind_alloc<WaitingHandler>;

 public:
    static WaitingHandler* make(Handler&& handler, const asio::any_io_executor& inner) {
        Turn turn = turn_for(asio::get_associated_executor(handler, inner));
        Allocator allocator(asio::get_associated_allocator(handler, Recycling()));
        WaitingHandler* const memory = std::allocator_traits<Allocator>::allocate(allocator, 1);
        return new (memory) WaitingHandler(std::move(handler), inner, std::move(turn));
    }

    void wake(asio::error_code error) override {
        error_ = error;
        const auto work = std::move(work_);
        submit(work.get_executor(), SubmissionPtr(this), CompletionMode::post);
    }
    void complete() override {
        const asio::error_code error = error_;
        Handler handler = std::move(handler_);
        destroy();
        std::move(handler)(error);
    }
    void destroy() noexcept override {
        Allocator allocator(asio::get_associated_allocator(handler_, Recycling()));
        this->~WaitingHandler();
        std::allocator_traits<Allocator>::deallocate(allocator, this, 1);
    }

 private:
    WaitingHandler(Handler&& handler, const asio::any_io_executor& inner, Turn turn)
        : Submission(std::move(turn)),
          handler_(std::move(handler)),
          work_(asio::get_associated_executor(handler_, inner)) {}
    ~WaitingHandler() = default;

    Handler handler_;
    asio::executor_work_guard<Executor> work_;
    asio::error_code error_;  // while it is posted
};

/// Initiates a wait that `owner` keeps. `owner->wait(what..., waiter)` takes it, or returns false if there is no reason to
/// wait; `owner->take_waiter(number)` returns it for a cancellation.
struct InitiateWait {
    template <class Handler, class Owner, class... For>
    void operator()(Handler&& handler, const std::shared_ptr<Owner>& owner, const asio::any_io_executor& executor,
                    For... what) const {
        using Waiting = WaitingHandler<std::decay_t<Handler>>;
        auto slot = asio::get_associated_cancellation_slot(handler);
        Waiting* const waiter = Waiting::make(std::forward<Handler>(handler), executor);
        waiter->number = owner->next_waiter();
        if (slot.is_connected()) {
            slot.assign([weak = std::weak_ptr(owner), number = waiter->number](asio::cancellation_type type) {
                const auto alive = type != asio::cancellation_type::none ? weak.lock() : nullptr;
                if (StreamWaiter* const cancelled = alive ? alive->take_waiter(number) : nullptr) {
                    cancelled->wake(asio::error::operation_aborted);
                }
            });
        }
        if (!owner->wait(what..., *waiter)) {
            waiter->wake({});
        }
    }
};

}  // namespace communica::peer

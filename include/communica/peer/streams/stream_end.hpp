// One end of a stream: items that have come and are not read, items that are written and not sent.
#pragma once

#include "../../asio.hpp"
#include "../../budget.hpp"
#include "../../connection.hpp"
#include "../../error.hpp"
#include "../../separate_compilation.hpp"
#include "../../wire/stream_body.hpp"
#include "../reply.hpp"
#include "stream_input.hpp"
#include "stream_output.hpp"
#include "waiters.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace communica::peer {

class StreamEnd;

/// What knows the streams of a peer. Thread-safe.
class StreamOwner {
 public:
    StreamOwner(const Limits& limits, std::shared_ptr<Budget> budget) : limits_(limits), budget_(std::move(budget)) {}
    StreamOwner(const StreamOwner&) = delete;
    StreamOwner& operator=(const StreamOwner&) = delete;

    const Limits& limits() const noexcept { return limits_; }
    const std::shared_ptr<Budget>& budget() const noexcept { return budget_; }

    /// The largest message that the other side takes.
    std::size_t max_message() const noexcept { return max_message_.load(std::memory_order_relaxed); }
    void set_max_message(std::size_t bytes) noexcept { max_message_.store(bytes, std::memory_order_relaxed); }

    /// May a result of so many bytes go out, where as many of answers are not read?
    bool has_room_for(std::size_t unread, std::size_t bytes) const noexcept {
        return (unread == 0 || unread + bytes <= limits_.max_inflight_bytes) &&
               (!budget_ || budget_->admits(unread, bytes));
    }

    /// This one is over.
    virtual void remove(const StreamEnd& end) = 0;
    /// This one sends more as soon as there is room.
    virtual void wait_for_room(std::shared_ptr<StreamEnd> end) = 0;

 protected:
    ~StreamOwner() = default;

 private:
    const Limits limits_;
    const std::shared_ptr<Budget> budget_;
    std::atomic<std::size_t> max_message_ = std::numeric_limits<std::size_t>::max();
};

/// Belongs to one connection, and ends with it. Knows items as bytes. What comes in is bounded by the credit that was given for
/// it, what goes out by what the other side has given.
///
/// Thread-safe, but for `read`: an end has one reader.
class StreamEnd : public std::enable_shared_from_this<StreamEnd> {
 public:
    enum class Role { opener, accepter };

    StreamEnd(Role role, bool reads) noexcept : role_(role), reads_(reads) {}
    StreamEnd(const StreamEnd&) = delete;
    StreamEnd& operator=(const StreamEnd&) = delete;

    Role role() const noexcept { return role_; }
    /// Once it has begun.
    std::string_view id() const noexcept { return id_; }
    /// The connection's.
    const asio::any_io_executor& executor() const noexcept { return executor_; }

    // ---- the beginning

    /// Belongs to a connection from now on. Gives what the other side may send at first: nothing to an end that does not read.
    wire::StreamCredit begin(const std::shared_ptr<StreamOwner>& owner, std::shared_ptr<Connection> connection,
                             std::string_view id);

    /// What this end may send at first: the other side has accepted the stream, or opened it.
    void accept(wire::StreamCredit credit);

    /// Called, without a lock, when the stream ends before this side has ended it.
    void set_on_end(std::function<void()> on_end);

    // ---- reading: by one reader at a time

    enum class Read { item, nothing_yet, end };

    /// The next item, borrowed until the next call; `memory` is where it lies, if that may be had.
    Read read(Bytes& item, Buffer*& backing_buffer);

    /// Once `read` has said `end`: why, if it was not in order.
    std::optional<Error> failure() const;

    /// What came with the end from the side that accepted the stream, in order.
    Bytes result() const noexcept { return as_bytes(last_); }

    // ---- writing

    enum class Written { taken, full, ended };

    /// Takes an item (`StreamOutput::make_item`), unless the stream has ended. Full: the next one should wait. Throws where the item is over the other
    /// side's limit.
    Written write(Buffer&& item);

    bool has_ended() const {
        const std::lock_guard lock(mutex_);
        return is_ended();
    }
    /// What a write after the end ends with.
    Error write_failure() const;

    /// Nothing more is written here.
    void finish();
    /// The same from the side that accepted the stream: the end, once all items have gone out, with its result or its error.
    void finish(Reply&& reply);

    /// Everything that was written, and the end, has gone out; or the stream has ended otherwise.
    bool is_flushed() const;

    /// Items that the other side's reader has read, as far as it has said.
    std::uint64_t acknowledged() const {
        const std::lock_guard lock(mutex_);
        return out_.items_read();
    }

    // ---- waiting

    /// What is waited for: items, or the end of them; less that is not sent; nothing that is not sent; a `notify`.
    enum class For { reading, writing, flush, notice };

    /// Completes with `void(error_code)` when what was waited for is there, or the stream has ended. May do so for nothing.
    template <class Token>
    auto async_wait(For what, Token&& token) {
        return asio::async_initiate<Token, void(asio::error_code)>(Wait{}, token, shared_from_this(), what);
    }

    /// The same. Says false, and leaves the waiter, where there is nothing to wait for.
    bool wait(For what, StreamWaiter& waiter);
    /// Null if it does not wait any more.
    StreamWaiter* take_waiter(std::uint64_t number);
    std::uint64_t next_waiter() {
        const std::lock_guard lock(mutex_);
        return ++waiters_;
    }

    /// Ends one wait for a notice, now or when it comes.
    void notify();

    // ---- the end

    /// Not wanted any more on this side, which tells the other.
    void cancel(const Error& why) { end(why, &why); }
    /// The same, with other words for the other side.
    void close(const Error& why, const Error& told) { end(why, &told); }
    /// The other side can't be told.
    void fail(const Error& why);
    /// The execution context is being destroyed: so is what waits here.
    void abandon();

    // ---- called by the owner

    /// Is this the connection that it goes over?
    bool is_over(const Connection& connection) const;
    /// The other side has not accepted it yet.
    bool is_opening() const;
    /// Throws, which ends the connection, where the other side breaks the protocol.
    void on_message(Bytes body, Buffer* backing_buffer);
    /// Sends what waits, as far as there is room and credit. Says false where there was no room.
    bool send_more();

 private:
    struct Wait {
        template <class Handler>
        void operator()(Handler&& handler, const std::shared_ptr<StreamEnd>& end, For what) const {
            using Waiting = WaitingHandler<std::decay_t<Handler>>;
            auto slot = asio::get_associated_cancellation_slot(handler);
            Waiting* const waiter = Waiting::make(std::forward<Handler>(handler), end->executor());
            waiter->number = end->next_waiter();
            if (slot.is_connected()) {
                slot.assign(CancelWait{end, waiter->number});
            }
            if (!end->wait(what, *waiter)) {
                waiter->wake({});
            }
        }
    };
    struct CancelWait {
        std::weak_ptr<StreamEnd> end;
        std::uint64_t number;

        void operator()(asio::cancellation_type type) const {
            const auto alive = type != asio::cancellation_type::none ? end.lock() : nullptr;
            if (StreamWaiter* const waiter = alive ? alive->take_waiter(number) : nullptr) {
                waiter->wake(asio::error::operation_aborted);
            }
        }
    };

    void on_items(std::string_view items, Buffer* backing_buffer);
    void on_blocked();
    void on_credit(std::string_view text);
    void on_finish(std::string_view result);
    void on_failed(std::string_view error);

    // With the lock:
    bool is_ended() const noexcept { return failed_ || result_has_come_ || (finish_sent_ && role_ == Role::accepter); }
    void hold();
    void give_credit();
    void post_sending();
    void send_frame(wire::StreamFrame frame, std::string_view rest);
    void finish_with(wire::StreamFrame frame, std::string rest);

    /// Ends it; tells the other side if there is something to tell.
    void end(const Error& why, const Error* told);
    /// It is over, in order or not: wakes all who wait.
    void leave(std::unique_lock<std::mutex> lock);

    const Role role_;
    const bool reads_;
    asio::any_io_executor executor_;
    std::string metadata_;   // of its messages
    std::string_view id_;    // in there
    StreamReading reading_;  // the reader's

    mutable std::mutex mutex_;  // for what follows; a connection's own lock may be taken under it, never the reverse
    std::weak_ptr<StreamOwner> owner_;
    std::shared_ptr<Connection> connection_;  // until the end
    std::optional<BudgetReservation> share_;
    std::function<void()> on_end_;
    StreamInput in_;
    StreamOutput out_;
    StreamWaiters readers_;
    StreamWaiters writers_;
    std::uint64_t waiters_ = 0;
    std::unique_ptr<const Error> failure_;
    wire::StreamFrame last_frame_ = wire::StreamFrame::finish;
    std::string last_;  // what the side that has accepted the stream says at its end
    bool has_notice_ = false;
    bool is_accepted_ = false;
    bool is_posted_ = false;
    bool waits_for_room_ = false;
    bool finish_wanted_ = false;
    bool finish_sent_ = false;
    bool result_has_come_ = false;
    bool failed_ = false;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "stream_end.ipp"
#endif

// One end of a stream: received items that are not read, and written items that are not sent.
#pragma once

#include "../../asio.hpp"
#include "../../budget.hpp"
#include "../../connection.hpp"
#include "../../error.hpp"
#include "../../lock_order.hpp"
#include "../../separate_compilation.hpp"
#include "../../wire/stream_body.hpp"
#include "../reply.hpp"
#include "stream_input.hpp"
#include "stream_output.hpp"
#include "stream_timer.hpp"
#include "waiters.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace communica::peer {

struct InflightCall;
class StreamEnd;

/// The owner of a peer's streams. Thread-safe.
class StreamOwner {
 public:
    StreamOwner(const Limits& limits, std::shared_ptr<Budget> budget) : limits_(limits), budget_(std::move(budget)) {}
    StreamOwner(const StreamOwner&) = delete;
    StreamOwner& operator=(const StreamOwner&) = delete;

    const Limits& limits() const noexcept { return limits_; }
    const std::shared_ptr<Budget>& budget() const noexcept { return budget_; }

    /// The largest message that the peer accepts, in bytes.
    std::size_t max_message() const noexcept { return max_message_.load(std::memory_order_relaxed); }
    void set_max_message(std::size_t bytes) noexcept { max_message_.store(bytes, std::memory_order_relaxed); }

    /// True if a result of `bytes` bytes may be sent while `unread` bytes of answers are unread.
    bool has_room_for(std::size_t unread, std::size_t bytes) const noexcept {
        return (unread == 0 || unread + bytes <= limits_.max_inflight_bytes) &&
               (!budget_ || budget_->admits(unread, bytes));
    }

    /// This stream has ended.
    virtual void remove(const StreamEnd& end) = 0;
    /// Lets this stream send more as soon as there is room.
    virtual void wait_for_room(std::shared_ptr<StreamEnd> end, const Connection& connection) = 0;

 protected:
    ~StreamOwner() = default;

 private:
    const Limits limits_;
    const std::shared_ptr<Budget> budget_;
    std::atomic<std::size_t> max_message_ = std::numeric_limits<std::size_t>::max();
};

/// Belongs to one connection, and ends with it. Handles items as bytes. The credit that was given bounds the received
/// items, the peer's credit the sent ones.
///
/// Thread-safe, except for `read`: an end has one reader.
class StreamEnd : public std::enable_shared_from_this<StreamEnd> {
 public:
    enum class Role { opener, accepter };

    StreamEnd(Role role, bool reads) noexcept : role_(role), reads_(reads) {}
    StreamEnd(const StreamEnd&) = delete;
    StreamEnd& operator=(const StreamEnd&) = delete;

    Role role() const noexcept { return role_; }
    /// Empty before `begin`.
    std::string_view id() const noexcept { return metadata().substr(metadata_ ? id_offset : 0, id_size_); }
    /// The connection's executor.
    const asio::any_io_executor& executor() const noexcept { return *executor_; }

    // ---- opening

    /// Assigns the stream to a connection, with its executor. Returns the first credit for the peer: none if this end
    /// does not read.
    wire::StreamCredit begin(const std::shared_ptr<StreamOwner>& owner, std::shared_ptr<Connection> connection,
                             std::shared_ptr<const asio::any_io_executor> executor, std::string_view id);

    /// The peer has accepted the stream, or opened it. `credit` is the first credit of this end.
    void accept(wire::StreamCredit credit);

    /// Cancels this call when the stream ends before this side has ended it.
    void set_call(std::weak_ptr<InflightCall> call);

    // ---- reading: one reader at a time

    enum class Read { item, nothing_yet, end };

    /// Reads the next item, borrowed until the next call. `backing_buffer` is the buffer that holds it, if the caller
    /// may take that; otherwise null.
    Read read(Bytes& item, Buffer*& backing_buffer);

    /// The error of the end, once `read` has returned `end`; none after an orderly end.
    std::optional<Error> failure() const;

    /// The result that the accepting side has sent with an orderly end.
    Bytes result() const noexcept { return last_ ? as_bytes(*last_) : Bytes(); }

    // ---- writing

    enum class Written { taken, full, ended };

    /// Takes an item (`StreamOutput::make_item`), unless the stream has ended. After `full`, the next one should wait.
    /// Throws if the item is over the peer's limit.
    Written write(Buffer&& item);

    bool has_ended() const {
        const std::lock_guard lock(mutex_);
        return is_ended();
    }
    /// The error of a write after the end.
    Error write_failure() const;

    /// Ends the items of this side.
    void finish();
    /// The same on the side that accepted the stream: ends it with the result or the error of `reply`, once all items
    /// are sent.
    void finish(Reply&& reply);

    /// True if all written items are sent and no end is pending, or if the stream has ended.
    bool is_flushed() const;

    /// The number of items that the peer's reader has read, as far as the peer has reported.
    std::uint64_t acknowledged() const {
        const std::lock_guard lock(mutex_);
        return out_.items_read();
    }

    // ---- waiting

    /// The reason to wait: items or their end; fewer unsent bytes; no unsent bytes; a `notify`.
    enum class For { reading, writing, flush, notice };

    /// Returns when the reason to wait is over, or the stream has ended. May return early.
    asio::awaitable<std::tuple<asio::error_code>> async_wait(For what);

    /// The same for a waiter. Returns false, and does not take the waiter, if there is no reason to wait.
    bool wait(For what, StreamWaiter& waiter);
    /// Removes a waiter; null if it does not wait any more.
    StreamWaiter* take_waiter(std::uint64_t number);
    std::uint64_t next_waiter() {
        const std::lock_guard lock(mutex_);
        return ++waiters_;
    }

    /// Ends one wait for a notice, now or when it starts.
    void notify();

    // ---- ending

    /// Ends the stream on this side with an error, and tells the peer.
    void cancel(const Error& why) { end(why, &why); }
    /// The same, with another error for the peer.
    void close(const Error& why, const Error& told) { end(why, &told); }
    /// Ends the stream with an error. The peer cannot be told.
    void fail(const Error& why);
    /// The execution context is being destroyed. Destroys all waiters.
    void abandon() {
        StreamWaiters readers;
        StreamWaiters writers;
        std::shared_ptr<Connection> connection;
        std::shared_ptr<StreamTimer> timer;
        const std::lock_guard lock(mutex_);
        failed_ = true;
        std::swap(readers, readers_);
        std::swap(writers, writers_);
        call_.reset();
        std::swap(connection, connection_);
        std::swap(timer, timer_);
    }

    /// The deadlines of the stream; null if it has ended.
    std::shared_ptr<StreamTimer> timer() {
        const std::lock_guard lock(mutex_);
        if (!timer_ && !is_ended() && connection_) {
            timer_ = std::make_shared<StreamTimer>(*executor_, [weak = weak_from_this()](const char* why) {
                if (const auto end = weak.lock()) {
                    end->cancel({.code = errc::timeout, .message = why, .status = 504, .kind = Error::Kind::responder});
                }
            });
        }
        return timer_;
    }

    // ---- called by the owner

    /// True if the stream runs over this connection.
    bool is_over(const Connection& connection) const;
    /// True until the peer has accepted the stream.
    bool is_opening() const;
    /// Throws, which ends the connection, if the peer breaks the protocol.
    void on_message(Bytes body, Buffer* backing_buffer);
    /// Sends waiting items, as far as there is room and credit. Returns false if there was no room.
    bool send_more();

 private:
    using Mutex = base::OrderedMutex<base::LockOrder::stream>;

    void on_items(std::string_view items, Buffer* backing_buffer);
    void on_blocked();
    void on_credit(std::string_view text);
    void on_finish(std::string_view result);
    void on_failed(std::string_view error);

    // Called with the lock:
    bool is_ended() const noexcept { return failed_ || result_has_come_ || (finish_sent_ && role_ == Role::accepter); }
    void note_items() noexcept {
        if (timer_) [[unlikely]] {
            timer_->note_item();
        }
    }
    void hold();
    void give_credit();
    void post_sending();
    std::string_view metadata() const noexcept { return {metadata_.get(), metadata_ ? id_size_ + other_metadata : 0}; }
    void send_frame(wire::StreamFrame frame, std::string_view rest);
    void finish_with(wire::StreamFrame frame, std::string rest);

    /// Ends the stream with an error. Sends `told` to the peer, unless it is null.
    void end(const Error& why, const Error* told);
    /// The stream has ended, in order or not. Wakes all waiters.
    void leave(std::unique_lock<Mutex> lock);

    // Metadata is an id between texts of these sizes.
    static constexpr std::size_t id_offset = std::string_view("{\"id\": \"").size();
    static constexpr std::size_t other_metadata = id_offset + std::string_view("\", \"type\": 8}").size();

    const Role role_;
    const bool reads_;
    std::uint32_t id_size_ = 0;
    std::unique_ptr<char[]> metadata_;  // of all its messages
    std::shared_ptr<const asio::any_io_executor> executor_;
    StreamReading reading_;  // used by the reader alone, without the lock

    mutable Mutex mutex_;  // guards the members below
    bool has_notice_ = false;
    bool is_accepted_ = false;
    bool is_posted_ = false;
    bool waits_for_room_ = false;
    bool finish_wanted_ = false;
    bool finish_sent_ = false;
    bool result_has_come_ = false;
    bool failed_ = false;
    wire::StreamFrame last_frame_ = wire::StreamFrame::finish;
    std::weak_ptr<StreamOwner> owner_;
    std::shared_ptr<Connection> connection_;  // null after the end
    BudgetReservation share_;
    std::weak_ptr<InflightCall> call_;
    StreamInput in_;
    StreamOutput out_;
    StreamWaiters readers_;
    StreamWaiters writers_;
    std::shared_ptr<StreamTimer> timer_;  // null without a deadline
    std::uint64_t waiters_ = 0;
    std::unique_ptr<const Error> failure_;
    std::unique_ptr<std::string> last_;  // the result or the error of the side that accepted the stream; null if empty
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "stream_end.ipp"
#endif

// The requesting half of a peer: unsent requests, and requests that wait for their answers.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../lock_order.hpp"
#include "../separate_compilation.hpp"
#include "../wire/metadata_reader.hpp"
#include "asking.hpp"
#include "deadline_timer.hpp"
#include "lateness.hpp"
#include "notification_burst.hpp"
#include "pending_requests.hpp"
#include "request_id_codec.hpp"
#include "sender.hpp"
#include "unconfirmed.hpp"
#include "unsent_queue.hpp"
#include "waiting_service.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::peer {

/// Outlives connections. Requests wait for the next connection, or for room on the current one. A request that was sent
/// over a lost connection may be answered over the next. Thread-safe.
class Requester : public std::enable_shared_from_this<Requester> {
 public:
    /// `max_loaded`: bytes that the value of an answer may allocate. `streams`: the streams that this side opens.
    Requester(asio::any_io_executor executor, std::size_t max_unsent, std::shared_ptr<Counters> counters = nullptr,
              const RequestIdCodec& text = {}, Destination destination = {},
              std::size_t max_loaded = codec::Allowance::unlimited, std::shared_ptr<StreamTable> streams = nullptr);

    ~Requester() {
        if (service_ != nullptr) {
            service_->remove(this);
        }
    }

    const asio::any_io_executor& executor() const noexcept { return timer_.executor(); }

    bool is_connected() const {
        const std::lock_guard lock(mutex_);
        return sender_.is_connected();
    }
    bool is_idle() const {
        const std::lock_guard lock(mutex_);
        return pending_.empty() && unsent_queue_.empty();
    }

    /// Returns a buffer in memory that the connection passes to the peer, or of the heap.
    Buffer lend(std::size_t size) const;

    // ---- requests

    /// Counts a request or notification; with an error, also its failure.
    void count(const Outgoing& outgoing, const std::optional<Error>& error, Operation& operation) {
        if (counters_) {
            Counters::add(outgoing.is_notification() ? counters_->notifications : counters_->requests);
            if (error) {
                counters_->count_error(error->code);
                return;
            }
            counters_->sent_sizes.record(outgoing.body.size());
            if (!outgoing.is_notification()) {
                operation.begun = Clock::now();
            }
        }
    }

    /// Called before each request; null if there is none. Set before the first request.
    const AskingInterceptor* asking_interceptor() const noexcept { return interceptor_.get(); }
    void set_asking_interceptor(std::shared_ptr<const AskingInterceptor> interceptor) noexcept {
        interceptor_ = std::move(interceptor);
    }

    /// Allocates the number of a request before it starts, for its cancellation.
    RequestId reserve() {
        const std::lock_guard lock(mutex_);
        return pending_.reserve();
    }

    /// Sends a request or notification, or queues it. `id` is a reserved number, or 0. Any failure completes the
    /// operation, out of memory included.
    void start(RequestId id, Outgoing&& outgoing, OperationPtr operation);

    /// Sends a notification if there is a connection with room and credit for it. Returns whether it was sent.
    bool notify_now(std::string_view quoted_route, const Buffer& value) {
        Outgoing outgoing{
            .type = wire::MessageType::notification, .quoted_route = std::string(quoted_route), .body = value.copy()};
        const std::lock_guard lock(mutex_);
        return send_now(outgoing);
    }

    /// The same for a notification within a burst. Returns false if an interceptor is to see it, or its time is over.
    bool notify_at_once(Outgoing& outgoing) {
        if (interceptor_ || (outgoing.timeout && *outgoing.timeout <= Clock::duration::zero())) {
            return false;
        }
        const auto now = Clock::now();
        const std::size_t bytes = outgoing.size();
        const Gathering::One one;
        const std::lock_guard lock(mutex_);
        if (!burst_.admits(now, bytes) || !send_now(outgoing)) {
            return false;
        }
        burst_.add(bytes);
        return true;
    }
    /// The coroutine that sends notifications has waited.
    void begin_burst() {
        const auto now = Clock::now();
        const std::lock_guard lock(mutex_);
        burst_.begin(now);
    }

    /// Forgets a request, which completes with `operation_aborted`. If it was sent, tells the peer. A late answer is
    /// dropped.
    void cancel(RequestId id);

    /// The execution context is being destroyed. Destroys all pending operations.
    void abandon();

    // ---- moving unsent requests to another requester

    std::optional<RequestId> oldest_unsent() {
        const std::lock_guard lock(mutex_);
        return unsent_queue_.empty() ? std::nullopt : std::optional(unsent_queue_.front().id);
    }

    struct Taken {
        OperationPtr operation;  // null if it was completed meanwhile
        Outgoing message;
    };
    Taken take_unsent(RequestId id);

    std::shared_ptr<Location> location_of(RequestId id) {
        const std::lock_guard lock(mutex_);
        const Operation* operation = pending_.find_operation(id);
        return operation != nullptr ? operation->location : nullptr;
    }

    // ---- connections

    /// Sends messages over `connection` from now on, queued ones first.
    void attach(const std::shared_ptr<Connection>& connection, const Capabilities& offer);

    /// The connection has ended. Its unsent messages and its idempotent requests wait for the next. Returns how many
    /// notifications were sent and not confirmed, over this connection and those that it replaced.
    UnconfirmedNotifications detach(const Connection& connection, std::vector<UnsentMessage> unsent);

    /// Fails the sent requests: their outcome is unknown. Idempotent ones are queued again.
    void give_up_sent() {
        Failing failed(*this, {errc::connection_lost});
        const std::lock_guard lock(mutex_);
        put_back_idempotent();
        take_sent(failed);
        disarm_if_idle();
    }

    /// Starts another session. No sent request may be pending.
    void renew(const RequestIdCodec& text) {
        const std::lock_guard lock(mutex_);
        text_ = text;
    }

    /// Returns the pending requests that a resumption lists; null if it is malformed.
    std::unique_ptr<RequestIds> read_resumed(Bytes body);

    /// Of the requests sent over earlier connections, the peer has only these. The others, or their answers, were lost:
    /// they fail, or are sent again if idempotent.
    void on_resumed(const RequestIds& ids);

    /// The peer has reported over `connection` how many notifications have ended.
    void on_notifications_ended(const Connection& connection, const wire::EndedNotifications& ended) {
        const std::lock_guard lock(mutex_);
        if (!sender_.is_connected_by(connection)) {
            return;
        }
        const std::uint64_t failed = sender_.on_notifications_ended(ended);
        if (counters_ && failed != 0) {
            Counters::add(counters_->failed_notifications, failed);
        }
        send_waiting();
    }

    void on_room() {
        const std::lock_guard lock(mutex_);
        send_waiting();
    }

    /// The peer refuses new requests: they wait for the next connection.
    void on_draining() {
        Failing failed(*this, {errc::draining});
        const std::lock_guard lock(mutex_);
        sender_.set_draining();
        take_connectionless(failed);
    }

    /// Fails every request with `reason`, now and until `open`.
    void close(const Error& reason);

    /// Accepts requests again after `close`, as another session.
    void open(const RequestIdCodec& text = {}) {
        const std::lock_guard lock(mutex_);
        if (std::exchange(closed_, false)) {
            text_ = text;
        }
    }

    // ---- answers

    /// Completes the request of this answer, after the turn. An answer without a pending request is dropped.
    void on_answer(const wire::Metadata& metadata, const Message& message);

    /// Reports the progress of a request, if it is pending and wants that.
    void on_progress(std::string_view text, Bytes json) {
        std::shared_ptr<const ProgressSink> sink;
        {
            const std::lock_guard lock(mutex_);
            const auto id = text_.read(text);
            const Operation* const operation = id ? pending_.find_operation(*id) : nullptr;
            sink = operation != nullptr ? operation->progress() : nullptr;
        }
        try {
            if (sink) {
                (*sink)({json, nullptr, max_loaded_});
            }
        } catch (...) {
            base::rethrow_on(executor(), std::current_exception());
        }
    }

    /// Fails a request whose answer was dropped, or that does not reach the peer.
    void on_no_answer(const wire::Metadata& metadata, const Error& why) {
        if (auto operation = take_answered(metadata)) {
            fail(std::move(operation), why, completions_.get());
        }
    }

    /// Fails the request of this id, which opens a stream over a connection that is lost.
    void on_lost(std::string_view text) {
        std::unique_lock lock(mutex_);
        const auto id = text_.read(text);
        if (auto operation = id ? pending_.take(*id) : nullptr) {
            unsent_queue_.take(*id);
            lock.unlock();
            fail(std::move(operation), {errc::connection_lost});
        }
    }

    /// Called by the timer.
    void on_timer();

 private:
    /// True if the message may be sent now. Queued messages of its priority or a higher one are first, but requests pass
    /// notifications that lack credit.
    bool can_send(const Outgoing& outgoing) noexcept {
        return sender_.is_open() && (unsent_queue_.empty() || passes_unsent(outgoing));
    }
    bool passes_unsent(const Outgoing& outgoing) noexcept {
        return (only_notifications_wait_ && !follows_notifications(outgoing)) ||
               (outgoing.type != wire::MessageType::flush && !unsent_queue_.has_before(outgoing.priority));
    }
    static bool follows_notifications(const Outgoing& outgoing) noexcept {
        return outgoing.is_notification() || outgoing.type == wire::MessageType::flush;
    }

    /// Operations that fail at the end of the scope, after the lock that begins later is released.
    struct Failing : OperationList {
        Failing(Requester& requester, const Error& error) noexcept : requester_(requester), error_(error.worded()) {}
        ~Failing() {
            while (auto operation = pop()) {
                requester_.fail(std::move(operation), error_);
            }
        }

     private:
        Requester& requester_;
        const Error error_;
    };

    struct Outcome {
        bool sent = false;
        std::optional<Error> error = {};
    };

    /// Sends a notification, and counts it, if there is a connection with room and credit for it. With the lock held.
    bool send_now(Outgoing& outgoing) {
        const std::size_t size = outgoing.body.size();
        const bool sent = can_send(outgoing) && sender_.send({}, outgoing) == Sender::Sent::yes;
        if (sent && counters_) {
            Counters::add(counters_->notifications);
            counters_->sent_sizes.record(size);
        }
        return sent;
    }

    /// Sends or queues the message, or returns the error if neither is possible.
    Outcome send_or_keep(RequestId id, Outgoing& outgoing);

    /// Sends queued messages, in order, until there is no more room.
    void send_waiting();

    void put_back(UnsentMessage& unsent, bool is_current);

    /// Puts the idempotent requests that were sent, but not over this connection, before all that wait, in the order in
    /// which they were started. Without memory for that they remain where they are.
    void put_back_idempotent(std::uint32_t connection = no_connection);
    void take_all(OperationList& taken) {
        pending_.for_each([&](RequestId id) { taken.add(pending_.take(id)); });
        unsent_queue_.clear();
    }
    /// Takes the requests that were sent, but not over this connection, and are not queued again.
    void take_sent(OperationList& taken, std::uint32_t connection = no_connection) {
        pending_.for_each([&](RequestId id) {
            if (pending_.connection_of(id) != connection && !unsent_queue_.contains(id)) {
                taken.add(pending_.take(id));
            }
        });
    }
    /// Takes the unsent requests that do not wait for a connection, once there is none. An idempotent one may have been
    /// sent before, and waits.
    void take_connectionless(OperationList& taken) {
        pending_.for_each([&](RequestId id) {
            if (pending_.needs_connection(id) && unsent_queue_.contains(id) && !pending_.find_operation(id)->repeat) {
                unsent_queue_.take(id);
                taken.add(pending_.take(id));
            }
        });
    }

    struct Failed {
        OperationPtr operation;
        Error error;
    };

    /// Removes a request whose deadline has passed, and describes its state.
    Failed take_expired(RequestId id);
    /// The next of them. If there is none, waits for the next deadline.
    std::optional<Failed> take_next_expired(Clock::time_point now);
    Lateness lateness_of(RequestId id) const;

    OperationPtr take_answered(const wire::Metadata& metadata);

    /// An armed timer keeps `io_context::run` from returning. So does a connection: with a connection the timer stays
    /// armed, which saves each request the work.
    void disarm_if_idle() {
        if (!sender_.is_connected() && pending_.empty()) {
            timer_.disarm();
        }
    }

    void count_time(const Operation& operation) const {
        if (operation.begun != Clock::time_point()) {
            counters_->request_times.record(Clock::now() - operation.begun);
        }
    }

    void fail(OperationPtr operation, const Error& error, Completions* completions = nullptr);

    static constexpr std::uint32_t no_connection = 0;
    const std::size_t max_unsent_;
    std::shared_ptr<const AskingInterceptor> interceptor_;
    const std::size_t max_loaded_;
    const std::shared_ptr<Counters> counters_;
    const Destination destination_;
    const std::shared_ptr<Completions> completions_;

    mutable base::OrderedMutex<base::LockOrder::requests> mutex_;  // guards the members below
    Sender sender_;
    NotificationBurst burst_;
    RequestIdCodec text_;
    wire::MetadataReader reader_;
    PendingRequests pending_;
    UnsentQueue unsent_queue_;
    std::uint64_t repeats_ = 0;             // idempotent requests so far
    bool only_notifications_wait_ = false;  // for credit, with the flushes behind them
    DeadlineTimer timer_;
    WaitingService<Requester>* service_ = nullptr;  // where this is registered, from the first request on
    std::uint32_t connections_ = 0;                 // so far
    bool closed_ = false;
    Error close_reason_{errc::closed};
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "requester.ipp"
#endif

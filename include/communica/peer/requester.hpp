// The asking half of a peer: requests that wait to be sent, and requests that wait for their answers.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../separate_compilation.hpp"
#include "../wire/metadata_reader.hpp"
#include "asking.hpp"
#include "deadline_timer.hpp"
#include "lateness.hpp"
#include "pending_requests.hpp"
#include "request_id_codec.hpp"
#include "sender.hpp"
#include "unsent_queue.hpp"
#include "waiting_service.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::peer {

/// Outlives connections: requests wait for the next one while there is none, or no room on it. One that was sent over a
/// connection that is lost may still be answered over the next. Thread-safe.
class Requester : public std::enable_shared_from_this<Requester> {
 public:
    /// `max_loaded`: bytes that the value of an answer may take. `streams`: those that are opened here.
    Requester(asio::any_io_executor executor, std::size_t max_unsent, std::shared_ptr<Counters> counters = nullptr,
              const RequestIdCodec& text = {}, Destination destination = {},
              std::size_t max_loaded = codec::Allowance::unlimited, std::shared_ptr<StreamTable> streams = nullptr);

    ~Requester() {
        if (service_ != nullptr) {
            service_->remove(this);
        }
    }
    Requester(const Requester&) = delete;
    Requester& operator=(const Requester&) = delete;

    const asio::any_io_executor& executor() const noexcept { return timer_.executor(); }

    bool is_connected() const {
        const std::lock_guard lock(mutex_);
        return sender_.is_connected();
    }
    bool is_idle() const {
        const std::lock_guard lock(mutex_);
        return pending_.empty() && unsent_queue_.empty();
    }

    // ---- asking

    /// A request or notification has begun; with an error it ends at once.
    void count(bool notification, const std::optional<Error>& error) {
        if (counters_) {
            Counters::add(notification ? counters_->notifications : counters_->requests);
            if (error) {
                counters_->count_error(error->code);
            }
        }
    }

    /// What sees each request before it begins; null for nothing. Set before the first one.
    const AskingInterceptor* asking_interceptor() const noexcept { return interceptor_.get(); }
    void set_asking_interceptor(std::shared_ptr<const AskingInterceptor> interceptor) noexcept {
        interceptor_ = std::move(interceptor);
    }

    /// Makes a number for a request before it is started, for its cancellation.
    RequestId reserve() {
        const std::lock_guard lock(mutex_);
        return pending_.reserve();
    }

    /// Sends a request or notification, or keeps it until it can be sent. `id` is a reserved number, or 0. What fails, be it
    /// for want of memory, ends the operation.
    void start(RequestId id, Outgoing&& outgoing, OperationPtr operation);

    /// Sends a notification if there is a connection with room for it; says whether there was.
    bool notify_now(std::string_view quoted_route, Bytes value);

    /// Forgets a request, whose completion gets `operation_aborted`. A late answer is dropped.
    void cancel(RequestId id);

    /// The execution context is being destroyed: so is what waits here.
    void abandon();

    // ---- moving requests that were not sent to another requester

    std::optional<RequestId> oldest_unsent() {
        const std::lock_guard lock(mutex_);
        return unsent_queue_.empty() ? std::nullopt : std::optional(unsent_queue_.front().id);
    }

    struct Taken {
        OperationPtr operation;  // null: it was completed in between
        Outgoing message;
    };
    Taken take_unsent(RequestId id);

    std::shared_ptr<Location> location_of(RequestId id) {
        const std::lock_guard lock(mutex_);
        const Operation* operation = pending_.find_operation(id);
        return operation != nullptr ? operation->location : nullptr;
    }

    // ---- the life of connections

    /// From now on messages go out over `connection`, first those that waited.
    void attach(const std::shared_ptr<Connection>& connection, const Capabilities& offer);

    /// The connection has ended: what it did not send waits for the next, and so does what may be sent again.
    void detach(const Connection& connection, std::vector<UnsentMessage> unsent);

    /// Nobody is going to answer what was sent: its outcome is unknown.
    void give_up_sent();

    /// Nothing that was sent waits any more: the next is another session's.
    void renew(const RequestIdCodec& text) {
        const std::lock_guard lock(mutex_);
        text_ = text;
    }

    /// Which of the requests that wait here are in a resumption; null if it is not a resumption.
    std::unique_ptr<RequestIds> read_resumed(Bytes body);

    /// Of what was sent over earlier connections the other side has these alone. All the rest was lost on the way, or its
    /// answer was.
    void on_resumed(const RequestIds& ids);

    /// The other side has handled so many notifications.
    void on_notifications_ended(std::uint64_t total) {
        const std::lock_guard lock(mutex_);
        sender_.on_notifications_ended(total);
        send_waiting();
    }

    void on_room() {
        const std::lock_guard lock(mutex_);
        send_waiting();
    }

    /// The other side takes no more requests: they wait for the next connection.
    void on_draining() {
        const std::lock_guard lock(mutex_);
        sender_.set_draining();
    }

    /// Ends every request with `reason`, now and until `open`.
    void close(const Error& reason);

    /// Lets requests in again after `close`, as another session.
    void open(const RequestIdCodec& text = {});

    // ---- answers

    /// Completes the request that this answers; one that nobody waits for is dropped.
    void on_answer(const wire::Metadata& metadata, const Message& message);

    /// The answer can't be had: it was dropped, or the request never reaches the other side.
    void on_no_answer(const wire::Metadata& metadata, const Error& why) {
        if (auto operation = take_answered(metadata)) {
            fail(std::move(operation), why, CompletionMode::dispatch);
        }
    }

    /// The connection is gone over which the stream of this id was being opened.
    void on_lost(std::string_view id);

    /// Called by the timer.
    void on_timer();

 private:
    /// May it go out now? What waits goes first, but requests pass notifications that the other side has no room for.
    bool can_send(const Outgoing& outgoing) const noexcept {
        return sender_.is_open() &&
               (unsent_queue_.empty() || (only_notifications_wait_ && !follows_notifications(outgoing)));
    }
    static bool follows_notifications(const Outgoing& outgoing) noexcept {
        return outgoing.is_notification() || outgoing.type == wire::MessageType::flush;
    }

    struct Outcome {
        bool sent = false;
        std::optional<Error> error = {};
    };

    /// Sends the message or puts it into the unsent_queue, or says why neither can be.
    Outcome send_or_keep(RequestId id, Outgoing& outgoing);

    /// Sends what waits, in order, until there is no more room.
    void send_waiting();

    void put_back(UnsentMessage& unsent);

    /// What was sent and not answered, and does no harm if it is carried out twice.
    void put_back_idempotent();

    struct Failed {
        OperationPtr operation;
        Error error;
    };

    /// Takes a request whose time is over, with what is known of it.
    Failed take_expired(RequestId id);

    OperationPtr take_answered(const wire::Metadata& metadata);

    /// A timer keeps the io_context at work. A connection does too, so while there is one the timer may stay, and a
    /// request need not pay for it.
    void disarm_if_idle() {
        if (!sender_.is_connected() && pending_.empty()) {
            timer_.disarm();
        }
    }

    void fail(OperationPtr operation, const Error& error, CompletionMode mode = CompletionMode::post);
    void fail_all(std::vector<OperationPtr>& operations, const Error& error) {
        for (auto& operation : operations) {
            try {
                fail(std::move(operation), error);
            } catch (...) {  // NOLINT(bugprone-empty-catch): for want of memory this one can't be told; the others can
            }
        }
    }

    const std::size_t max_unsent_;
    std::shared_ptr<const AskingInterceptor> interceptor_;
    const std::size_t max_loaded_;
    const std::shared_ptr<Counters> counters_;
    const Destination destination_;

    mutable std::mutex mutex_;  // for what follows; a connection's own lock may be taken under it, never the reverse
    Sender sender_;
    RequestIdCodec text_;
    wire::MetadataReader reader_;
    PendingRequests pending_;
    UnsentQueue unsent_queue_;
    bool only_notifications_wait_ = false;  // and flushes behind them, for credit
    DeadlineTimer timer_;
    WaitingService<Requester>* service_ = nullptr;  // that knows this, from the first request on
    std::uint32_t connections_ = 0;                 // that there have been
    bool closed_ = false;
    Error close_reason_{errc::closed};
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "requester.ipp"
#endif

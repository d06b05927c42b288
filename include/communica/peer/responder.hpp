// The answering half of a peer: running requests, and answers that wait for a connection.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../lock_order.hpp"
#include "../separate_compilation.hpp"
#include "../wire/metadata.hpp"
#include "capabilities.hpp"
#include "deadline_timer.hpp"
#include "handler_timer.hpp"
#include "idle_workers.hpp"
#include "inflight_call.hpp"
#include "late_handlers.hpp"
#include "reply.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::peer {

/// Outlives connections: a running coroutine continues when its connection is lost, and its answer is sent over the
/// next one. Keeps running requests within the limits. Thread-safe.
class Responder : public std::enable_shared_from_this<Responder> {
 public:
    /// `handlers` gets the failures; null: nobody does.
    Responder(const asio::any_io_executor& executor, const ConnectionOptions& options,
              std::shared_ptr<const Handlers> handlers = nullptr);

    // ---- requests

    /// Counts a received request or notification, and the size of its body if it is known.
    void count(const wire::Metadata& metadata, std::optional<std::size_t> bytes = {});

    /// Starts the timer of a handler that is about to be called. Without counters it does not run.
    HandlerTimer start_timer(RouteCounters* route) const {
        return counters_ ? HandlerTimer{Clock::now(), route} : HandlerTimer();
    }
    /// Stops the timer of a handler that has ended. If its deadline had passed, reports that.
    void stop_timer(HandlerTimer& timer, const wire::Metadata& metadata) const;

    /// Returns the error to answer if a request of `bytes` bytes is refused; otherwise none.
    std::optional<Error> refusal(const Connection& connection, const wire::Metadata& metadata, std::size_t bytes) const;

    /// The same for a request whose loaded value takes `bytes` bytes. Accepts any size if nothing else is held and the
    /// entity's budget permits.
    std::optional<Error> refusal(const Connection& connection, std::size_t bytes) const;

    /// Returns when a request that has just arrived has to be answered; none if the peer did not say.
    std::optional<Clock::time_point> deadline_of(const wire::Metadata& metadata) const;

    /// Registers a request that a coroutine of `handler` answers and that holds `bytes` bytes, and returns its worker.
    /// The worker has no call after `close`. Call this on the connection's executor.
    Worker begin(const std::shared_ptr<Connection>& connection, const wire::Metadata& metadata, std::size_t bytes,
                 const void* handler = nullptr);

    /// Ends a call whose coroutine's state is destroyed. Sends its reply, unless it was answered or cancelled before.
    void finish(InflightCall& call, Reply& reply);

    /// Sends an answer over the connection of its request, or the one after it.
    void answer(Connection& connection, std::string_view before_type, std::string_view after_type, Reply& reply,
                SendClass send_class = SendClass::response);

    /// Sends the progress of a request, over its connection or the one after it. Returns false if it was not sent,
    /// because there is no room or no connection, or it is over the requester's limit.
    bool send_progress(Connection& connection, std::string_view id, Buffer& json) {
        Buffer metadata;
        wire::write_metadata(metadata, {.type = wire::MessageType::progress, .id = id});
        if (metadata.size() + json.size() > max_answer_.load(std::memory_order_relaxed)) {
            return false;
        }
        if (connection.send(SendClass::stream, metadata.text(), json)) {
            return true;
        }
        const std::lock_guard lock(mutex_);
        return connection_ && connection_.get() != &connection &&
               connection_->send(SendClass::stream, metadata.text(), json);
    }

    /// The requester has cancelled the request.
    void cancel(std::string_view id);

    bool is_idle() const {
        const std::lock_guard lock(mutex_);
        return calls_.empty() && answers_.empty();
    }
    std::size_t at_work() const noexcept {
        return at_work_.load(std::memory_order_relaxed) + notifications_at_work_.load(std::memory_order_relaxed);
    }

    // ---- connections

    /// Sends answers over `connection` from now on, queued ones first.
    void attach(const std::shared_ptr<Connection>& connection, const Capabilities& offer);

    /// Tells the peer which of its requests are running. Called once their answers can only arrive over this
    /// connection.
    void send_resumed();

    /// The connection has ended. Its unsent answers wait for the next.
    void detach(const Connection& connection, std::vector<UnsentMessage> unsent);

    /// Cancels the running requests, because the requester's session is over. Running notifications have `window` to
    /// end, and are then cancelled and reported as failed.
    void abandon(Clock::duration window);

    /// Cancels and reports the handlers that have not ended in time. Calls code of the user: call it without a lock.
    void cancel_expired();

    /// Answers requests with `draining` from now on; notifications are still handled. `idle` is called, without a lock,
    /// each time the last running call ends.
    void drain(std::function<void()> idle);

    /// Answers all running requests with `closed`, and cancels them. Nothing starts until `open`. Returns what it has
    /// cancelled.
    std::vector<std::shared_ptr<InflightCall>> close();

    void open();

    /// Called by the timer.
    void on_timer();

 private:
    /// An answer of this many bytes is always sent: an error in its place would be no smaller.
    static constexpr std::size_t always_sent = 128;

    static constexpr const char* no_room = "too many bytes of requests at work and answers not read";

    static Error unavailable(errc why, std::string message, std::int64_t status = 503) {
        return {.code = why, .message = std::move(message), .status = status, .kind = Error::Kind::responder};
    }
    static Error unavailable(errc why, std::int64_t status = 503) {
        return unavailable(why, make_error_code(why).message(), status);
    }

    void count(const Reply& reply);

    void hold(std::ptrdiff_t bytes);

    void remove(InflightCall& call);

    /// Cancels the handler of a call whose deadline has passed, and answers if that is a request. Returns null if there
    /// is none.
    std::shared_ptr<InflightCall> take_expired(Clock::time_point now);

    void disarm_if_idle();

    void forget_all();

    /// Workers wait for calls of the current connection. Those of an earlier one end.
    Worker worker_for(const std::shared_ptr<Connection>& connection, const void* handler);

    static void cancel_now(const std::shared_ptr<InflightCall>& call);

    /// Answers in place of a coroutine, and cancels it. Posted, so that a coroutine about to finish, as after it has
    /// closed its entity, still answers itself.
    void answer_and_cancel(const std::shared_ptr<InflightCall>& call, errc why, std::int64_t status);

    void send_unavailable(const InflightCall& call, const Error& error);

    void answer_locked(const InflightCall& call, Reply& reply);

    /// Writes the metadata of an answer. Replaces an answer that is too large, or with which too many bytes are unread.
    /// `freed`: bytes that the answer releases.
    Buffer answer_metadata(const Connection& connection, Reply& reply, std::string_view before_type,
                           std::string_view after_type, std::size_t freed = 0);

    /// Replaces an answer by an error if it is over the requester's limit, or if too many bytes of answers are unread.
    void replace_if_too_large(const Connection& connection, Reply& reply, bool is_too_large, std::size_t freed);

    /// True if `bytes` more may be held once `freed` are released, or if nothing else is held. The entity's budget has
    /// to permit it as well.
    bool has_room(const Connection& connection, std::size_t bytes, std::size_t freed = 0) const;

    /// Sends over the current connection, or the next.
    void send_later(const Buffer& metadata, Reply& reply);

    /// Bytes held by an answer that waits for a connection.
    static std::size_t cost_of(const UnsentMessage& answer) noexcept {
        return answer.body.size() + answer.metadata.size() + sizeof(UnsentMessage);
    }

    void send_kept();

    const std::size_t max_requests_;
    const std::size_t max_inflight_bytes_;
    const std::shared_ptr<Budget> budget_;
    const std::shared_ptr<base::AttachmentShare> descriptors_;
    const std::shared_ptr<Counters> counters_;
    const LateHandlers late_;

    // Read without the lock for every request; written under it.
    std::atomic<errc> rejection_reason_ = errc{};  // `draining` or `closed`
    std::atomic<bool> offers_deadline_ = false;
    std::atomic<std::size_t> max_answer_ = Capabilities().max_message;
    std::atomic<std::size_t> max_descriptors_ = 0;
    std::atomic<std::size_t> at_work_ = 0;  // requests
    std::atomic<std::size_t> notifications_at_work_ = 0;
    std::atomic<std::size_t> held_ = 0;  // bytes of running calls and of waiting answers

    mutable base::OrderedMutex<base::LockOrder::requests> mutex_;  // guards the members below
    std::shared_ptr<Connection> connection_;
    std::shared_ptr<IdleWorkers> idle_workers_;  // of this connection; null before its first coroutine
    InflightCalls calls_;
    std::list<UnsentMessage> answers_;
    DeadlineTimer timer_;
    BudgetReservation share_;  // for the bytes held
    Gauge gauge_;              // of the running calls
    std::function<void()> idle_;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "responder.ipp"
#endif

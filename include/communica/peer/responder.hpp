// The answering half of a peer: requests at work, and answers that wait for a connection.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../separate_compilation.hpp"
#include "../wire/metadata.hpp"
#include "capabilities.hpp"
#include "deadline_timer.hpp"
#include "idle_workers.hpp"
#include "inflight_call.hpp"
#include "reply.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace communica::peer {

/// Outlives connections: a coroutine at work goes on when its connection is lost, and its answer goes out over the next
/// one. Keeps what is at work within the limits. Thread-safe.
class Responder : public std::enable_shared_from_this<Responder> {
 public:
    Responder(const asio::any_io_executor& executor, const ConnectionOptions& options);

    // ---- requests

    void count(const wire::Metadata& metadata);

    /// May a request of so many bytes be handed out? Otherwise the answer that it gets instead.
    std::optional<Error> refusal(const Connection& connection, const wire::Metadata& metadata, std::size_t bytes) const;

    /// The same for a request whose value, which takes so many bytes, has been loaded. One is let in in any case.
    std::optional<Error> refusal(const Connection& connection, std::size_t bytes) const;

    /// When a request that has just come is to be answered; never, if nobody said.
    std::optional<Clock::time_point> deadline_of(const wire::Metadata& metadata) const;

    /// Registers a request that a coroutine of `handler` answers and that holds so many bytes, and says which. No call if
    /// nothing may start any more.
    /// On the connection's executor.
    Worker begin(const std::shared_ptr<Connection>& connection, const wire::Metadata& metadata, std::size_t bytes,
                 const void* handler = nullptr);

    /// Nothing of the coroutine is left but its reply, which goes out unless somebody answered for it or nobody wants it
    /// any more.
    void finish(InflightCall& call, Reply& reply);

    /// Sends an answer over the connection that the request came by, or the one that followed it.
    void answer(Connection& connection, std::string_view before_type, std::string_view after_type, Reply& reply,
                SendClass send_class = SendClass::response);

    /// The requester does not want an answer any more.
    void cancel(std::string_view id);

    bool is_idle() const;
    std::size_t at_work() const noexcept {
        return at_work_.load(std::memory_order_relaxed) + notifications_at_work_.load(std::memory_order_relaxed);
    }

    // ---- the life of connections

    /// From now on answers go out over `connection`, first those that waited.
    void attach(const std::shared_ptr<Connection>& connection, const Capabilities& offer);

    /// Tells the other side which of its requests are at work, once their answers can come over this connection alone.
    void send_resumed();

    /// The connection has ended: what it did not send waits for the next.
    void detach(const Connection& connection, std::vector<UnsentMessage> unsent);

    /// Nobody waits for the answers to what is at work here: the requester's session is over. Notifications, for which nobody
    /// waited anyway, are handled to their end.
    void abandon();

    /// From now on requests are answered `draining`; notifications are still handled. `idle` is called, without a lock, each time that nothing is at
    /// work any more.
    void drain(std::function<void()> idle);

    /// Answers all that is at work with `closed`, and cancels it. Nothing starts until `open`.
    void close();

    void open();

    /// Called by the timer.
    void on_timer();

 private:
    /// An answer of so many bytes always goes out: an error in its place would be no smaller.
    static constexpr std::size_t always_sent = 128;

    static constexpr const char* no_room = "too many bytes of requests at work and answers not read";

    static Error unavailable(errc why, std::string message, std::int64_t status = 503);
    static Error unavailable(errc why, std::int64_t status = 503);

    void count(const Reply& reply);

    void hold(std::ptrdiff_t bytes);

    void remove(InflightCall& call);

    void disarm_if_idle();

    void forget_all();

    /// Workers wait for the connection that there is; those of an earlier one end.
    Worker worker_for(const std::shared_ptr<Connection>& connection, const void* handler);

    static void cancel_now(const std::shared_ptr<InflightCall>& call);

    /// Answers in the place of a coroutine, and cancels it. Posted: one that is just about to be done, as after it has
    /// closed its entity, still answers by itself.
    void answer_and_cancel(const std::shared_ptr<InflightCall>& call, errc why, std::int64_t status);

    void send_unavailable(const InflightCall& call, const Error& error);

    void answer_locked(const InflightCall& call, Reply& reply);

    /// Makes another answer of one that is too large, or that finds too many unread. With it so many bytes become free.
    Buffer answer_metadata(const Connection& connection, Reply& reply, std::string_view before_type,
                           std::string_view after_type, std::size_t freed = 0);

    /// Makes an error of an answer that is too large for the requester, or finds too many unread.
    void replace_if_too_large(const Connection& connection, Reply& reply, bool is_too_large, std::size_t freed);

    /// May so many bytes be held more, once as many as `freed` are not any more? In any case where nothing else is.
    bool has_room(const Connection& connection, std::size_t bytes, std::size_t freed = 0) const;

    /// Over the connection that there is now, or the next.
    void send_later(const Buffer& metadata, Reply& reply);

    /// What an answer holds that waits for a connection.
    static std::size_t cost_of(const UnsentMessage& answer) noexcept {
        return answer.body.size() + answer.metadata.size() + sizeof(UnsentMessage);
    }
    void keep(UnsentMessage answer);

    void send_kept();

    const std::size_t max_requests_;
    const std::size_t max_inflight_bytes_;
    const std::shared_ptr<Budget> budget_;
    const std::shared_ptr<Counters> counters_;

    // Read without the lock, for every request; written under it.
    std::atomic<errc> rejection_reason_ = errc{};  // `draining` or `closed`
    std::atomic<bool> offers_deadline_ = false;
    std::atomic<std::size_t> max_answer_ = Capabilities().max_message;
    std::atomic<std::size_t> at_work_ = 0;  // requests
    std::atomic<std::size_t> notifications_at_work_ = 0;
    std::atomic<std::size_t> held_ = 0;  // bytes of calls and of kept answers

    mutable std::mutex mutex_;  // for what follows; a connection's own lock may be taken under it, never the reverse
    std::shared_ptr<Connection> connection_;
    std::shared_ptr<IdleWorkers> idle_workers_;  // of this connection, once it has had a coroutine
    InflightCalls calls_;
    std::list<UnsentMessage> answers_;
    DeadlineTimer timer_;
    BudgetReservation share_;  // of what is held
    Gauge gauge_;              // of the calls
    std::function<void()> idle_;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "responder.ipp"
#endif

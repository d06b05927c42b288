// The asking half of a peer: requests that wait to be sent, and requests that wait for their answers.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../wire/error_body.hpp"
#include "../wire/metadata_reader.hpp"
#include "deadline_timer.hpp"
#include "outbox.hpp"
#include "pending_requests.hpp"
#include "request_text.hpp"
#include "sender.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

namespace communica::peer {

/// Outlives connections: requests wait for the next one while there is none, or no room on it. One that was sent over a
/// connection that is lost may still be answered over the next. Thread-safe.
class Requester : public std::enable_shared_from_this<Requester> {
 public:
    Requester(asio::any_io_executor executor, std::size_t max_unsent, std::shared_ptr<Counters> counters = nullptr,
              const RequestText& text = {})
        : max_unsent_(max_unsent),
          counters_(std::move(counters)),
          text_(text),
          outbox_(counters_),
          timer_(std::move(executor)) {}

    const asio::any_io_executor& executor() const noexcept { return timer_.executor(); }

    bool is_connected() const {
        const std::lock_guard lock(mutex_);
        return sender_.is_connected();
    }
    bool is_idle() const {
        const std::lock_guard lock(mutex_);
        return pending_.empty() && outbox_.empty();
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

    /// Makes a number for a request before it is started, for its cancellation.
    RequestId reserve() {
        const std::lock_guard lock(mutex_);
        return pending_.reserve();
    }

    /// Sends a request or notification, or keeps it until it can be sent. `id` is a reserved number, or 0.
    void start(RequestId id, Outgoing&& outgoing, OperationPtr operation) {
        std::unique_lock lock(mutex_);
        if (closed_) {
            pending_.take(id);
            lock.unlock();
            return fail(std::move(operation), close_reason_);
        }
        if (id == 0) {
            id = pending_.reserve();
        }
        const auto deadline = outgoing.timeout ? std::optional(deadline_after(*outgoing.timeout)) : std::nullopt;
        const bool notification = outgoing.is_notification();
        if (outgoing.idempotent && !notification) {
            operation->again = std::make_unique<const Outgoing>(outgoing.copy());
        }
        if (auto cancelled = pending_.set(id, std::move(operation), deadline)) {
            lock.unlock();
            return fail(std::move(cancelled), {asio::error::operation_aborted});
        }
        const auto [sent, error] = send_or_keep(id, outgoing);
        if (error || (sent && notification)) {
            auto done = pending_.take(id);
            lock.unlock();
            return error ? fail(std::move(done), *error) : done.release()->succeed({}, nullptr, Via::post);
        }
        if (deadline && !timer_.runs_by(*deadline)) {  // it does for most: they need no weak pointer
            timer_.arm(*deadline, weak_from_this());
        }
    }

    /// Sends a notification if there is a connection with room for it; says whether there was.
    bool notify_now(std::string_view quoted_route, Bytes value) {
        Outgoing outgoing{.type = wire::MessageType::notification, .quoted_route = std::string(quoted_route)};
        outgoing.body.append(value);
        const std::lock_guard lock(mutex_);
        const bool sent = can_send() && sender_.send({}, outgoing, std::nullopt) == Sender::Sent::yes;
        if (sent) {
            count(true, std::nullopt);
        }
        return sent;
    }

    /// Forgets a request, whose completion gets `operation_aborted`. A late answer is dropped.
    void cancel(RequestId id) {
        std::unique_lock lock(mutex_);
        auto operation = pending_.take(id);
        if (operation && !outbox_.take(id)) {
            sender_.cancel(text_.write(id));
        }
        disarm_if_idle();
        lock.unlock();
        if (operation) {
            fail(std::move(operation), {asio::error::operation_aborted});
        }
    }

    // ---- moving requests that were not sent to another requester

    std::optional<RequestId> oldest_unsent() {
        const std::lock_guard lock(mutex_);
        return outbox_.empty() ? std::nullopt : std::optional(outbox_.front().id);
    }

    struct Taken {
        OperationPtr operation;  // null: it was completed in between
        Outgoing message;
    };
    Taken take_unsent(RequestId id) {
        const std::lock_guard lock(mutex_);
        const auto deadline = pending_.deadline_of(id);
        Taken taken{pending_.take(id), outbox_.take(id).value_or(Outgoing{})};
        taken.message.timeout = deadline ? std::optional(*deadline - Clock::now()) : std::nullopt;
        disarm_if_idle();
        return taken;
    }

    std::shared_ptr<Location> location_of(RequestId id) {
        const std::lock_guard lock(mutex_);
        const Operation* operation = pending_.find_operation(id);
        return operation != nullptr ? operation->location : nullptr;
    }

    // ---- the life of connections

    /// From now on messages go out over `connection`, first those that waited.
    void attach(const std::shared_ptr<Connection>& connection, const Offer& offer) {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            return;
        }
        if (sender_.is_connected()) {
            put_back_idempotent();  // the connection that this one replaces is as good as lost
        }
        sender_.attach(connection, offer);
        send_waiting();
    }

    /// The connection has ended: what it did not send waits for the next, and so does what may be sent again.
    void detach(const Connection& connection, std::vector<UnsentMessage> unsent) {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            return;
        }
        std::for_each(unsent.rbegin(), unsent.rend(), [this](UnsentMessage& message) { put_back(message); });
        if (sender_.is_connected_by(connection)) {
            sender_.detach();
            put_back_idempotent();
            disarm_if_idle();
        } else {
            send_waiting();
        }
    }

    /// Nobody is going to answer what was sent: its outcome is unknown.
    void give_up_sent() {
        std::vector<OperationPtr> failed;
        {
            const std::lock_guard lock(mutex_);
            put_back_idempotent();
            for (const RequestId id : pending_.ids()) {
                if (!outbox_.contains(id)) {
                    failed.push_back(pending_.take(id));
                }
            }
            disarm_if_idle();
        }
        fail_all(failed, {errc::connection_lost});
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
    void close(const Error& reason) {
        std::vector<OperationPtr> failed;
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
            close_reason_ = reason;
            sender_.detach();
            for (const RequestId id : pending_.ids()) {
                failed.push_back(pending_.take(id));
            }
            outbox_.clear();
            timer_.disarm();
        }
        fail_all(failed, reason);
    }

    /// Lets requests in again after `close`, as another session.
    void open(const RequestText& text = {}) {
        const std::lock_guard lock(mutex_);
        if (std::exchange(closed_, false)) {
            text_ = text;
        }
    }

    // ---- answers

    /// Completes the request that this answers; one that nobody waits for is dropped.
    void on_answer(const wire::Metadata& metadata, const Message& message) {
        if (auto operation = take_answered(metadata)) {
            if (metadata.type == wire::MessageType::ok) {
                if (counters_) {
                    Counters::add(counters_->answers);
                }
                operation.release()->succeed(message.body, message.memory, Via::dispatch);
            } else {
                fail(std::move(operation), wire::read_error_body(metadata.type, message.body), Via::dispatch);
            }
        }
    }

    /// The answer can't be had: it was dropped, or the request never reaches the other side.
    void on_no_answer(const wire::Metadata& metadata, const Error& why) {
        if (auto operation = take_answered(metadata)) {
            fail(std::move(operation), why, Via::dispatch);
        }
    }

    /// Called by the timer.
    void on_timer() {
        std::vector<OperationPtr> failed;
        {
            const std::lock_guard lock(mutex_);
            timer_.has_run();
            const auto now = Clock::now();
            while (const auto id = pending_.expired(now)) {
                failed.push_back(pending_.take(*id));
                outbox_.take(*id);
            }
            if (const auto next = pending_.earliest()) {
                timer_.arm(*next, weak_from_this());
            }
        }
        fail_all(failed, {errc::timeout});
    }

 private:
    bool can_send() const noexcept { return sender_.is_open() && outbox_.empty(); }

    struct Outcome {
        bool sent = false;
        std::optional<Error> error = {};
    };

    /// Sends the message or puts it into the outbox, or says why neither can be.
    Outcome send_or_keep(RequestId id, Outgoing& outgoing) {
        if (can_send()) {
            switch (sender_.send(text_.write(id), outgoing, outgoing.timeout)) {
                case Sender::Sent::yes: return {.sent = true};
                case Sender::Sent::too_large: return {.error = sender_.too_large()};
                case Sender::Sent::no_room: break;
            }
        } else if (!outgoing.wait_for_connection && !sender_.is_open()) {
            return {.error = Error{sender_.is_connected() ? errc::draining : errc::not_connected}};
        }
        if (outbox_.bytes() + outgoing.size() > max_unsent_) {
            return {.error = Error{errc::queue_full}};
        }
        outbox_.add(id, std::move(outgoing));
        return {};
    }

    /// Sends what waits, in order, until there is no more room.
    void send_waiting() {
        while (!outbox_.empty() && sender_.is_open()) {
            auto& [id, message, bytes] = outbox_.front();
            const auto deadline = pending_.deadline_of(id);
            const auto left = deadline ? std::optional(*deadline - Clock::now()) : std::nullopt;
            const auto sent = sender_.send(text_.write(id), message, left);
            if (sent == Sender::Sent::no_room) {
                return;
            }
            const bool done = sent == Sender::Sent::too_large || message.is_notification();
            if (auto operation = done ? pending_.take(id) : nullptr) {
                sent == Sender::Sent::yes ? operation.release()->succeed({}, nullptr, Via::post)
                                          : fail(std::move(operation), sender_.too_large());
            }
            outbox_.pop_front();
        }
    }

    void put_back(UnsentMessage& unsent) {
        const auto metadata = reader_.read(unsent.metadata);
        if (metadata.type != wire::MessageType::request && metadata.type != wire::MessageType::notification) {
            return;  // meant for the connection that is gone
        }
        Outgoing outgoing{.type = metadata.type, .headers = std::string(metadata.headers)};
        const RequestId id = outgoing.is_notification() ? 0 : text_.read(metadata.id).value_or(0);
        if (!outgoing.is_notification() && (!pending_.contains(id) || outbox_.contains(id))) {
            return;  // cancelled or timed out meanwhile, or put back already
        }
        outgoing.quoted_route = metadata.route ? wire::quote_json(*metadata.route) : std::string();
        outgoing.body = std::move(unsent.body);
        outbox_.put_back(id, std::move(outgoing));
    }

    /// What was sent and not answered, and does no harm if it is carried out twice.
    void put_back_idempotent() {
        const auto ids = pending_.ids();
        for (const RequestId id : std::views::reverse(ids)) {
            const Operation* operation = pending_.find_operation(id);
            if (operation->again && !outbox_.contains(id)) {
                outbox_.put_back(id, operation->again->copy());
            }
        }
    }

    OperationPtr take_answered(const wire::Metadata& metadata) {
        const std::lock_guard lock(mutex_);
        const auto id = text_.read(metadata.id);
        if (!id) {
            return nullptr;
        }
        if (!outbox_.empty()) {
            outbox_.take(*id);  // an idempotent request about to be sent again
        }
        return pending_.take(*id);
    }

    /// A timer keeps the io_context at work. A connection does too, so while there is one the timer may stay, and a
    /// request need not pay for it.
    void disarm_if_idle() {
        if (!sender_.is_connected() && pending_.empty()) {
            timer_.disarm();
        }
    }

    void fail(OperationPtr operation, const Error& error, Via via = Via::post) {
        if (counters_) {
            counters_->count_error(error.code);
        }
        operation.release()->fail(error, via);
    }
    void fail_all(std::vector<OperationPtr>& operations, const Error& error) {
        for (auto& operation : operations) {
            fail(std::move(operation), error);
        }
    }

    const std::size_t max_unsent_;
    const std::shared_ptr<Counters> counters_;

    mutable std::mutex mutex_;  // for what follows; a connection's own lock may be taken under it, never the reverse
    Sender sender_;
    RequestText text_;
    wire::MetadataReader reader_;
    PendingRequests pending_;
    Outbox outbox_;
    DeadlineTimer timer_;
    bool closed_ = false;
    Error close_reason_{errc::closed};
};

}  // namespace communica::peer

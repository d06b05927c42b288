// The other side, as this process sees it: requests both ways, over one connection after another.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../wire/error_body.hpp"
#include "../wire/metadata.hpp"
#include "handlers.hpp"
#include "outbox.hpp"
#include "outgoing.hpp"
#include "pending_requests.hpp"
#include "request_text.hpp"
#include "running_handlers.hpp"

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace communica::peer {

/// The state that outlives a connection: requests that wait for answers, messages that wait for a connection, handlers
/// at work. A client has one for its life, a server one for each client id. Thread-safe.
///
/// While there is no connection, requests wait for the next. A request that went out on a connection that was lost
/// may still be answered on the next one; it fails when `resume_window` passes first.
class Peer : public std::enable_shared_from_this<Peer> {
 public:
    /// `expired` is called, without a lock, once the peer was away for the whole resume window.
    Peer(asio::any_io_executor executor, std::shared_ptr<const Handlers> handlers, std::string id,
         Clock::duration resume_window, std::function<void()> expired = {})
        : executor_(std::move(executor)),
          handlers_(std::move(handlers)),
          id_(std::move(id)),
          resume_window_(resume_window),
          expired_(std::move(expired)),
          timer_(executor_) {}

    const asio::any_io_executor& executor() const noexcept { return executor_; }
    const Handlers& handlers() const noexcept { return *handlers_; }
    /// The client id: the other side's on a server, this side's own on a client.
    const std::string& id() const noexcept { return id_; }

    bool is_connected() const {
        const std::lock_guard lock(mutex_);
        return connection_ != nullptr;
    }

    // ---- asking

    /// Makes a number for a request before it is started, for its cancellation.
    RequestId reserve() {
        const std::lock_guard lock(mutex_);
        return pending_.reserve();
    }

    /// Sends a request or notification, or keeps it until there is a connection. `id` is a reserved number, or 0.
    void start(RequestId id, Outgoing outgoing, OperationPtr operation) {
        std::unique_lock lock(mutex_);
        if (closed_) {
            pending_.take(id);
            lock.unlock();
            return operation.release()->fail(close_reason_, Via::post);
        }
        if (id == 0) {
            id = pending_.reserve();
        }
        const bool notification = outgoing.type == wire::MessageType::notification;
        Buffer metadata;
        write_request_metadata(metadata, outgoing, id);
        if (notification && connection_ && connection_->send(metadata.text(), outgoing.body)) {
            pending_.take(id);
            lock.unlock();
            return operation.release()->succeed({}, Via::post);
        }
        const auto deadline = outgoing.deadline();
        if (auto cancelled = pending_.set(id, std::move(operation), deadline)) {
            lock.unlock();
            return cancelled.release()->fail({asio::error::operation_aborted}, Via::post);
        }
        if (notification || !connection_ || !connection_->send(metadata.text(), outgoing.body)) {
            if (!outgoing.wait_for_connection) {
                auto refused = pending_.take(id);
                lock.unlock();
                return refused.release()->fail({errc::not_connected}, Via::post);
            }
            outbox_.add({id, std::string(metadata.text()), std::move(outgoing.body)});
        }
        if (deadline) {
            arm(*deadline);
        }
    }

    /// Sends a notification if there is a connection for it; says whether there was.
    bool notify_now(std::string_view quoted_route, Bytes value) {
        Buffer metadata;
        Buffer body;
        wire::write_metadata(metadata, wire::MessageType::notification, {}, quoted_route);
        body.append(value);
        const std::lock_guard lock(mutex_);
        return connection_ && connection_->send(metadata.text(), body);
    }

    /// Forgets a request, whose completion gets `operation_aborted`. A late answer is dropped.
    void cancel(RequestId id) {
        std::unique_lock lock(mutex_);
        auto operation = pending_.take(id);
        outbox_.drop(id);
        disarm_if_idle();
        lock.unlock();
        if (operation) {
            operation.release()->fail({asio::error::operation_aborted}, Via::post);
        }
    }

    // ---- moving requests that wait for a connection to another peer

    std::optional<RequestId> oldest_waiting() const {
        const std::lock_guard lock(mutex_);
        return outbox_.oldest();
    }

    struct Taken {
        OperationPtr operation;  // null: it was completed in between
        Waiting message;
        std::optional<Clock::time_point> deadline;
    };
    Taken take_waiting(RequestId id) {
        const std::lock_guard lock(mutex_);
        Taken taken;
        taken.deadline = pending_.deadline_of(id);
        taken.operation = pending_.take(id);
        taken.message = outbox_.take(id);
        disarm_if_idle();
        return taken;
    }

    std::shared_ptr<Location> location_of(RequestId id) {
        const std::lock_guard lock(mutex_);
        return pending_.location_of(id);
    }

    // ---- the life of connections

    /// From now on messages go out over `connection`, first those that waited. An earlier connection is closed.
    void attach(const std::shared_ptr<Connection>& connection) {
        std::vector<OperationPtr> done;
        std::shared_ptr<Connection> earlier;
        bool refused = false;
        {
            const std::lock_guard lock(mutex_);
            refused = closed_;
            if (!refused) {
                earlier = std::exchange(connection_, connection);
                resume_deadline_.reset();
                outbox_.send_to(*connection, [&](RequestId id) {
                    if (pending_.is_notification(id)) {
                        done.push_back(pending_.take(id));
                    }
                });
            }
        }
        for (auto& operation : done) {
            operation.release()->succeed({}, Via::post);
        }
        if (earlier) {
            earlier->close();
        }
        if (refused) {
            connection->close();
        }
    }

    /// The connection has ended: what it did not send waits for the next, and is sent at once if there is one.
    void detach(Connection& connection) {
        const std::lock_guard lock(mutex_);
        auto unsent = connection.take_unsent();
        if (closed_) {
            return;
        }
        for (auto message = unsent.rbegin(); message != unsent.rend(); ++message) {
            const RequestId id = number_in(message->metadata);
            if (id == 0 || pending_.contains(id)) {  // nobody wants what was cancelled or timed out meanwhile
                outbox_.put_back({id, std::move(message->metadata), std::move(message->body)});
            }
        }
        if (connection_.get() == &connection) {
            connection_.reset();
            resume_deadline_ = Clock::now() + resume_window_;
            if (expired_ || !pending_.empty()) {
                arm(*resume_deadline_);
            }
            disarm_if_idle();
        } else if (connection_) {
            outbox_.send_to(*connection_, [](RequestId) {});
        }
    }

    /// Ends every request with `reason`, cancels the handlers, says goodbye to the other side. Nothing starts from
    /// now on.
    void close(const Error& reason) {
        std::shared_ptr<Connection> connection;
        std::vector<OperationPtr> operations;
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
            close_reason_ = reason;
            connection = std::exchange(connection_, nullptr);
            for (const RequestId id : pending_.ids()) {
                operations.push_back(pending_.take(id));
            }
            running_.cancel_all();
            outbox_.clear();
            resume_deadline_.reset();
            armed_.reset();
            timer_.cancel();
        }
        for (auto& operation : operations) {
            operation.release()->fail(reason, Via::post);
        }
        if (connection) {
            connection->close();
        }
    }

    /// Lets requests in again after `close`.
    void open() {
        const std::lock_guard lock(mutex_);
        closed_ = false;
        resume_deadline_.reset();
    }

    bool is_closed() const {
        const std::lock_guard lock(mutex_);
        return closed_;
    }

    bool is_idle() const {
        const std::lock_guard lock(mutex_);
        return !connection_ && pending_.empty() && running_.empty() && outbox_.empty();
    }

    // ---- answering

    /// Sends an answer over the connection that the request came by, or the one that followed it.
    void answer(Connection& connection, std::string_view before_type, std::string_view after_type,
                wire::MessageType type, Buffer& body) {
        Buffer metadata;
        wire::write_answer_metadata(metadata, type, before_type, after_type);
        if (connection.send(metadata.text(), body)) {
            return;
        }
        const std::lock_guard lock(mutex_);
        if (!closed_ && !(connection_ && connection_->send(metadata.text(), body))) {
            outbox_.add({0, std::string(metadata.text()), std::move(body)});
        }
    }

    /// Registers a coroutine handler, so that closing cancels it. Null if nothing may start any more.
    std::shared_ptr<RunningHandler> begin_handler(asio::any_io_executor executor) {
        const std::lock_guard lock(mutex_);
        return closed_ ? nullptr : running_.begin(std::move(executor));
    }

    void end_handler(RunningHandler& handler) {
        const std::lock_guard lock(mutex_);
        running_.end(handler);
    }

    /// Completes the request that this answers; one that nobody waits for is dropped.
    void on_answer(const wire::Metadata& metadata, Bytes body) {
        if (auto operation = take_answered(metadata)) {
            if (metadata.type == wire::MessageType::ok) {
                operation.release()->succeed(body, Via::dispatch);
            } else {
                operation.release()->fail(wire::read_error_body(metadata.type, body), Via::dispatch);
            }
        }
    }

    void on_oversized_answer(const wire::Metadata& metadata) {
        if (auto operation = take_answered(metadata)) {
            operation.release()->fail({errc::message_too_large, "the answer is over this side's limit"}, Via::dispatch);
        }
    }

 private:
    void write_request_metadata(Buffer& out, const Outgoing& outgoing, RequestId id) const {
        if (outgoing.type == wire::MessageType::notification) {
            wire::write_metadata(out, outgoing.type, {}, outgoing.quoted_route);
        } else {
            const auto text = text_.write(id);
            wire::write_metadata(out, outgoing.type, {text.data(), text.size()}, outgoing.quoted_route);
        }
    }

    RequestId number_in(std::string_view metadata) {
        wire::MetadataReader reader;
        const auto parsed = reader.read(metadata);
        return parsed.is_answer() ? 0 : text_.read(parsed.id).value_or(0);
    }

    OperationPtr take_answered(const wire::Metadata& metadata) {
        const auto id = text_.read(metadata.id);
        const std::lock_guard lock(mutex_);
        return id ? pending_.take(*id) : nullptr;
    }

    /// Sees to it that `on_timer` runs at `when`, or before.
    void arm(Clock::time_point when) {
        if (armed_ && *armed_ <= when) {
            return;
        }
        armed_ = when;
        timer_.expires_at(when);
        timer_.async_wait([weak = weak_from_this()](asio::error_code error) {
            if (const auto self = error ? nullptr : weak.lock()) {
                self->on_timer();
            }
        });
    }

    /// A timer keeps the io_context at work. A connection does too, so while there is one the timer may stay, and a
    /// request need not pay for it.
    void disarm_if_idle() {
        if (armed_ && !connection_ && pending_.empty() && !(resume_deadline_ && expired_)) {
            armed_.reset();
            timer_.cancel();
        }
    }

    void on_timer() {
        std::vector<std::pair<OperationPtr, Error>> failed;
        bool expired = false;
        {
            const std::lock_guard lock(mutex_);
            if (closed_) {
                return;
            }
            armed_.reset();
            const auto now = Clock::now();
            while (const auto id = pending_.expired(now)) {
                failed.emplace_back(pending_.take(*id), Error{errc::timeout});
                outbox_.drop(*id);
            }
            if (resume_deadline_ && *resume_deadline_ <= now) {
                resume_deadline_.reset();
                expired = true;
                give_up_what_was_sent(failed);
            }
            if (const auto next = pending_.earliest()) {
                arm(*next);
            }
            if (resume_deadline_ && (expired_ || !pending_.empty())) {
                arm(*resume_deadline_);
            }
            disarm_if_idle();
        }
        for (auto& [operation, error] : failed) {
            operation.release()->fail(std::move(error), Via::dispatch);
        }
        if (expired && expired_) {
            expired_();
        }
    }

    void give_up_what_was_sent(std::vector<std::pair<OperationPtr, Error>>& failed) {
        for (const RequestId id : pending_.ids()) {
            if (!outbox_.contains(id)) {
                failed.emplace_back(pending_.take(id), Error{errc::connection_lost});
            }
        }
    }

    const asio::any_io_executor executor_;
    const std::shared_ptr<const Handlers> handlers_;
    const std::string id_;
    const Clock::duration resume_window_;
    const std::function<void()> expired_;
    const RequestText text_;

    mutable std::mutex mutex_;  // for what follows; a connection's own lock may be taken under it, never the reverse
    std::shared_ptr<Connection> connection_;
    PendingRequests pending_;
    Outbox outbox_;
    RunningHandlers running_;
    asio::steady_timer timer_;
    std::optional<Clock::time_point> armed_;
    std::optional<Clock::time_point> resume_deadline_;
    bool closed_ = false;
    Error close_reason_{errc::closed};
};

}  // namespace communica::peer

#pragma once

#include "../wire/resumption.hpp"
#include "responder.hpp"

#include <algorithm>
#include <utility>

namespace communica::peer {

COMMUNICA_INLINE Responder::Responder(const asio::any_io_executor& executor, const ConnectionOptions& options,
                                      std::shared_ptr<const Handlers> handlers)
    : max_requests_(options.limits.max_requests),
      max_inflight_bytes_(options.limits.max_inflight_bytes),
      budget_(options.budget),
      descriptors_(std::make_shared<base::AttachmentShare>(options.descriptors)),
      counters_(options.counters),
      late_(std::move(handlers)),
      timer_(executor),
      share_(options.budget),
      gauge_(options.counters, &Counters::at_work) {}

COMMUNICA_INLINE void Responder::count(const wire::Metadata& metadata, std::optional<std::size_t> bytes) {
    if (counters_) {
        Counters::add(metadata.wants_answer() ? counters_->received_requests : counters_->received_notifications);
        if (bytes) {
            counters_->received_sizes.record(*bytes);
        }
    }
}

COMMUNICA_INLINE void Responder::stop_timer(HandlerTimer& timer, const wire::Metadata& metadata) const {
    const auto begun = timer.begun;
    const auto time = timer.stop(*counters_) - begun;
    if (metadata.wants_answer() && metadata.timeout && time > *metadata.timeout &&
        offers_deadline_.load(std::memory_order_relaxed)) [[unlikely]] {
        late_.report(metadata.route.value_or(""), *metadata.timeout);
    }
}

COMMUNICA_INLINE std::optional<Error> Responder::refusal(const Connection& connection, const wire::Metadata& metadata,
                                                         std::size_t bytes) const {
    // Not relaxed: see `CallsUnderWay`. While draining, notifications are handled: their sender may not know of it.
    if (const errc why = rejection_reason_.load();
        why != errc{} && (why != errc::draining || metadata.wants_answer())) {
        return unavailable(why);
    }
    const bool is_request = metadata.wants_answer();
    if ((is_request ? at_work_ : notifications_at_work_).load(std::memory_order_relaxed) >= max_requests_) {
        return unavailable(errc::busy, is_request ? "too many requests at work" : "too many notifications at work");
    }
    const std::size_t held = held_.load(std::memory_order_relaxed) + connection.unread_answers();
    if (held + bytes > (is_request ? max_inflight_bytes_ : max_inflight_bytes_ + max_inflight_bytes_ / 4) ||
        (budget_ && !budget_->admits(held, 0))) {
        return unavailable(errc::busy, no_room);
    }
    if (metadata.timeout && metadata.timeout->count() <= 0 && deadline_of(metadata)) {
        return unavailable(errc::timeout, 504);
    }
    return std::nullopt;
}

COMMUNICA_INLINE std::optional<Error> Responder::refusal(const Connection& connection, std::size_t bytes) const {
    return has_room(connection, bytes) ? std::nullopt : std::optional(unavailable(errc::busy, no_room));
}

COMMUNICA_INLINE bool Responder::has_room(const Connection& connection, std::size_t bytes, std::size_t freed) const {
    std::size_t held = held_.load(std::memory_order_relaxed) + connection.unread_answers();
    held -= std::min(freed, held);  // the bytes of its request may be released already
    return (held == 0 || held + bytes <= max_inflight_bytes_) && (!budget_ || budget_->admits(held, 0));
}

COMMUNICA_INLINE std::optional<Clock::time_point> Responder::deadline_of(const wire::Metadata& metadata) const {
    return metadata.wants_answer() && metadata.timeout && offers_deadline_.load(std::memory_order_relaxed)
               ? std::optional(deadline_after(*metadata.timeout))
               : std::nullopt;
}

COMMUNICA_INLINE Worker Responder::begin(const std::shared_ptr<Connection>& connection, const wire::Metadata& metadata,
                                         std::size_t bytes, const void* handler) {
    const auto deadline = deadline_of(metadata);
    const std::lock_guard lock(mutex_);
    if (rejection_reason_.load(std::memory_order_relaxed) == errc::closed) {
        return Worker(nullptr);
    }
    Worker worker = worker_for(connection, handler);
    worker.call->begin(metadata, deadline, bytes);
    calls_.add(worker.call);
    hold(static_cast<std::ptrdiff_t>(worker.call->bytes));
    // Armed also without a deadline, so that idle workers end.
    if (deadline ? !timer_.runs_by(*deadline) : !timer_.is_armed()) {
        timer_.arm(deadline.value_or(deadline_after(wire::standard_timeout)), weak_from_this());
    }
    return worker;
}

COMMUNICA_INLINE void Responder::finish(InflightCall& call, Reply& reply) {
    const Gathering::One one;
    std::function<void()> idle;
    bool is_late = false;
    {
        const std::lock_guard lock(mutex_);
        const bool was_expired = !call.is_listed;
        if (!std::exchange(call.is_answered, true) && !call.is_cancelled() && call.wants_answer) {
            try {
                answer_locked(call, reply);
            } catch (...) {  // NOLINT(bugprone-empty-catch): without memory the requester's deadline ends the request
            }
        }
        call.timer.has_failed = reply.type != wire::MessageType::ok;
        if (call.timer.has_failed) [[unlikely]] {
            call.ticket.fail();
        }
        remove(call);
        const auto now = call.timer.runs() ? call.timer.stop(*counters_) : Clock::time_point::min();
        is_late = call.deadline && now > *call.deadline && !was_expired;
        idle = calls_.empty() ? idle_ : nullptr;
    }
    if (is_late) [[unlikely]] {  // the handler blocked the thread, so that the timer did not run
        late_.report(call);
    }
    if (idle) {
        idle();
    }
}

COMMUNICA_INLINE void Responder::answer(Connection& connection, std::string_view before_type,
                                        std::string_view after_type, Reply& reply, SendClass send_class) {
    const auto metadata = answer_metadata(connection, reply, before_type, after_type);
    if (!connection.send(send_class, metadata.text(), reply.body) && send_class != SendClass::rejection) {
        const std::lock_guard lock(mutex_);
        send_later(metadata, reply);
    }
}

COMMUNICA_INLINE void Responder::cancel(std::string_view id) {
    const std::lock_guard lock(mutex_);
    if (const auto call = calls_.find(id)) {
        remove(*call);
        cancel_now(call);
    }
}

COMMUNICA_INLINE void Responder::attach(const std::shared_ptr<Connection>& connection, const Capabilities& offer) {
    const std::lock_guard lock(mutex_);
    connection_ = connection;
    idle_workers_.reset();
    offers_deadline_.store(offer.deadline, std::memory_order_relaxed);
    max_answer_.store(offer.max_message, std::memory_order_relaxed);
    max_descriptors_.store(offer.max_descriptors, std::memory_order_relaxed);
    send_kept();
}

COMMUNICA_INLINE void Responder::send_resumed() {
    const std::lock_guard lock(mutex_);
    if (!connection_) {
        return;
    }
    Buffer metadata;
    Buffer body;
    wire::write_metadata(metadata, {.type = wire::MessageType::resumed});
    wire::write_resumption(body, [this](auto add) { calls_.for_each_id(add); });
    connection_->send(SendClass::response, metadata.text(), body);
}

COMMUNICA_INLINE void Responder::detach(const Connection& connection, std::vector<UnsentMessage> unsent) {
    const std::lock_guard lock(mutex_);
    if (connection_.get() == &connection) {
        connection_.reset();
        idle_workers_.reset();
        disarm_if_idle();
    }
    if (rejection_reason_.load(std::memory_order_relaxed) == errc::closed) {
        return;
    }
    for (auto message = unsent.rbegin(); message != unsent.rend(); ++message) {
        hold(static_cast<std::ptrdiff_t>(cost_of(*message)));
        answers_.push_front(std::move(*message));
    }
    send_kept();
}

COMMUNICA_INLINE void Responder::abandon(Clock::duration window) {
    const auto end = deadline_after(window);
    const std::lock_guard lock(mutex_);
    auto calls = calls_.take_all();
    forget_all();
    for (auto& call : calls) {
        if (call->wants_answer) {
            cancel_now(call);
        } else {
            call->deadline = std::min(call->deadline.value_or(end), end);
            hold(static_cast<std::ptrdiff_t>(call->bytes));
            calls_.add(std::move(call));
            timer_.arm(end, weak_from_this());
        }
    }
    hold(0);
    disarm_if_idle();
}

COMMUNICA_INLINE void Responder::drain(std::function<void()> idle) {
    const std::lock_guard lock(mutex_);
    errc open{};
    rejection_reason_.compare_exchange_strong(open, errc::draining);
    idle_ = std::move(idle);
}

COMMUNICA_INLINE std::vector<std::shared_ptr<InflightCall>> Responder::close() {
    const std::lock_guard lock(mutex_);
    rejection_reason_.store(errc::closed);
    auto cancelled = calls_.take_all();
    for (const auto& call : cancelled) {
        try {
            answer_and_cancel(call, errc::closed, 503);
        } catch (...) {  // out of memory: its handler ends by itself and is not answered
            call->cancelled.store(true, std::memory_order_relaxed);
        }
    }
    connection_.reset();
    idle_workers_.reset();
    idle_ = nullptr;
    timer_.disarm();
    forget_all();
    return cancelled;
}

COMMUNICA_INLINE void Responder::open() {
    const std::lock_guard lock(mutex_);
    rejection_reason_.store(errc{}, std::memory_order_relaxed);
}

COMMUNICA_INLINE void Responder::cancel_expired() {
    const auto now = Clock::now();
    while (const auto call = take_expired(now)) {
        late_.report(*call);
    }
}

COMMUNICA_INLINE void Responder::on_timer() {
    cancel_expired();
    const std::lock_guard lock(mutex_);
    timer_.has_run();
    if (const auto next = calls_.earliest()) {
        timer_.arm(*next, weak_from_this());
    } else if (idle_workers_) {
        asio::post(connection_->get_executor(), base::Task([idle = idle_workers_] { idle->clear(); }));
    }
}

COMMUNICA_INLINE std::shared_ptr<InflightCall> Responder::take_expired(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    auto call = calls_.expired(now);
    if (call) {
        call->ticket.fail();
        remove(*call);
        answer_and_cancel(call, errc::timeout, 504);
    }
    return call;
}

COMMUNICA_INLINE void Responder::count(const Reply& reply) {
    if (counters_) {
        Counters::add(reply.type == wire::MessageType::ok ? counters_->sent_answers : counters_->sent_errors);
        counters_->sent_sizes.record(reply.body.size());
    }
}

COMMUNICA_INLINE void Responder::hold(std::ptrdiff_t bytes) {
    held_.store(held_.load(std::memory_order_relaxed) + static_cast<std::size_t>(bytes), std::memory_order_relaxed);
    share_.set(held_.load(std::memory_order_relaxed));
    at_work_.store(calls_.size() - calls_.notifications(), std::memory_order_relaxed);
    notifications_at_work_.store(calls_.notifications(), std::memory_order_relaxed);
    gauge_.set(calls_.size());
}

COMMUNICA_INLINE void Responder::remove(InflightCall& call) {
    call.ticket.end();  // also if a close has forgotten the call meanwhile
    if (calls_.remove(call)) {
        hold(-static_cast<std::ptrdiff_t>(call.bytes));
        disarm_if_idle();
    }
}

COMMUNICA_INLINE void Responder::disarm_if_idle() {
    if (calls_.empty() && !connection_) {
        timer_.disarm();
    }
}

COMMUNICA_INLINE void Responder::forget_all() {
    answers_.clear();
    held_.store(0, std::memory_order_relaxed);
    hold(0);
}

COMMUNICA_INLINE Worker Responder::worker_for(const std::shared_ptr<Connection>& connection, const void* handler) {
    if (connection != connection_) {
        return Worker(std::make_shared<InflightCall>(connection));
    }
    if (!idle_workers_) {
        idle_workers_ = std::make_shared<IdleWorkers>(connection->get_executor(), budget_);
    }
    Worker worker = idle_workers_->take(handler);
    if (!worker.call) {
        worker.call = std::make_shared<InflightCall>(connection, idle_workers_);
    }
    return worker;
}

COMMUNICA_INLINE void Responder::cancel_now(const std::shared_ptr<InflightCall>& call) {
    call->cancelled.store(true, std::memory_order_relaxed);
    asio::post(call->connection->get_executor(),
               base::Task([call] { call->signal.emit(asio::cancellation_type::terminal); }));
}

COMMUNICA_INLINE void Responder::answer_and_cancel(const std::shared_ptr<InflightCall>& call, errc why,
                                                   std::int64_t status) {
    asio::post(call->connection->get_executor(), base::Task([self = shared_from_this(), call, why, status] {
                   {
                       const std::lock_guard lock(self->mutex_);
                       call->abandon();
                       if (!std::exchange(call->is_answered, true) && call->wants_answer) {
                           const std::string text =
                               why == errc::timeout ? "its handler is still at work" : make_error_code(why).message();
                           self->send_unavailable(*call, unavailable(why, text, status));
                       }
                   }
                   call->signal.emit(asio::cancellation_type::terminal);
               }));
}

COMMUNICA_INLINE void Responder::send_unavailable(const InflightCall& call, const Error& error) {
    Reply reply;
    reply.set_error(error);
    Buffer metadata;
    wire::write_answer_metadata(metadata, reply.type, call.before_type, call.after_type);
    count(reply);
    if (!call.connection->send(SendClass::response, metadata.text(), reply.body) && connection_) {
        connection_->send(SendClass::response, metadata.text(), reply.body);
    }
}

COMMUNICA_INLINE void Responder::answer_locked(const InflightCall& call, Reply& reply) {
    const auto metadata = answer_metadata(*call.connection, reply, call.before_type, call.after_type, call.bytes);
    if (!call.connection->send(SendClass::response, metadata.text(), reply.body)) {
        send_later(metadata, reply);
    }
}

COMMUNICA_INLINE Buffer Responder::answer_metadata(const Connection& connection, Reply& reply,
                                                   std::string_view before_type, std::string_view after_type,
                                                   std::size_t freed) {
    if (!reply.body.is_plain()) [[unlikely]] {
        reply.limit_descriptors(max_descriptors_.load(std::memory_order_relaxed), descriptors_);
    }
    constexpr std::size_t digits = 2;  // of the message's type
    const std::size_t size = before_type.size() + digits + after_type.size() + reply.body.size();
    if (const std::size_t most = max_answer_.load(std::memory_order_relaxed); size > std::min(most, always_sent)) {
        replace_if_too_large(connection, reply, size > most, freed);
    }
    Buffer metadata;
    wire::write_answer_metadata(metadata, reply.type, before_type, after_type);
    count(reply);
    return metadata;
}

COMMUNICA_INLINE void Responder::replace_if_too_large(const Connection& connection, Reply& reply, bool is_too_large,
                                                      std::size_t freed) {
    if (is_too_large) {
        reply.set_error(unavailable(errc::message_too_large, "The answer is over the requester's limit", 413));
    } else if (reply.type == wire::MessageType::ok && !has_room(connection, reply.body.size(), freed)) {
        // Not `busy`, which says that the request was not carried out.
        reply.set_error(unavailable(errc::responder_error,
                                    "the request was carried out, but too many bytes of answers are not read"));
    }
}

COMMUNICA_INLINE void Responder::send_later(const Buffer& metadata, Reply& reply) {
    if (rejection_reason_.load(std::memory_order_relaxed) != errc::closed &&
        (!connection_ || !connection_->send(SendClass::response, metadata.text(), reply.body))) {
        UnsentMessage answer{std::string(metadata.text()), std::move(reply.body)};
        hold(static_cast<std::ptrdiff_t>(cost_of(answer)));
        answers_.push_back(std::move(answer));
    }
}

COMMUNICA_INLINE void Responder::send_kept() {
    while (connection_ && !answers_.empty()) {
        const std::size_t bytes = cost_of(answers_.front());
        UnsentMessage& answer = limit_descriptors(answers_.front(), max_descriptors_, descriptors_);
        if (!connection_->send(SendClass::response, answer.metadata, answer.body)) {
            return;
        }
        answers_.pop_front();
        hold(-static_cast<std::ptrdiff_t>(bytes));
    }
}

}  // namespace communica::peer

#pragma once

#include "../wire/error_body.hpp"
#include "../wire/resumption.hpp"
#include "requester.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <new>
#include <string>
#include <utility>

namespace communica::peer {

COMMUNICA_INLINE Requester::Requester(asio::any_io_executor executor, std::size_t max_unsent,
                                      std::shared_ptr<Counters> counters, const RequestIdCodec& text,
                                      Destination destination, std::size_t max_loaded,
                                      std::shared_ptr<StreamTable> streams)
    : max_unsent_(max_unsent),
      max_loaded_(max_loaded),
      counters_(std::move(counters)),
      destination_(std::move(destination)),
      completions_(std::make_shared<Completions>(executor)),
      sender_(std::move(streams)),
      text_(text),
      unsent_queue_(counters_),
      timer_(std::move(executor)) {}

COMMUNICA_INLINE Buffer Requester::lend(std::size_t size) const {
    std::unique_lock lock(mutex_);
    const auto connection = sender_.connection();
    lock.unlock();
    return connection ? connection->lend(size) : Buffer::of_size(size);
}

COMMUNICA_INLINE void Requester::start(RequestId id, Outgoing&& outgoing, OperationPtr operation) {
    const Gathering::One one;
    try {
        std::unique_lock lock(mutex_);
        if (closed_) {
            pending_.take(id);
            const Error reason = close_reason_;
            lock.unlock();
            return fail(std::move(operation), reason);
        }
        if (service_ == nullptr) {
            service_ = &WaitingService<Requester>::of(executor());
            service_->add(shared_from_this());
        }
        if (id == 0) {
            id = pending_.reserve();
        }
        // Always has a value: of an empty optional GCC warns, when optimising, that its value may be read.
        const bool has_deadline = outgoing.timeout.has_value();
        const auto deadline = has_deadline ? deadline_after(*outgoing.timeout) : Clock::time_point::max();
        const bool notification = outgoing.is_notification();
        if (has_deadline && *outgoing.timeout <= Clock::duration::zero()) {
            pending_.take(id);
            lock.unlock();
            return fail(std::move(operation), {errc::timeout, "its time was over before it began"});
        }
        if (outgoing.idempotent && !notification) {
            operation->repeat.reset(new Operation::Repeat{outgoing.copy(), repeats_++});
        }
        if (auto cancelled =
                pending_.set(id, std::move(operation), has_deadline ? std::optional(deadline) : std::nullopt,
                             has_deadline ? *outgoing.timeout + outgoing.waited : Clock::duration(), outgoing.waited)) {
            lock.unlock();
            return fail(std::move(cancelled), {make_error_code(asio::error::operation_aborted)});
        }
        if (!outgoing.wait_for_connection) {
            pending_.set_needs_connection(id);
        }
        const auto [sent, error] = send_or_keep(id, outgoing);
        if (error || (sent && notification)) {
            auto done = pending_.take(id);
            lock.unlock();
            return error ? fail(std::move(done), *error) : done.release()->succeed({}, nullptr);
        }
        if (sent) {
            pending_.note_sent(id, connections_, std::move(outgoing.quoted_route));
        }
        if (has_deadline && !timer_.runs_by(deadline)) {  // usually it does; this saves a weak pointer
            timer_.arm(deadline, weak_from_this());
        }
    } catch (...) {
        if (!operation) {
            const std::lock_guard lock(mutex_);
            operation = pending_.take(id);
            unsent_queue_.take(id);
        }
        if (operation) {
            fail(std::move(operation), Error::from(std::current_exception()));
        }
    }
}

COMMUNICA_INLINE void Requester::cancel(RequestId id) {
    std::unique_lock lock(mutex_);
    auto operation = pending_.take(id);
    if (operation && !unsent_queue_.take(id)) {
        sender_.cancel(text_.write(id));
    }
    disarm_if_idle();
    lock.unlock();
    if (operation) {
        fail(std::move(operation), {make_error_code(asio::error::operation_aborted)});
    }
}

COMMUNICA_INLINE Requester::Taken Requester::take_unsent(RequestId id) {
    const std::lock_guard lock(mutex_);
    const auto left = left_until(pending_.deadline_of(id));
    const auto waited = pending_.time_over(id, left);
    Taken taken{pending_.take(id), unsent_queue_.take(id).value_or(Outgoing{})};
    taken.message.timeout = left;
    taken.message.waited = waited;
    disarm_if_idle();
    return taken;
}

COMMUNICA_INLINE void Requester::abandon() {
    completions_->abandon();
    OperationList waiting;
    const std::lock_guard lock(mutex_);
    service_ = nullptr;
    closed_ = true;
    sender_.detach();
    take_all(waiting);
}

COMMUNICA_INLINE void Requester::attach(const std::shared_ptr<Connection>& connection, const Capabilities& offer) {
    const std::lock_guard lock(mutex_);
    if (closed_) {
        return;
    }
    if (sender_.is_connected()) {
        put_back_idempotent();  // the connection that is replaced counts as lost
    }
    ++connections_;
    sender_.attach(connection, offer);
    completions_->attach(connection);
    send_waiting();
}

COMMUNICA_INLINE UnconfirmedNotifications Requester::detach(const Connection& connection,
                                                            std::vector<UnsentMessage> unsent) {
    Failing failed(*this, {errc::not_connected});
    const std::lock_guard lock(mutex_);
    if (closed_) {  // what was written is handled, the rest is lost
        UnconfirmedNotifications lost;
        std::ranges::for_each(unsent, [&](const auto& one) { lost.add_unwritten(reader_.read(one.metadata)); });
        return lost;
    }
    const bool is_current = sender_.is_connected_by(connection);
    std::for_each(unsent.rbegin(), unsent.rend(), [&](UnsentMessage& message) {
        try {
            put_back(message, is_current);
        } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): it counts as sent, and is lost
        }
    });
    if (is_current) {
        sender_.detach();
        take_connectionless(failed);
        put_back_idempotent();
        disarm_if_idle();
    } else {
        send_waiting();
    }
    return sender_.take_unconfirmed();
}

COMMUNICA_INLINE std::unique_ptr<RequestIds> Requester::read_resumed(Bytes body) {
    const std::lock_guard lock(mutex_);
    auto ids = std::make_unique<RequestIds>();
    const bool is_one = wire::read_resumption(body, [&](std::string_view text) {
        if (const auto id = text_.read(text); id && pending_.contains(*id)) {
            ids->insert(*id);
        }
    });
    if (!is_one) {
        ids.reset();
    }
    return ids;
}

COMMUNICA_INLINE void Requester::on_resumed(const RequestIds& ids) {
    Failing lost(*this, {errc::connection_lost, "it was lost on its way, or its answer was"});
    const std::lock_guard lock(mutex_);
    for (const RequestId id : ids) {
        pending_.note_resumed(id, connections_);
    }
    put_back_idempotent(connections_);
    take_sent(lost, connections_);
    send_waiting();
}

COMMUNICA_INLINE void Requester::put_back(UnsentMessage& unsent, bool is_current) {
    const auto metadata = reader_.read(unsent.metadata);
    if (metadata.type != wire::MessageType::request && metadata.type != wire::MessageType::notification &&
        metadata.type != wire::MessageType::flush && metadata.type != wire::MessageType::inspect) {
        return;  // only of use to the connection that has ended
    }
    Outgoing outgoing{.type = metadata.type,
                      .headers = std::string(metadata.headers),
                      .priority = unsent.send_class == SendClass::high_request ? Priority::high : Priority::normal};
    const RequestId id = outgoing.is_notification() ? 0 : text_.read(metadata.id).value_or(0);
    if (!outgoing.is_notification() && (!pending_.contains(id) || unsent_queue_.contains(id))) {
        return;  // cancelled or timed out meanwhile, or queued again already
    }
    outgoing.quoted_route = metadata.route ? wire::quote_json(*metadata.route) : std::string();
    if (outgoing.is_notification()) {
        sender_.on_unsent_notification(is_current, outgoing.quoted_route);
    }
    outgoing.body = std::move(unsent.body);
    unsent_queue_.put_back(id, std::move(outgoing));
}

COMMUNICA_INLINE void Requester::put_back_idempotent(std::uint32_t connection) {
    const auto repeat_of = [this](RequestId id) { return pending_.find_operation(id)->repeat.get(); };
    try {
        std::vector<RequestId> ids;
        pending_.for_each([&](RequestId id) {
            if (pending_.connection_of(id) != connection && repeat_of(id) != nullptr && !unsent_queue_.contains(id)) {
                ids.push_back(id);
            }
        });
        std::ranges::sort(ids, std::greater(), [&](RequestId id) { return repeat_of(id)->order; });
        for (const RequestId id : ids) {
            unsent_queue_.put_back(id, repeat_of(id)->message.copy());
        }
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): those end as requests that are not idempotent
    }
}

COMMUNICA_INLINE void Requester::close(const Error& reason) {
    Failing failed(*this, reason);
    const std::lock_guard lock(mutex_);
    closed_ = true;
    close_reason_ = reason.worded();
    sender_.close();
    take_all(failed);
    timer_.disarm();
}

COMMUNICA_INLINE void Requester::on_answer(const wire::Metadata& metadata, const Message& message) {
    if (counters_) {
        counters_->received_sizes.record(message.body.size());
    }
    if (auto operation = take_answered(metadata)) {
        if (metadata.type == wire::MessageType::ok) {
            if (counters_) {
                Counters::add(counters_->answers);
                count_time(*operation);
            }
            operation.release()->succeed({message.body, message.backing_buffer, max_loaded_}, completions_.get());
        } else {
            fail(std::move(operation), wire::error_of(metadata.type, message.body), completions_.get());
        }
    }
}

COMMUNICA_INLINE void Requester::on_timer() {
    const auto now = Clock::now();
    while (auto late = take_next_expired(now)) {
        try {
            if (destination_.note_late) {
                destination_.note_late(late->error.message);
            }
        } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): it is not reported
        }
        fail(std::move(late->operation), late->error);
    }
}

COMMUNICA_INLINE std::optional<Requester::Failed> Requester::take_next_expired(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    timer_.has_run();
    if (const auto id = pending_.expired(now)) {
        return take_expired(*id);
    }
    if (const auto next = pending_.earliest()) {
        timer_.arm(*next, weak_from_this());
    }
    return std::nullopt;
}

COMMUNICA_INLINE Requester::Failed Requester::take_expired(RequestId id) {
    Error error{errc::timeout};
    try {
        error.message = lateness_of(id).text(destination_);
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): the code says what matters
    }
    unsent_queue_.take(id);
    return {pending_.take(id), std::move(error)};
}

COMMUNICA_INLINE Lateness Requester::lateness_of(RequestId id) const {
    const Outgoing* const unsent = unsent_queue_.find(id);
    Lateness late{.quoted_route = unsent != nullptr ? unsent->quoted_route : pending_.route_of(id),
                  .timeout = pending_.timeout_of(id),
                  .waited = pending_.waited_of(id)};
    if (unsent != nullptr) {
        late.state = sender_.is_draining()    ? Lateness::State::refused
                     : sender_.is_connected() ? Lateness::State::queued
                                              : Lateness::State::not_connected;
        late.queued = unsent_queue_.size() - 1;
        late.bytes = unsent_queue_.bytes() - unsent->size();
    } else {
        late.bytes = sender_.unwritten_requests();
        late.is_connection_lost = !sender_.is_connected() || pending_.connection_of(id) != connections_;
    }
    return late;
}

COMMUNICA_INLINE Requester::Outcome Requester::send_or_keep(RequestId id, Outgoing& outgoing) {
    if (can_send(outgoing)) {
        switch (const auto sent = sender_.send(text_.write(id), outgoing); sent) {
            case Sender::Sent::yes: return {.sent = true};
            case Sender::Sent::no_room: only_notifications_wait_ = false; break;
            case Sender::Sent::no_credit: only_notifications_wait_ |= unsent_queue_.empty(); break;
            default: return {.error = sender_.error_of(sent)};
        }
    } else if (!outgoing.wait_for_connection && !sender_.is_open()) {
        return {.error = Error{sender_.is_connected() ? errc::draining : errc::not_connected}};
    }
    if (unsent_queue_.bytes() + outgoing.size() > max_unsent_) {
        return {.error = Error{errc::queue_full}};
    }
    only_notifications_wait_ = only_notifications_wait_ && follows_notifications(outgoing);
    unsent_queue_.add(id, std::move(outgoing));
    return {};
}

COMMUNICA_INLINE void Requester::send_waiting() {
    bool lacks_credit = false;
    const bool no_requests_wait = std::exchange(only_notifications_wait_, false);
    for (auto place = unsent_queue_.begin(); place != unsent_queue_.end() && sender_.is_open();) {
        auto& [id, message, bytes] = *place;
        if (lacks_credit && follows_notifications(message)) {
            ++place;
            continue;
        }
        message.timeout = left_until(pending_.deadline_of(id));
        if (message.timeout && *message.timeout <= Clock::duration::zero()) {
            const auto next = std::next(place);
            if (auto [operation, error] = take_expired(id); operation) {
                fail(std::move(operation), error);
            }
            place = next;
            continue;
        }
        const auto sent = sender_.send(text_.write(id), message);
        if (sent == Sender::Sent::no_room) {
            return;
        }
        if (sent == Sender::Sent::no_credit) {
            lacks_credit = true;
            if (no_requests_wait) {
                break;  // there is no request among the rest
            }
            ++place;
            continue;
        }
        pending_.note_sent(id, connections_, std::move(message.quoted_route), message.timeout);
        const bool done = sent != Sender::Sent::yes || message.is_notification();
        if (auto operation = done ? pending_.take(id) : nullptr) {
            sent == Sender::Sent::yes ? operation.release()->succeed({}, nullptr)
                                      : fail(std::move(operation), sender_.error_of(sent));
        }
        place = unsent_queue_.erase(place);
    }
    only_notifications_wait_ = lacks_credit && sender_.is_open();
}

COMMUNICA_INLINE OperationPtr Requester::take_answered(const wire::Metadata& metadata) {
    const std::lock_guard lock(mutex_);
    const auto id = text_.read(metadata.id);
    if (!id) {
        return nullptr;
    }
    sender_.on_answer(metadata.id);
    if (!unsent_queue_.empty()) {
        unsent_queue_.take(*id);  // an idempotent request, queued again
    }
    return pending_.take(*id);
}

COMMUNICA_INLINE void Requester::fail(OperationPtr operation, const Error& error, Completions* completions) {
    if (counters_) {
        counters_->count_error(error.code);
        count_time(*operation);
    }
    operation.release()->fail(error.worded(), completions);
}

}  // namespace communica::peer

#pragma once

#include "../../wire/error_body.hpp"
#include "../inflight_call.hpp"
#include "stream_end.hpp"

#include <algorithm>
#include <utility>

namespace communica::peer {

// ---- opening

COMMUNICA_INLINE wire::StreamCredit StreamEnd::begin(const std::shared_ptr<StreamOwner>& owner,
                                                     std::shared_ptr<Connection> connection,
                                                     std::shared_ptr<const asio::any_io_executor> executor,
                                                     std::string_view id) {
    const std::lock_guard lock(mutex_);
    if (failed_) {
        throw MessageError(errc::connection_lost, "the stream was lost before it was open", {});
    }
    owner_ = owner;
    executor_ = std::move(executor);
    connection_ = std::move(connection);
    Buffer metadata;
    wire::write_metadata(metadata, {.type = role_ == Role::opener ? wire::MessageType::stream_to_accepter
                                                                  : wire::MessageType::stream_to_opener,
                                    .id = id});
    id_size_ = static_cast<std::uint32_t>(id.size());
    metadata_ = std::make_unique_for_overwrite<char[]>(metadata.size());
    std::ranges::copy(metadata.text(), metadata_.get());
    share_.join(owner->budget());
    return reads_ ? in_.open(owner->limits()) : wire::StreamCredit();
}

COMMUNICA_INLINE void StreamEnd::accept(wire::StreamCredit credit) {
    const std::lock_guard lock(mutex_);
    is_accepted_ = true;
    out_.give(credit);
    post_sending();
}

COMMUNICA_INLINE void StreamEnd::set_call(std::weak_ptr<InflightCall> call) {
    const std::lock_guard lock(mutex_);
    call_ = std::move(call);
}

// ---- reading

COMMUNICA_INLINE StreamEnd::Read StreamEnd::read(Bytes& item, Buffer*& backing_buffer) {
    if (reading_.is_empty()) {
        const std::lock_guard lock(mutex_);
        const bool has_items = in_.take(reading_);
        hold();
        give_credit();
        if (!has_items) {
            return is_ended() || in_.has_all() ? Read::end : Read::nothing_yet;
        }
    }
    item = reading_.next(backing_buffer);
    if (reading_.has_to_tell()) {
        const std::lock_guard lock(mutex_);
        in_.tell(reading_);
        give_credit();
    }
    return Read::item;
}

COMMUNICA_INLINE std::optional<Error> StreamEnd::failure() const {
    const std::lock_guard lock(mutex_);
    if (!failure_ && !in_.has_all()) {
        return Error{errc::closed, "the stream has ended on this side"};
    }
    return failure_ ? std::optional(*failure_) : std::nullopt;
}

COMMUNICA_INLINE void StreamEnd::hold() { share_.set(in_.held() + out_.unsent()); }

COMMUNICA_INLINE void StreamEnd::give_credit() {
    if (!connection_ || !reads_) {
        return;
    }
    if (const auto due = in_.due(!share_.is_under_pressure())) {
        char text[wire::StreamCredit::size + 8];
        due->credit.store(text);
        wire::store_u64(text + wire::StreamCredit::size, due->items_read);
        send_frame(wire::StreamFrame::credit, {text, sizeof text});
    }
}

// ---- writing

COMMUNICA_INLINE StreamEnd::Written StreamEnd::write(Buffer&& item) {
    const std::lock_guard lock(mutex_);
    if (is_ended() || finish_wanted_) {
        return Written::ended;
    }
    const auto owner = owner_.lock();
    if (const std::size_t size = StreamOutput::size_of(item);
        size > wire::ItemHead::most || (owner && size > owner->max_message())) {
        throw MessageError(errc::message_too_large, "an item is over the other side's limit", {});
    }
    out_.add(std::move(item));
    post_sending();
    return out_.is_full() ? Written::full : Written::taken;
}

COMMUNICA_INLINE Error StreamEnd::write_failure() const {
    const std::lock_guard lock(mutex_);
    return failure_ ? *failure_
                    : Error{errc::closed, result_has_come_ ? "the other side has ended the stream"
                                                           : "the stream was finished on this side"};
}

COMMUNICA_INLINE void StreamEnd::finish() {
    const std::lock_guard lock(mutex_);
    finish_with(wire::StreamFrame::finish, {});
}

COMMUNICA_INLINE void StreamEnd::finish(Reply&& reply) {
    const std::lock_guard lock(mutex_);
    const auto owner = owner_.lock();
    const auto replace = [&reply](errc code, const char* message, std::int64_t status) {
        reply.body.clear();
        reply.set_error({.code = code, .message = message, .status = status, .kind = Error::Kind::responder});
    };
    const bool has_result = owner && connection_ && reply.type == wire::MessageType::ok && !reply.body.empty();
    if (has_result && reply.body.size() >= owner->max_message()) {
        replace(errc::message_too_large, "The answer is over the requester's limit", 413);
    } else if (has_result && !owner->has_room_for(connection_->unread_answers(), reply.body.size())) {
        replace(errc::busy, "too many bytes of answers not read", 503);
    } else if (has_result && reply.body.attached() != nullptr) {
        replace(errc::responder_error, "The result of a stream has no descriptors", 501);
    }
    if (reply.type == wire::MessageType::ok) {
        return finish_with(wire::StreamFrame::finish, std::string(reply.body.text()));
    }
    finish_with(wire::StreamFrame::error, static_cast<char>(reply.type) + std::string(reply.body.text()));
}

COMMUNICA_INLINE void StreamEnd::finish_with(wire::StreamFrame frame, std::string rest) {
    if (!is_ended() && !std::exchange(finish_wanted_, true)) {
        last_frame_ = frame;
        last_ = rest.empty() ? nullptr : std::make_unique<std::string>(std::move(rest));
        post_sending();
    }
}

COMMUNICA_INLINE bool StreamEnd::is_flushed() const {
    const std::lock_guard lock(mutex_);
    return is_ended() || (!finish_wanted_ && out_.unsent() == 0);
}

COMMUNICA_INLINE void StreamEnd::post_sending() {
    if (is_accepted_ && connection_ && !waits_for_room_ && !is_posted_) {
        asio::post(*executor_, base::Task([self = shared_from_this()] { self->send_more(); }));
        is_posted_ = true;
    }
}

COMMUNICA_INLINE bool StreamEnd::send_more() {
    std::unique_lock lock(mutex_);
    is_posted_ = waits_for_room_ = false;
    if (is_ended() || !connection_) {
        return true;
    }
    const auto before = out_.unsent();
    const auto sent = out_.send(*connection_, metadata());
    if (out_.unsent() != before) {
        note_items();
    }
    if (sent == StreamOutput::Sent::no_room) {
        waits_for_room_ = true;
        if (const auto owner = owner_.lock()) {
            owner->wait_for_room(shared_from_this(), *connection_);
        }
    } else if (sent == StreamOutput::Sent::all && finish_wanted_ && !std::exchange(finish_sent_, true)) {
        const auto last = std::move(last_);
        send_frame(last_frame_, last ? std::string_view(*last) : std::string_view());
        if (is_ended()) {
            leave(std::move(lock));
            return true;
        }
    }
    hold();
    StreamWaiters woken;
    if (!out_.is_full()) {
        woken = std::move(writers_);
    }
    lock.unlock();
    woken.wake();
    return sent != StreamOutput::Sent::no_room;
}

COMMUNICA_INLINE void StreamEnd::send_frame(wire::StreamFrame frame, std::string_view rest) {
    Buffer body;
    body.push_back(static_cast<char>(frame));
    body.append(rest);
    connection_->send(SendClass::response, metadata(), body);
}

// ---- messages of the peer

COMMUNICA_INLINE void StreamEnd::on_message(Bytes body, Buffer* backing_buffer) {
    std::string_view text = as_text(body);
    if (text.empty()) {
        wire::throw_stream_error("is empty");
    }
    const auto frame = static_cast<wire::StreamFrame>(text.front());
    text.remove_prefix(1);
    switch (frame) {
        case wire::StreamFrame::items: return on_items(text, backing_buffer);
        case wire::StreamFrame::credit: return on_credit(text);
        case wire::StreamFrame::blocked: return on_blocked();
        case wire::StreamFrame::finish: return on_finish(text);
        case wire::StreamFrame::error: return on_failed(text);
    }
    wire::throw_stream_error("is of an unknown kind");
}

COMMUNICA_INLINE void StreamEnd::on_items(std::string_view items, Buffer* backing_buffer) {
    std::unique_lock lock(mutex_);
    if (is_ended()) {
        return;  // ended on this side meanwhile
    }
    note_items();
    const bool is_too_large = !in_.add(items, backing_buffer);
    const bool is_too_much = !share_.grow_to(in_.held() + out_.unsent());
    StreamWaiters woken;
    if (in_.has_items()) {
        woken = std::move(readers_);
    } else {
        give_credit();
    }
    hold();
    lock.unlock();
    woken.wake();
    if (is_too_large) {
        cancel({.code = errc::message_too_large,
                .message = "an item is over the receiver's limit",
                .status = 413,
                .kind = Error::Kind::requester});
    } else if (is_too_much) {
        cancel(over_budget());
    }
}

COMMUNICA_INLINE void StreamEnd::on_blocked() {
    const std::lock_guard lock(mutex_);
    if (in_.on_blocked()) {
        give_credit();
    }
}

COMMUNICA_INLINE void StreamEnd::on_credit(std::string_view text) {
    const auto credit = wire::StreamCredit::load(text);
    if (text.size() < wire::StreamCredit::size + 8) {
        wire::throw_stream_error("is too short for what was read");
    }
    {
        const std::lock_guard lock(mutex_);
        out_.give(credit, wire::load_u64(text.data() + wire::StreamCredit::size));
        if (waits_for_room_) {
            return;
        }
    }
    send_more();
}

COMMUNICA_INLINE void StreamEnd::on_finish(std::string_view result) {
    std::unique_lock lock(mutex_);
    if (is_ended()) {
        return;
    }
    in_.on_finish();
    if (role_ == Role::opener) {
        last_ = result.empty() ? nullptr : std::make_unique<std::string>(result);
        result_has_come_ = true;
        return leave(std::move(lock));
    }
    StreamWaiters woken = std::move(readers_);
    lock.unlock();
    woken.wake();
}

COMMUNICA_INLINE void StreamEnd::on_failed(std::string_view error) {
    if (error.empty()) {
        wire::throw_stream_error("is too short for its error");
    }
    const auto type = static_cast<wire::MessageType>(static_cast<unsigned char>(error.front()));
    end(wire::read_error_body(type, as_bytes(error.substr(1))), nullptr);
}

// ---- waiting

COMMUNICA_INLINE bool StreamEnd::wait(For what, StreamWaiter& waiter) {
    const std::lock_guard lock(mutex_);
    bool is_there = is_ended();
    switch (what) {
        case For::reading: is_there = is_there || in_.has_items() || in_.has_all(); break;
        case For::writing: is_there = is_there || !out_.is_full(); break;
        case For::flush: is_there = is_there || (!finish_wanted_ && out_.unsent() == 0); break;
        case For::notice: is_there = std::exchange(has_notice_, false) || is_there; break;
    }
    if (!is_there) {
        (what == For::reading || what == For::notice ? readers_ : writers_).add(waiter);
    }
    return !is_there;
}

COMMUNICA_INLINE void StreamEnd::notify() {
    StreamWaiters woken;
    {
        const std::lock_guard lock(mutex_);
        has_notice_ = true;  // kept even if this wakes a waiter, which may wait for items
        woken = std::move(readers_);
    }
    woken.wake();
}

COMMUNICA_INLINE StreamWaiter* StreamEnd::take_waiter(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    StreamWaiter* const waiter = readers_.take(number);
    return waiter != nullptr ? waiter : writers_.take(number);
}

// ---- ending

COMMUNICA_INLINE bool StreamEnd::is_over(const Connection& connection) const {
    const std::lock_guard lock(mutex_);
    return connection_.get() == &connection;
}

COMMUNICA_INLINE bool StreamEnd::is_opening() const {
    const std::lock_guard lock(mutex_);
    return role_ == Role::opener && !is_accepted_;
}

COMMUNICA_INLINE void StreamEnd::fail(const Error& why) {
    Error error = why;
    {
        const std::lock_guard lock(mutex_);
        if (out_.items_sent() != 0) {
            error.message = why.text() + "; of " + std::to_string(out_.items_sent()) + " items sent, " +
                            std::to_string(out_.items_read()) + " were read, as far as the other side has said";
        }
    }
    end(error, nullptr);
}

COMMUNICA_INLINE void StreamEnd::end(const Error& why, const Error* told) {
    std::unique_lock lock(mutex_);
    if (is_ended() || !connection_) {
        return;
    }
    failed_ = true;
    failure_ = std::make_unique<const Error>(why.worded());
    if (told != nullptr) {
        Buffer error;
        error.push_back(static_cast<char>(wire::error_type(*told)));
        wire::write_error_body(error, *told);
        send_frame(wire::StreamFrame::error, error.text());
        in_.drop();
    }
    leave(std::move(lock));
}

COMMUNICA_INLINE void StreamEnd::leave(std::unique_lock<Mutex> lock) {
    StreamWaiters readers = std::move(readers_);
    StreamWaiters writers = std::move(writers_);
    const auto call = failed_ ? call_.lock() : nullptr;  // the stream has ended early
    call_.reset();
    const auto connection = std::exchange(connection_, nullptr);
    const auto timer = std::exchange(timer_, nullptr);
    const auto owner = owner_.lock();
    out_.drop();
    hold();
    lock.unlock();
    if (timer) {
        timer->stop();
    }
    if (owner) {
        owner->remove(*this);
    }
    readers.wake();
    writers.wake();
    if (call) {
        call->cancelled.store(true, std::memory_order_relaxed);
        asio::post(*executor_, base::Task([call] { call->signal.emit(asio::cancellation_type::terminal); }));
    }
}

COMMUNICA_INLINE asio::awaitable<std::tuple<asio::error_code>> StreamEnd::async_wait(For what) {
    return asio::async_initiate<decltype(no_throw), void(asio::error_code)>(InitiateWait{}, no_throw,
                                                                            shared_from_this(), *executor_, what);
}

}  // namespace communica::peer

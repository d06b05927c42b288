// An AMQP channel: calls to the broker, messages in both directions, confirms.
#pragma once

#include "../../asio.hpp"
#include "../../connection.hpp"
#include "calls.hpp"
#include "channel_user.hpp"
#include "deliveries.hpp"
#include "frames.hpp"
#include "link.hpp"
#include "publisher.hpp"
#include "too_large.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace communica::rabbitmq {

/// Runs on the link's strand. Calls fail with the broker's text if it closes the channel, and with the link's error if
/// that is lost. The broker confirms published messages.
class Channel final : public ChannelEnd, public std::enable_shared_from_this<Channel> {
 public:
    Channel(std::shared_ptr<Link> link, std::string exchange, std::weak_ptr<ChannelUser> user,
            std::shared_ptr<Budget> budget = nullptr)
        : link_(std::move(link)),
          exchange_(std::move(exchange)),
          user_(std::move(user)),
          changed_(link_->strand(), asio::steady_timer::time_point::max()),
          publisher_(exchange_),
          deliveries_(std::move(budget)) {}

    /// Registers with the link, waits until that is open, and opens. Call it once, before anything else.
    asio::awaitable<void> open() {
        const auto self = shared_from_this();
        number_ = link_->add(self);
        try {
            co_await link_->opened();
            link_->require_number(number_);
            state_ = std::max(state_, State::open);
            co_await call(AMQP_CHANNEL_OPEN_METHOD, amqp_channel_open_t{amqp_empty_bytes}, AMQP_CHANNEL_OPEN_OK_METHOD);
            co_await call(AMQP_CONFIRM_SELECT_METHOD, amqp_confirm_select_t{}, AMQP_CONFIRM_SELECT_OK_METHOD);
        } catch (...) {
            abandon();
            throw;
        }
    }

    bool is_open() const noexcept { return number_ != 0 && !lost_ && state_ <= State::open; }
    /// The broker, or the end of the link, has closed the channel.
    bool has_failed() const noexcept { return lost_ && lost_->code != errc::closed; }
    const Link& link() const noexcept { return *link_; }
    /// Cuts larger bodies to their first `head` bytes.
    void accept_bodies(std::size_t limit, std::size_t head) noexcept { deliveries_.set_limits(limit, head); }

    // ---- calls

    asio::awaitable<void> declare_exchange() {
        amqp_exchange_declare_t method{};
        method.exchange = bytes_of(exchange_);
        method.type = amqp_cstring_bytes("direct");
        method.durable = 1;
        return call(AMQP_EXCHANGE_DECLARE_METHOD, method, AMQP_EXCHANGE_DECLARE_OK_METHOD);
    }

    /// Declares a queue that survives a restart of the broker, bound to the exchange by its name.
    asio::awaitable<void> declare_durable(std::string name) {
        amqp_queue_declare_t method{};
        method.queue = bytes_of(name);
        method.durable = 1;
        co_await declare(method);
        co_await bind(name);
    }
    /// Declares a queue of this link alone, which the broker names, bound likewise. Asks for a classic queue, because
    /// other default types may not allow exclusive ones.
    asio::awaitable<std::string> declare_exclusive() {
        amqp_table_entry_t type{amqp_cstring_bytes("x-queue-type"), {}};
        type.value.kind = AMQP_FIELD_KIND_UTF8;
        type.value.value.bytes = amqp_cstring_bytes("classic");
        amqp_queue_declare_t method{};
        method.arguments = {1, &type};
        method.queue = amqp_empty_bytes;
        method.exclusive = 1;
        const Queue queue = co_await declare(method);
        co_await bind(queue.name);
        co_return queue.name;
    }
    /// The state of a queue. If it does not exist, the broker closes the channel with the error.
    asio::awaitable<Queue> look_at(const std::string& name) {
        amqp_queue_declare_t method{};
        method.queue = bytes_of(name);
        method.passive = 1;
        return declare(method);
    }

    asio::awaitable<void> prefetch(std::uint16_t count) {
        return call(AMQP_BASIC_QOS_METHOD, amqp_basic_qos_t{0, count, 0}, AMQP_BASIC_QOS_OK_METHOD);
    }

    enum class Acknowledge {
        never,  ///< the broker forgets a message once it is delivered
        after,  ///< the messages of one read, after they were dispatched
        later,  ///< by `acknowledge`
    };

    /// With `alone` the broker closes the channel if there is another consumer, and allows no further one.
    asio::awaitable<void> consume(const std::string& queue, Acknowledge acknowledge, bool alone = false) {
        acknowledge_ = acknowledge;
        deliveries_.begin();
        amqp_basic_consume_t method{};
        method.queue = bytes_of(queue);
        method.consumer_tag = amqp_cstring_bytes("communica");
        method.no_ack = acknowledge == Acknowledge::never ? 1 : 0;
        method.exclusive = alone ? 1 : 0;
        return call(AMQP_BASIC_CONSUME_METHOD, method, AMQP_BASIC_CONSUME_OK_METHOD);
    }
    asio::awaitable<void> stop_consuming() {
        amqp_basic_cancel_t method{};
        method.consumer_tag = amqp_cstring_bytes("communica");
        return call(AMQP_BASIC_CANCEL_METHOD, method, AMQP_BASIC_CANCEL_OK_METHOD);
    }
    /// Acknowledges all messages handled so far.
    void acknowledge() {
        if (const auto tag = deliveries_.take_handled()) {
            send(AMQP_BASIC_ACK_METHOD, amqp_basic_ack_t{*tag, 1});
        }
    }

    /// Does not wait. Deletes unconditionally: on a quorum queue in use, a condition would close the whole link.
    void delete_queue(const std::string& queue) {
        amqp_queue_delete_t method{};
        method.queue = bytes_of(queue);
        method.nowait = 1;
        send(AMQP_QUEUE_DELETE_METHOD, method);
    }

    // ---- messages

    void publish(Publication publication) {
        if (is_open()) {
            publisher_.publish(std::move(publication));
            wake();
        }
    }
    bool is_within_message() const noexcept { return publisher_.is_within_message(); }  // other frames wait
    /// Tells the link that `next_publication` has a message, or that there is something to write.
    void wake() {
        if (number_ != 0 && state_ != State::released && !std::exchange(ready_, true)) {
            link_->wake(shared_from_this());
        }
    }

    // ---- the end
    /// Closes the channel once everything published is written. Calls its user no more.
    void close() {
        user_.reset();
        if (state_ == State::waiting) {
            fail({errc::closed});
            release();
        } else if (is_open()) {
            state_ = State::closing;
            changed_.cancel();
            wake();
            link_->on_closing();
        }
    }
    bool is_closing() const noexcept override { return lost_ || state_ > State::open; }
    /// Waits until the broker has closed it too, and so has taken all messages. Returns false after `patience`.
    asio::awaitable<bool> closed(std::chrono::steady_clock::duration patience) {
        const auto self = shared_from_this();
        changed_.expires_after(patience);
        while (!lost_ && changed_.expiry() > std::chrono::steady_clock::now()) {
            co_await changed_.async_wait(no_throw);
        }
        co_return lost_ && lost_->code == errc::closed;
    }
    /// Closes at once. Drops messages whose writing has not begun.
    void abandon() {
        publisher_.forget_waiting();
        close();
    }

    // ---- calls of the link

    void on_method(const amqp_method_t& method) override {
        switch (method.id) {
            case AMQP_BASIC_DELIVER_METHOD:
                return deliveries_.on_deliver(*static_cast<const amqp_basic_deliver_t*>(method.decoded));
            case AMQP_BASIC_RETURN_METHOD: return deliveries_.on_return();
            case AMQP_BASIC_ACK_METHOD: {
                const auto& ack = *static_cast<const amqp_basic_ack_t*>(method.decoded);
                const auto user = user_.lock();
                return publisher_.confirm(ack.delivery_tag, ack.multiple != 0, [&](SendClass kind, std::size_t size) {
                    if (user) {
                        user->on_confirmed(kind, size);
                    }
                });
            }
            case AMQP_BASIC_NACK_METHOD:
                fail({errc::connection_lost, "RabbitMQ did not take a message"});
                state_ = std::max(state_, State::closing);
                return wake();
            case AMQP_BASIC_CANCEL_METHOD: {
                if (const auto user = user_.lock()) {
                    user->on_cancelled();
                }
                return;
            }
            case AMQP_CHANNEL_CLOSE_METHOD: {
                const auto& close = *static_cast<const amqp_channel_close_t*>(method.decoded);
                const Error why = broker_error(errc::connection_lost, close.reply_code, text_of(close.reply_text));
                tell_too_large(SizeRefusal::read(text_of(close.reply_text)), why);
                fail(why);
                owes_close_ok_ = true;
                return wake();
            }
            case AMQP_CHANNEL_CLOSE_OK_METHOD: fail({errc::closed}); return release();
            default:
                if (calls_.answer(method)) {
                    changed_.cancel();
                }
        }
    }

    void on_header(const amqp_basic_properties_t& properties, std::uint64_t body_size) override {
        deliveries_.on_header(properties, body_size, user_);
    }
    void on_body(std::string_view bytes) override { deliveries_.on_body(bytes, user_); }

    void on_turn_over() override {
        if (acknowledge_ == Acknowledge::after) {
            acknowledge();
        }
    }

    void on_lost(const Error& why) override {
        state_ = State::released;
        fail(why);
    }

    bool gather(Batch& batch) override {
        ready_ = false;
        const std::size_t begin = batch.size();
        while (!batch.is_full() && batch.size() - begin < turn_size) {
            if (publisher_.is_within_message()) {
                publisher_.write_on(batch, number_, link_->frame_max());
            } else if (!lost_ && !control_.empty()) {
                batch.text() += std::exchange(control_, {});
            } else if (lost_ || state_ >= State::close_sent || link_->is_blocked() || !write_next(batch)) {
                write_end(batch);
                return false;
            }
        }
        if (publisher_.is_within_message()) {
            batch.keep(shared_from_this());
        }
        return !std::exchange(ready_, true);
    }

 private:
    /// `waiting`: unknown to the broker. `closing`: this side closes it after what is published. `released`: its number is free.
    enum class State : unsigned char { waiting, open, closing, close_sent, released };

    static constexpr std::size_t turn_size = Batch::enough / 2;

    template <class Method>
    asio::awaitable<void> call(amqp_method_number_t id, const Method& method, amqp_method_number_t answer) {
        return finish(begin_call(id, method, answer));
    }
    template <class Method>
    std::shared_ptr<Call> begin_call(amqp_method_number_t id, const Method& method, amqp_method_number_t answer) {
        if (state_ != State::open || !is_open()) {
            throw_ended();
        }
        send(id, method);
        return calls_.add(answer);
    }
    asio::awaitable<Queue> declare(const amqp_queue_declare_t& method) {
        return finish_declare(begin_call(AMQP_QUEUE_DECLARE_METHOD, method, AMQP_QUEUE_DECLARE_OK_METHOD));
    }
    asio::awaitable<void> bind(const std::string& queue) {
        amqp_queue_bind_t method{};
        method.queue = bytes_of(queue);
        method.exchange = bytes_of(exchange_);
        method.routing_key = bytes_of(queue);
        return call(AMQP_QUEUE_BIND_METHOD, method, AMQP_QUEUE_BIND_OK_METHOD);
    }

    asio::awaitable<void> finish(std::shared_ptr<Call> call) {
        const auto self = shared_from_this();
        while (!call->done) {
            if (!is_open()) {
                throw_ended();
            }
            co_await changed_.async_wait(no_throw);
        }
    }
    asio::awaitable<Queue> finish_declare(std::shared_ptr<Call> call) {
        co_await finish(call);
        co_return std::move(call->queue);
    }

    template <class Method>
    void send(amqp_method_number_t id, const Method& method) {
        if (is_open()) {
            append_method(control_, number_, id, method);
            wake();
        }
    }

    bool write_next(Batch& batch) {
        if (publisher_.empty()) {
            const auto user = user_.lock();
            auto next = user ? user->next_publication() : std::nullopt;
            if (!next) {
                return false;
            }
            publisher_.publish(*std::move(next));
        }
        publisher_.write_next(batch, number_, link_->frame_max());
        return true;
    }

    /// Writes the close method, or the reply to the broker's, when nothing else is left. Another channel can have the
    /// number once both sides have closed.
    void write_end(Batch& batch) {
        if (state_ == State::released) {
            return;
        }
        if (state_ == State::closing && !owes_close_ok_) {
            state_ = State::close_sent;
            publisher_.forget_waiting();
            amqp_channel_close_t method{};
            method.reply_code = AMQP_REPLY_SUCCESS;
            append_method(batch.text(), number_, AMQP_CHANNEL_CLOSE_METHOD, method);
        }
        if (std::exchange(owes_close_ok_, false)) {
            append_method(batch.text(), number_, AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t{});
            if (state_ != State::close_sent) {
                release();
            }
        }
    }

    void tell_too_large(std::optional<SizeRefusal> refusal, const Error& why) {
        const auto* const message = refusal ? publisher_.find_unconfirmed(refusal->size) : nullptr;
        const auto user = user_.lock();
        if (message != nullptr && user) {
            user->on_too_large(message->send_class, message->head, refusal->limit, why.message);
        }
    }

    /// The channel has failed: tells its user and ends pending calls.
    void fail(const Error& why) {
        if (lost_) {
            return;
        }
        lost_ = why;
        publisher_.forget_waiting();
        calls_.clear();
        changed_.cancel();
        if (const auto user = std::exchange(user_, {}).lock()) {
            user->on_lost(why);
        }
    }
    void release() {
        if (std::exchange(state_, State::released) != State::released) {
            link_->remove(number_);
        }
    }
    [[noreturn]] void throw_ended() const {
        const Error why = lost_.value_or(Error{errc::closed});
        throw MessageError(why.code, why.text(), {});
    }

    const std::shared_ptr<Link> link_;
    const std::string exchange_;
    std::weak_ptr<ChannelUser> user_;
    std::uint16_t number_ = 0;
    asio::steady_timer changed_;  // never expires: cancelled when a call is done, or the channel has ended

    std::string control_;  // methods to be written
    Calls calls_;
    Publisher publisher_;

    Deliveries deliveries_;
    Acknowledge acknowledge_ = Acknowledge::never;

    State state_ = State::waiting;
    bool ready_ = false;          // it is in the link's queue
    bool owes_close_ok_ = false;  // the broker has closed it
    std::optional<Error> lost_;   // the broker, or the end of the link, has closed it
};

}  // namespace communica::rabbitmq

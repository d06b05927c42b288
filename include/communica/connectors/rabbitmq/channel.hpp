// One AMQP channel: calls to the broker, messages both ways, confirms.
#pragma once

#include "../../asio.hpp"
#include "../../connection.hpp"
#include "assembler.hpp"
#include "calls.hpp"
#include "channel_user.hpp"
#include "frames.hpp"
#include "link.hpp"
#include "publisher.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace communica::rabbitmq {

/// Everything happens on the link's strand. Calls end with the broker's words if it closes the channel, and with the
/// link's if that is lost. What is published is confirmed by the broker.
class Channel final : public ChannelEnd, public std::enable_shared_from_this<Channel> {
 public:
    Channel(std::shared_ptr<Link> link, std::string exchange, std::weak_ptr<ChannelUser> user,
            std::shared_ptr<Budget> budget = nullptr)
        : link_(std::move(link)),
          exchange_(std::move(exchange)),
          user_(std::move(user)),
          changed_(link_->strand(), asio::steady_timer::time_point::max()),
          publisher_(exchange_),
          assembler_(small_body, 0, std::move(budget)) {}

    /// Becomes a user of the link, waits for that to be open, and opens. To be awaited once, before anything else.
    asio::awaitable<void> open() {
        const auto self = shared_from_this();
        number_ = link_->add(self);
        try {
            co_await link_->opened();
            begun_ = true;
            co_await call(AMQP_CHANNEL_OPEN_METHOD, amqp_channel_open_t{amqp_empty_bytes}, AMQP_CHANNEL_OPEN_OK_METHOD);
            co_await call(AMQP_CONFIRM_SELECT_METHOD, amqp_confirm_select_t{}, AMQP_CONFIRM_SELECT_OK_METHOD);
        } catch (...) {
            abandon();
            throw;
        }
    }

    bool is_open() const noexcept { return number_ != 0 && !lost_ && !closing_; }
    const Link& link() const noexcept { return *link_; }
    /// Larger bodies are cut to their first `head` bytes.
    void accept_bodies(std::size_t limit, std::size_t head) noexcept { assembler_.set_limits(limit, head); }

    // ---- calls

    asio::awaitable<void> declare_exchange() {
        amqp_exchange_declare_t method{};
        method.exchange = bytes_of(exchange_);
        method.type = amqp_cstring_bytes("direct");
        method.durable = 1;
        return call(AMQP_EXCHANGE_DECLARE_METHOD, method, AMQP_EXCHANGE_DECLARE_OK_METHOD);
    }

    /// A queue that outlives the broker's restart, bound to the exchange by its name.
    asio::awaitable<void> declare_durable(std::string name) {
        amqp_queue_declare_t method{};
        method.queue = bytes_of(name);
        method.durable = 1;
        co_await declare(method);
        co_await bind(name);
    }
    /// A queue of this link alone, which the broker names, bound likewise.
    asio::awaitable<std::string> declare_exclusive() {
        amqp_queue_declare_t method{};
        method.queue = amqp_empty_bytes;
        method.exclusive = 1;
        const Queue queue = co_await declare(method);
        co_await bind(queue.name);
        co_return queue.name;
    }
    /// How a queue is. If there is none, the channel is closed with the error.
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
        never,  ///< the broker forgets what it has delivered
        after,  ///< what came in one read, after it was handed out
        later,  ///< by `acknowledge`
    };

    /// With `alone` the broker closes the channel if somebody else reads the queue, and lets nobody else read it from then on.
    asio::awaitable<void> consume(const std::string& queue, Acknowledge acknowledge, bool alone = false) {
        acknowledge_ = acknowledge;
        acknowledged_ = handled_ =
            delivered_;  // what another consumer got without acknowledgement the broker knows no more
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
    /// Of all that was dealt with until now.
    void acknowledge() {
        if (handled_ != acknowledged_) {
            acknowledged_ = handled_;
            send(AMQP_BASIC_ACK_METHOD, amqp_basic_ack_t{handled_, 1});
        }
    }

    asio::awaitable<void> delete_unused(const std::string& queue) {
        amqp_queue_delete_t method{};
        method.queue = bytes_of(queue);
        method.if_unused = 1;
        return call(AMQP_QUEUE_DELETE_METHOD, method, AMQP_QUEUE_DELETE_OK_METHOD);
    }
    /// Nobody waits for it.
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
    /// There is something to be had by `next_publication`, or to be written.
    void wake() {
        if (number_ != 0 && !lost_ && !std::exchange(ready_, true)) {
            link_->wake(shared_from_this());
        }
    }

    // ---- the end
    /// When all that was published is written. Its user hears nothing from now on.
    void close() {
        user_.reset();
        if (!begun_) {
            lose({errc::closed});
        } else if (is_open()) {
            closing_ = true;
            wake();
        }
    }
    /// Waits until the broker has closed it too, and so has taken all that was published. Says no if it has not in time.
    asio::awaitable<bool> closed(std::chrono::steady_clock::duration patience) {
        const auto self = shared_from_this();
        changed_.expires_after(patience);
        while (!lost_ && changed_.expiry() > std::chrono::steady_clock::now()) {
            co_await changed_.async_wait(no_throw);
        }
        co_return lost_ && lost_->code == errc::closed;
    }
    /// Now. What is not being written is forgotten.
    void abandon() {
        publisher_.forget_waiting();
        close();
    }

    // ---- what the link tells

    void on_method(const amqp_method_t& method) override {
        switch (method.id) {
            case AMQP_BASIC_DELIVER_METHOD: {
                const auto& deliver = *static_cast<const amqp_basic_deliver_t*>(method.decoded);
                delivered_ = deliver.delivery_tag;
                content_ = {.redelivered = deliver.redelivered != 0};
                return;
            }
            case AMQP_BASIC_RETURN_METHOD: content_ = {.returned = true}; return;
            case AMQP_BASIC_ACK_METHOD: {
                const auto& ack = *static_cast<const amqp_basic_ack_t*>(method.decoded);
                const auto user = user_.lock();
                return publisher_.confirm(ack.delivery_tag, ack.multiple != 0, [&](Purpose purpose, std::size_t size) {
                    if (user) {
                        user->on_confirmed(purpose, size);
                    }
                });
            }
            case AMQP_BASIC_NACK_METHOD: return lose({errc::connection_lost, "RabbitMQ did not take a message"});
            case AMQP_BASIC_CANCEL_METHOD: {
                if (const auto user = user_.lock()) {
                    user->on_cancelled();
                }
                return;
            }
            case AMQP_CHANNEL_CLOSE_METHOD: {
                const auto& close = *static_cast<const amqp_channel_close_t*>(method.decoded);
                send(AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t{});
                return lose(broker_error(errc::connection_lost, close.reply_code, text_of(close.reply_text)));
            }
            case AMQP_CHANNEL_CLOSE_OK_METHOD: return lose({errc::closed});
            default:
                if (calls_.answer(method)) {
                    changed_.cancel();
                }
        }
    }

    void on_header(const amqp_basic_properties_t& properties, std::uint64_t body_size) override {
        content_.kind =
            (properties._flags & AMQP_BASIC_TYPE_FLAG) != 0 ? kind_named(text_of(properties.type)) : Kind::unknown;
        content_.reply_to = (properties._flags & AMQP_BASIC_REPLY_TO_FLAG) != 0 ? text_of(properties.reply_to) : "";
        assembler_.begin(body_size);
        hand_out_if_whole();
    }
    void on_body(std::string_view bytes) override {
        if (!assembler_.is_whole()) {
            assembler_.add(bytes);
            hand_out_if_whole();
        }
    }

    void on_turn_over() override {
        if (acknowledge_ == Acknowledge::after) {
            acknowledge();
        }
    }

    void on_lost(const Error& why) override { lose(why); }

    bool gather(Batch& batch) override {
        ready_ = false;
        if (lost_) {
            publisher_.clear();
        }
        const std::size_t begin = batch.size();
        while (!batch.is_full() && batch.size() - begin < turn_size) {
            if (publisher_.is_within_message()) {
                publisher_.write_on(batch, number_, link_->frame_max());
            } else if (!control_.empty()) {
                batch.text() += std::exchange(control_, {});
            } else if (lost_ || link_->is_blocked() || !write_next(batch)) {
                write_close(batch);
                return false;
            }
        }
        if (publisher_.is_within_message()) {
            batch.keep(shared_from_this());
        }
        return !std::exchange(ready_, true);
    }

 private:
    static constexpr std::size_t small_body = 64 * 1024;
    static constexpr std::size_t turn_size = Batch::enough / 2;

    template <class Method>
    asio::awaitable<void> call(amqp_method_number_t id, const Method& method, amqp_method_number_t answer) {
        return finish(begin_call(id, method, answer));
    }
    template <class Method>
    std::shared_ptr<Call> begin_call(amqp_method_number_t id, const Method& method, amqp_method_number_t answer) {
        if (!begun_ || !is_open()) {
            const Error why = lost_.value_or(Error{errc::closed});
            throw MessageError(why.code, why.text(), {});
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
            if (lost_) {
                throw MessageError(lost_->code, lost_->text(), {});
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

    void write_close(Batch& batch) {
        if (closing_ && !lost_ && !std::exchange(close_sent_, true)) {
            amqp_channel_close_t method{};
            method.reply_code = AMQP_REPLY_SUCCESS;
            append_method(batch.text(), number_, AMQP_CHANNEL_CLOSE_METHOD, method);
        }
    }

    void hand_out_if_whole() {
        if (!assembler_.is_whole()) {
            return;
        }
        if (const auto user = user_.lock()) {
            const Delivery delivery{content_.kind, assembler_.body(), content_.reply_to, content_.redelivered,
                                    assembler_.cut()};
            if (content_.returned) {
                user->on_returned(delivery);
            } else if (user->on_delivery(delivery) && !left_one_) {
                handled_ = delivered_;
            } else {
                left_one_ = true;
            }
        }
        assembler_.end();
    }

    void lose(const Error& why) {
        if (lost_) {
            return;
        }
        lost_ = why;
        const auto self = shared_from_this();
        calls_.clear();
        changed_.cancel();
        if (const auto user = std::exchange(user_, {}).lock()) {
            user->on_lost(why);
        }
        link_->remove(number_);
    }

    /// What a message that is coming in is, besides its body.
    struct Content {
        Kind kind = Kind::unknown;
        std::string reply_to = {};
        bool redelivered = false;
        bool returned = false;
    };

    const std::shared_ptr<Link> link_;
    const std::string exchange_;
    std::weak_ptr<ChannelUser> user_;
    std::uint16_t number_ = 0;
    asio::steady_timer changed_;  // never expires: cancelled when a call is done, or the channel has ended

    std::string control_;  // methods to be written
    Calls calls_;
    Publisher publisher_;

    Assembler assembler_;
    Content content_;
    Acknowledge acknowledge_ = Acknowledge::never;
    std::uint64_t delivered_ = 0;
    std::uint64_t handled_ = 0;
    bool left_one_ = false;  // that was delivered and not dealt with
    std::uint64_t acknowledged_ = 0;

    bool begun_ = false;  // the broker knows of it
    bool ready_ = false;  // it is in the link's queue
    bool closing_ = false;
    bool close_sent_ = false;
    std::optional<Error> lost_;
};

}  // namespace communica::rabbitmq

// A connection through two queues of a broker: one for each direction.
#pragma once

#include "../../connection.hpp"
#include "../../wire/handshake.hpp"
#include "channel.hpp"
#include "greeting.hpp"
#include "hand_out.hpp"
#include "keep_alive.hpp"
#include "links.hpp"
#include "message_queue.hpp"
#include "settings.hpp"
#include "take_over.hpp"
#include "too_large.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace communica::rabbitmq {

/// What both roles have in common: everything but how the handshake goes. Works on the link's strand, which it shares with
/// the other connections over that link.
class QueueConnection : public communica::Connection,
                        public ChannelUser,
                        public std::enable_shared_from_this<QueueConnection> {
 public:
    ~QueueConnection() override {
        if (channel_) {
            asio::dispatch(strand(), Task([channel = std::move(channel_)] { channel->abandon(); }));
        }
    }

    asio::any_io_executor get_executor() const override { return strand(); }
    const Credentials& credentials() const override { return credentials_; }
    std::string binding() const override { return "rabbitmq " + greeting_.names(); }

    asio::awaitable<std::string> read_hello() override {
        const auto self = shared_from_this();
        co_await begin_handshake();
        Greeting::Word word = co_await next_word();
        if (word.kind != Kind::handshake_next) {
            throw std::system_error(errc::handshake_failed, "RabbitMQ brought something else than a hello");
        }
        co_return std::move(word.body);
    }

    asio::awaitable<void> write_hello(std::string json) override {
        const auto self = shared_from_this();
        co_await begin_handshake();
        greeting_.say(*channel_, Kind::handshake_next, std::move(json));
    }

    asio::awaitable<void> refuse(Error why) override {
        const auto self = shared_from_this();
        co_await begin_handshake();
        greeting_.say(*channel_, Kind::handshake_fail, wire::frame_refusal(why.message, why.code).substr(1));
        co_await leave();
    }

    // NOLINTNEXTLINE(*-reference-coroutine-parameters): the caller awaits it
    asio::awaitable<Error> run(Receiver& receiver) override {
        const auto self = shared_from_this();
        receiver_ = &receiver;
        try {
            co_await end_handshake();
            backlog_ = co_await take_over(channel_, receive_queue_, settings_.token);
            channel_->accept_bodies(options_.limits.max_message + 1, options_.limits.max_metadata + 1);
            co_await channel_->prefetch(prefetched);
            running_ = true;
            co_await channel_->consume(receive_queue_, Channel::Acknowledge::after);
            channel_->wake();
            if (!closing_) {
                watch();
            }
            while (!ending_) {
                co_await changed_.async_wait(no_throw);
            }
        } catch (...) {
            end(Error::from(std::current_exception()));
        }
        running_ = false;
        receiver_ = nullptr;
        queue_.close();
        timer_.cancel();
        on_end();
        co_await leave();
        co_return *ending_;
    }

    void start_pings() override {
        with_ours_ = true;
        keep_alive_.start_pings();
    }

    bool send(Purpose purpose, std::string_view metadata, Buffer& body) override {
        if (metadata.size() + body.size() >= settings_.max_message) {
            return reject_too_large(purpose, metadata);
        }
        if (!queue_.push(purpose, metadata, body)) {
            return false;
        }
        if (!flush_posted_.exchange(true)) {
            asio::post(strand(), [self = shared_from_this()] { self->flush(); });
        }
        if (purpose == Purpose::refuse && queue_.size(purpose) > options_.limits.max_refusals) {
            asio::post(strand(), Task([self = shared_from_this()] {
                           self->end({errc::slow_peer, "the broker does not take what it is refused with"});
                       }));
        }
        return true;
    }

    std::size_t unread_answers() const override { return queue_.size(Purpose::answer); }
    std::vector<UnsentMessage> take_unsent() override { return queue_.take_unsent(); }

    void close(std::chrono::steady_clock::duration patience) override {
        // Posted: what the handler that is at work now answers still goes out before.
        asio::post(strand(), Task([self = shared_from_this(), patience] { self->begin_close(patience); }));
    }

    void abort() override {
        asio::dispatch(strand(), Task([self = shared_from_this()] { self->cut_off({errc::closed}); }));
    }

 protected:
    QueueConnection(Settings settings, const ConnectionOptions& options, std::string client_id, KeepAlive::Role role)
        : settings_(std::move(settings)),
          options_(options),
          client_id_(std::move(client_id)),
          queue_(options.budget, options.counters),
          keep_alive_(role, settings_.keep_alive),
          timer_(strand()),
          changed_(strand(), asio::steady_timer::time_point::max()) {}

    /// Makes the queues by which hellos go to and fro, if it was not done.
    virtual asio::awaitable<void> begin_handshake() = 0;
    /// Both sides have said hello: calls `begin_connection`.
    virtual asio::awaitable<void> end_handshake() = 0;

    /// The connection that has begun is at its end.
    virtual void on_end() {}
    /// The broker has it that the other side is told so.
    virtual void on_goodbye_said() {}

    const asio::any_io_executor& strand() const noexcept { return settings_.link->strand(); }
    const Settings& settings() const noexcept { return settings_; }
    const std::string& client_id() const noexcept { return client_id_; }
    const std::shared_ptr<Channel>& channel() const noexcept { return channel_; }

    asio::awaitable<void> open_channel() {
        if (ending_) {
            throw MessageError(ending_->code, ending_->text(), {});
        }
        channel_ =
            std::make_shared<Channel>(settings_.link->get(), settings_.exchange, weak_from_this(), options_.budget);
        co_await channel_->open();
    }

    Greeting& greeting() noexcept { return greeting_; }

    /// The other side's next word in the handshake. Throws its refusal.
    asio::awaitable<Greeting::Word> next_word() {
        while (greeting_.empty()) {
            if (ending_) {
                throw MessageError(ending_->code, ending_->text(), {});
            }
            co_await changed_.async_wait(no_throw);
        }
        Greeting::Word word = greeting_.pop();
        if (word.kind == Kind::handshake_fail) {
            const auto refusal = wire::read_refusal(wire::refusal_mark + word.body);
            throw MessageError(refusal->code, "refused: " + refusal->message, {});
        }
        co_return word;
    }

    /// It ends after this time, unless the timer is set again.
    void set_timer(std::chrono::steady_clock::duration time, Error why) {
        timer_.expires_after(time);
        timer_.async_wait(WaitTask([self = shared_from_this(), why = std::move(why)](asio::error_code error) {
            if (!error) {
                self->end(why);
            }
        }));
    }

    const std::string& connect_id() const noexcept { return connect_id_; }
    void begin_connection(std::string connect_id, std::string receive_queue, std::string send_queue) {
        connect_id_ = std::move(connect_id);
        receive_queue_ = std::move(receive_queue);
        send_queue_ = std::move(send_queue);
    }

    /// The first reason counts.
    void end(Error why) {
        if (!ending_) {
            ending_ = std::move(why);
        }
        changed_.cancel();
    }

    /// Ends without a word to the other side.
    void cut_off(Error why) {
        silent_ = true;
        end(std::move(why));
        queue_.close();
        if (channel_ && receiver_ == nullptr) {
            greeting_.close(*channel_);
            channel_->abandon();
        }
    }

 private:
    /// What the broker hands out before it waits for acknowledgements.
    static constexpr std::uint16_t prefetched = 256;

    // ---- ChannelUser

    bool on_delivery(const Delivery& delivery) override {
        keep_alive_.on_received();
        if (!running_) {
            if (!delivery.cut) {
                greeting_.push(delivery);
                changed_.cancel();
            }
            return true;
        }
        if (ending_) {
            return false;
        }
        const bool was_there_before = backlog_ != 0 || delivery.redelivered;
        backlog_ -= backlog_ != 0 ? 1 : 0;
        switch (delivery.kind) {
            case Kind::message: hand_on(delivery, was_there_before); break;
            case Kind::listening: break;
            case Kind::close:
                if (delivery.body == connect_id_) {
                    silent_ = true;
                    end({errc::closed});
                }
                break;
            case Kind::taken_over:
                if (!was_there_before && delivery.body != settings_.token) {
                    silent_ = true;
                    end({errc::replaced, "another reads the queue " + receive_queue_});
                }
                break;
            default: end({errc::protocol_error, "a message of an unknown kind"});
        }
        return true;
    }

    void on_returned(const Delivery& delivery) override {
        if (!running_) {
            return end(unreachable());
        }
        if (delivery.kind == Kind::message) {
            const auto metadata = delivery.body.substr(0, delivery.body.find(MessageQueue::separator));
            receiver_->on_undelivered(metadata, {errc::not_connected, "no queue takes what is sent to " + send_queue_});
        }
        end({errc::connection_lost, "the queue " + send_queue_ + " is gone"});
    }

    void on_confirmed(Purpose purpose, std::size_t size) override {
        if (queue_.confirm(purpose, size) && receiver_ != nullptr) {
            receiver_->on_room();
        }
    }

    void on_cancelled() override {
        if (running_) {  // a queue of the handshake may go
            end({errc::connection_lost, "the queue " + receive_queue_ + " was deleted"});
        }
    }

    void on_lost(const Error& why) override { end(why); }

    std::optional<Publication> next_publication() override {
        if (!running_ || ending_) {
            return std::nullopt;
        }
        auto next = queue_.pop(send_queue_, with_ours_);
        if (next) {
            keep_alive_.on_sent();
        } else if (closing_) {
            end({errc::closed});  // it says goodbye
        }
        return next;
    }

    /// What a client that has published this is told when it comes back.
    virtual Error unreachable() const { return {errc::handshake_failed, "the other side has gone"}; }

    void hand_on(const Delivery& delivery, bool was_there_before) {
        try {
            hand_out(delivery, was_there_before, options_, *receiver_);
        } catch (...) {
            end(Error::from(std::current_exception()));
        }
    }

    // ---- out

    void flush() {
        flush_posted_ = false;
        if (channel_) {
            channel_->wake();
        }
    }

    bool reject_too_large(Purpose purpose, std::string_view metadata) {
        if (purpose == Purpose::ask) {
            asio::post(strand(), Task([self = shared_from_this(), text = std::string(metadata)] {
                           if (self->receiver_ != nullptr) {
                               self->receiver_->on_undelivered(
                                   text, {errc::message_too_large, broker_limit(self->settings_.max_message)});
                           }
                       }));
            return true;
        }
        auto [text, body] = too_large_answer(metadata, settings_.max_message);
        return send(purpose, text.text(), body);
    }

    // ---- signs of life

    void watch() {
        timer_.expires_after(keep_alive_.tick_time());
        timer_.async_wait(WaitTask([self = shared_from_this()](asio::error_code error) {
            if (!error && self->running_ && !self->ending_ && !self->closing_) {
                self->tick();
                self->watch();
            }
        }));
    }

    void tick() {
        if (channel_->link().is_blocked()) {
            keep_alive_.on_received();  // nobody can speak now
        }
        switch (keep_alive_.tick()) {
            case KeepAlive::Verdict::silent:
                return end({errc::connection_lost, "the other side gives no sign of life"});
            case KeepAlive::Verdict::speak:
                channel_->publish({.kind = Kind::listening, .routing_key = send_queue_});
                keep_alive_.on_sent();
                if (!with_ours_) {
                    asio::co_spawn(strand(), look_for_reader(shared_from_this()), asio::detached);
                }
                break;
            case KeepAlive::Verdict::fine: break;
        }
    }

    /// A client of the Python library that has died says nothing: but then nobody reads its queue.
    static asio::awaitable<void> look_for_reader(std::shared_ptr<QueueConnection> self) {
        try {
            const auto channel = self->channel_;
            const auto queue = co_await channel->look_at(self->send_queue_);
            if (queue.consumers == 0) {
                self->end({errc::connection_lost, "nobody reads the queue " + self->send_queue_});
            }
        } catch (const std::system_error&) {  // the channel has ended, and says why
        }
    }

    // ---- the end

    void begin_close(std::chrono::steady_clock::duration patience) {
        if (receiver_ == nullptr) {  // in the handshake there is nothing to say goodbye to
            return cut_off({errc::closed});
        }
        queue_.close();
        closing_ = true;
        set_timer(patience, {errc::closed});
        if (running_) {
            channel_->wake();
        }
    }

    /// Says goodbye, unless the other side has, and waits a while until the broker has taken it.
    asio::awaitable<void> leave() {
        const auto channel = channel_;
        if (!channel || !channel->is_open()) {
            co_return;
        }
        greeting_.close(*channel);
        if (!silent_ && !connect_id_.empty()) {
            Publication goodbye{.kind = Kind::close, .routing_key = send_queue_};
            goodbye.head = connect_id_;
            channel->publish(std::move(goodbye));
        }
        channel->close();
        if (co_await channel->closed(std::chrono::seconds{1})) {
            on_goodbye_said();
        }
    }

    const Settings settings_;
    const ConnectionOptions options_;
    const std::string client_id_;
    const Credentials credentials_;
    std::shared_ptr<Channel> channel_;
    MessageQueue queue_;
    std::atomic<bool> flush_posted_ = false;
    KeepAlive keep_alive_;
    asio::steady_timer timer_;    // of the take-over, then of signs of life, then of the patience at the end
    asio::steady_timer changed_;  // never expires: cancelled when something came, or it ended

    Greeting greeting_;
    std::string connect_id_;
    std::string receive_queue_;
    std::string send_queue_;
    std::uint32_t backlog_ = 0;  // messages that were in the queue before this side read it

    Receiver* receiver_ = nullptr;  // while `run` is at work
    bool running_ = false;          // the handshake is over
    bool with_ours_ = false;        // the other side is of this library
    bool closing_ = false;          // what is queued goes out, then it ends
    bool silent_ = false;           // the other side is not to be told of the end
    std::optional<Error> ending_;
};

}  // namespace communica::rabbitmq

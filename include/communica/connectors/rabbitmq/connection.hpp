// A connection through two queues of a broker, one for each direction.
#pragma once

#include "../../connection.hpp"
#include "hand_out.hpp"
#include "handshake_end.hpp"
#include "keep_alive.hpp"
#include "message_queue.hpp"
#include "take_over.hpp"
#include "too_large.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace communica::rabbitmq {

/// The part after the handshake, for both roles.
class QueueConnection : public HandshakeEnd {
 public:
    void start(std::shared_ptr<Receiver> receiver) override {
        receiver_ = receiver.get();
        start_coroutine(strand(), run(), std::move(receiver));
    }

    void start_pings() override {
        with_ours_ = true;
        keep_alive_.start_pings(options().limits.liveness_timeout);
    }

    bool send(SendClass send_class, std::string_view metadata, Buffer& body) override {
        if ((send_class == SendClass::response || send_class == SendClass::rejection) &&
            metadata.size() + body.size() >= max_message()) {
            auto [text, error] = too_large_answer(metadata, broker_limit(max_message()));
            return send(send_class, text.text(), error);
        }
        if (!queue_.push(send_class, metadata, body)) {
            return false;
        }
        if (!flush_posted_.exchange(true)) {
            asio::post(strand(), [self = self()] { self->flush(); });
        }
        if (send_class == SendClass::rejection && queue_.size(send_class) > options().limits.max_refusals) {
            asio::post(strand(), base::Task([self = self()] {
                           self->end({errc::slow_peer, "the broker does not take what it is refused with"});
                       }));
        }
        return true;
    }

    std::size_t unread_answers() const override { return queue_.size(SendClass::response); }
    std::size_t unwritten_requests() const override { return queue_.size(SendClass::request); }
    std::vector<UnsentMessage> take_unsent() override { return queue_.take_unsent(); }

    void close(std::chrono::steady_clock::duration patience) override {
        // Posted, so that the response of the running handler is still sent.
        asio::post(strand(), base::Task([self = self(), patience] { self->begin_close(patience); }));
    }

    void abort() override {
        asio::dispatch(strand(), base::Task([self = self()] { self->cut_off({errc::closed}); }));
    }

 protected:
    QueueConnection(Settings settings, const ConnectionOptions& options, std::string client_id, KeepAlive::Role role)
        : HandshakeEnd(std::move(settings), options, std::move(client_id)),
          queue_(options.budget, options.counters),
          keep_alive_(role, this->settings().keep_alive) {}

    /// Completes when both sides have sent their hello. Must call `begin_connection`.
    virtual asio::awaitable<void> end_handshake() = 0;

    /// The peer uses this library.
    bool is_with_ours() const noexcept { return with_ours_; }
    /// Called when a connection that has begun ends.
    virtual void on_end() {}
    const std::string& connect_id() const noexcept { return connect_id_; }
    void begin_connection(std::string connect_id, std::string receive_queue, std::string send_queue) {
        connect_id_ = std::move(connect_id);
        connection_name_ = in_hexadecimal(connect_id_);
        receive_queue_ = std::move(receive_queue);
        send_queue_ = std::move(send_queue);
    }

    /// Ends without a goodbye to the peer.
    void cut_off(Error why) {
        silent_ = true;
        end(std::move(why));
        queue_.close();
        if (!is_running()) {
            abandon();
        }
    }

 private:
    /// `receiving`: the handshake is over. `open`: this side reads its queue alone, and sends. `ended`: the goodbye follows.
    enum class State : unsigned char { handshake, receiving, open, ended };

    bool is_running() const noexcept { return state_ == State::receiving || state_ == State::open; }

    std::shared_ptr<QueueConnection> self() { return std::static_pointer_cast<QueueConnection>(shared_from_this()); }

    asio::awaitable<Error> run() {
        set_timer(handshake_time, {errc::handshake_failed, "the other side does not end the handshake"});
        try {
            co_await end_handshake();
            backlog_ = co_await take_over(channel(), receive_queue_, token_);
            channel()->accept_bodies(MessageQueue::with_separator(options().limits.max_message),
                                     MessageQueue::with_separator(options().limits.max_metadata));
            co_await channel()->prefetch(prefetched);
            state_ = State::receiving;
            co_await read_alone(channel(), receive_queue_);
            state_ = State::open;  // not before: a large message would delay the steps above
            channel()->wake();
            if (!closing_) {
                watch();
            }
            while (!ending()) {
                co_await changed().async_wait(no_throw);
            }
        } catch (...) {
            end(Error::from(std::current_exception()));
        }
        state_ = State::ended;
        receiver_ = nullptr;
        queue_.close();
        timer().cancel();
        if (aside_) {
            aside_->close();
        }
        on_end();
        co_await leave(goodbye());
        co_return *ending();
    }

    /// The most messages that the broker delivers before it waits for acknowledgements.
    static constexpr std::uint16_t prefetched = 256;
    static constexpr std::chrono::seconds handshake_time{30};

    // ---- ChannelUser

    bool on_delivery(const Delivery& delivery) override {
        if (ending()) {
            return false;
        }
        if (!is_running()) {
            return on_word(delivery);
        }
        keep_alive_.on_received();
        const bool was_there_before = backlog_ != 0 || delivery.redelivered;
        backlog_ -= backlog_ != 0 ? 1 : 0;
        switch (delivery.kind) {
            case Kind::message: hand_on(delivery); break;
            case Kind::listening: break;
            case Kind::close:
                if (delivery.body == connect_id_) {
                    silent_ = true;
                    end({errc::closed});
                }
                break;
            case Kind::taken_over:
                if (!was_there_before && delivery.body != token_) {
                    silent_ = true;
                    end({errc::replaced, "another reads the queue " + receive_queue_});
                }
                break;
            default: end({errc::protocol_error, "a message of an unknown kind"});
        }
        return true;
    }

    void on_progress() override { keep_alive_.on_received(); }

    void on_returned(const Delivery& delivery) override {
        if (!is_running()) {
            return end(unreachable());
        }
        if (delivery.kind == Kind::message) {
            const auto metadata = delivery.body.substr(0, delivery.body.find(MessageQueue::separator));
            receiver_->on_undelivered(metadata, {errc::not_connected, "no queue takes what is sent to " + send_queue_});
        }
        end({errc::connection_lost, "the queue " + send_queue_ + " is gone"});
    }

    void on_confirmed(SendClass send_class, std::size_t size) override {
        if (queue_.confirm(send_class, size) && receiver_ != nullptr) {
            receiver_->on_room();
        }
    }

    void on_too_large(SendClass send_class, std::string_view head, std::size_t limit, const std::string& why) override {
        settings().notes->on_limit(limit);
        if (receiver_ == nullptr || head.empty()) {
            return;
        }
        const std::string_view metadata = head.substr(0, head.size() - 1);
        if (send_class == SendClass::request || send_class == SendClass::stream) {
            return receiver_->on_undelivered(metadata, {errc::message_too_large, why});
        }
        auto [text, error] = too_large_answer(metadata, why);
        queue_.push(send_class, text.text(), error);  // for the next connection
    }

    void on_cancelled() override {
        if (is_running()) {  // queues of the handshake may go
            end({errc::connection_lost, "the queue " + receive_queue_ + " was deleted"});
        }
    }

    std::optional<Publication> next_publication() override {
        if (state_ != State::open || ending()) {
            return std::nullopt;
        }
        while (auto next = queue_.pop(send_queue_, connection_name_, with_ours_)) {
            if (next->size() <= max_message()) {
                keep_alive_.on_sent();
                return next;
            }
            queue_.confirm(next->send_class, next->size());
            receiver_->on_undelivered(std::string_view(next->head).substr(0, next->head.size() - 1),
                                      {errc::message_too_large, broker_limit(max_message())});
        }
        if (closing_) {
            end({errc::closed});  // `run` sends the goodbye
        }
        return std::nullopt;
    }

    void hand_on(const Delivery& delivery) {
        if (!delivery.connection.empty() && delivery.connection != connection_name_) {
            return;  // it was sent to an earlier connection
        }
        try {
            hand_out(delivery, options(), *receiver_);
        } catch (...) {
            end(Error::from(std::current_exception()));
        }
    }

    // ---- sending

    void flush() {
        flush_posted_ = false;
        if (channel()) {
            channel()->wake();
        }
    }

    // ---- keep-alive

    void watch() {
        timer().expires_after(keep_alive_.tick_time());
        timer().async_wait(base::WaitTask([self = self()](asio::error_code error) {
            if (!error && self->is_running() && !self->ending() && !self->closing_) {
                self->tick();
                self->watch();
            }
        }));
    }

    void tick() {
        if (channel()->link().is_blocked()) {
            keep_alive_.on_received();  // no peer can send now
        }
        switch (keep_alive_.tick()) {
            case KeepAlive::Health::silent: return end({errc::connection_lost, "the other side gives no sign of life"});
            case KeepAlive::Health::speak:
                if (channel()->is_within_message()) {
                    speak_aside();
                } else {
                    channel()->publish({.kind = Kind::listening, .routing_key = send_queue_});
                }
                keep_alive_.on_sent();
                if (!with_ours_) {
                    asio::co_spawn(strand(), look_for_reader(self()), asio::detached);
                }
                break;
            case KeepAlive::Health::doubtful: asio::co_spawn(strand(), look_for_reader(self()), asio::detached); break;
            case KeepAlive::Health::fine: break;
        }
    }

    /// Sends a keep-alive on a channel of its own, whose frames go between those of a large message. Does not wait
    /// until that channel is open: the broker accepts messages right behind the open method.
    void speak_aside() {
        if (!aside_ || !aside_->is_open()) {
            aside_ = std::make_shared<Channel>(settings().link->get(settings().notes), settings().exchange,
                                               std::weak_ptr<ChannelUser>());
            asio::co_spawn(strand(), aside_->open(), asio::detached);
        }
        aside_->publish({.kind = Kind::listening, .routing_key = send_queue_});
    }

    /// Ends the connection if no consumer reads the peer's queue, as after the peer's death.
    static asio::awaitable<void> look_for_reader(std::shared_ptr<QueueConnection> self) {
        try {
            const auto channel = self->channel();
            const auto queue = co_await channel->look_at(self->send_queue_);
            if (queue.consumers == 0) {
                self->end({errc::connection_lost, "nobody reads the queue " + self->send_queue_});
            }
        } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): the channel has ended, and says why
        }
    }

    // ---- the end

    void begin_close(std::chrono::steady_clock::duration patience) {
        if (receiver_ == nullptr) {  // during the handshake no goodbye is sent
            return cut_off({errc::closed});
        }
        queue_.close();
        closing_ = true;
        set_timer(patience, {errc::closed});
        if (is_running()) {
            channel()->wake();
        }
    }

    /// The goodbye to the peer; null if the peer has ended the connection itself.
    std::optional<Publication> goodbye() const {
        if (silent_ || connect_id_.empty()) {
            return std::nullopt;
        }
        Publication goodbye{.kind = Kind::close, .routing_key = send_queue_};
        goodbye.head = connect_id_;
        return goodbye;
    }

    MessageQueue queue_;
    std::atomic<bool> flush_posted_ = false;
    KeepAlive keep_alive_;
    std::shared_ptr<Channel> aside_;              // for keep-alives beside a large message
    const std::string token_ = random_bytes(16);  // identifies this side's own message in `take_over`
    std::string connect_id_;
    std::string connection_name_;
    std::string receive_queue_;
    std::string send_queue_;
    std::uint32_t backlog_ = 0;  // messages in the queue before this side read it

    Receiver* receiver_ = nullptr;  // from `start` to the end
    State state_ = State::handshake;
    bool with_ours_ = false;  // the peer uses this library
    bool closing_ = false;    // queued messages are sent, then the connection ends
    bool silent_ = false;     // no goodbye is sent
};

}  // namespace communica::rabbitmq

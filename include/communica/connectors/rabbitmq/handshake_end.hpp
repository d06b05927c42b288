// One end of a connection through a broker: its channel, its handshake and its end.
#pragma once

#include "../../connection.hpp"
#include "channel.hpp"
#include "greeting.hpp"
#include "handshake_words.hpp"
#include "links.hpp"
#include "settings.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace communica::rabbitmq {

/// Has a channel, and wakes all waiters at the end. Runs on the link's strand, which it shares with the other
/// connections over that link.
class HandshakeEnd : public communica::Connection,
                     public ChannelUser,
                     public std::enable_shared_from_this<HandshakeEnd> {
 public:
    ~HandshakeEnd() override {  // NOLINT(bugprone-exception-escape): out of memory: terminating is all that is left
        if (channel_) {
            asio::dispatch(strand(),
                           base::Task([channel = std::move(channel_), greeting = std::move(greeting_)]() mutable {
                               greeting.close(*channel);
                               channel->abandon();
                           }));
        }
    }

    asio::any_io_executor get_executor() const override { return strand(); }
    const Credentials& credentials() const override { return credentials_; }
    std::string binding() const override { return "rabbitmq " + greeting_.names(); }

    /// False: the servers of one queue share its messages.
    bool has_one_reader() const override { return false; }

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
        greeting_.say(*channel_, Kind::handshake_fail, refusal(why));
        co_await leave(std::nullopt);
    }

 protected:
    HandshakeEnd(Settings settings, const ConnectionOptions& options, std::string client_id)
        : settings_(std::move(settings)),
          options_(options),
          client_id_(std::move(client_id)),
          timer_(strand()),
          changed_(strand(), asio::steady_timer::time_point::max()) {}

    /// Declares the queues of the handshake, once.
    virtual asio::awaitable<void> begin_handshake() = 0;
    /// The broker has taken the goodbye.
    virtual void on_goodbye_said() {}
    /// The error for a message of the handshake that the broker returns.
    virtual Error unreachable() const { return {errc::handshake_failed, "the other side has gone"}; }

    const asio::any_io_executor& strand() const noexcept { return settings_.link->strand(); }
    const Settings& settings() const noexcept { return settings_; }
    const ConnectionOptions& options() const noexcept { return options_; }
    const std::string& client_id() const noexcept { return client_id_; }
    const std::shared_ptr<Channel>& channel() const noexcept { return channel_; }

    asio::awaitable<void> open_channel() {
        if (ending_) {
            throw MessageError(ending_->code, ending_->text(), {});
        }
        channel_ = std::make_shared<Channel>(settings_.link->get(settings_.notes), settings_.exchange, weak_from_this(),
                                             options_.budget);
        co_await channel_->open();
        max_message_ =
            std::min(settings_.max_message.value_or(channel_->link().max_message()), settings_.notes->max_message());
    }
    /// The largest message that the broker takes. Known once the channel is open.
    std::size_t max_message() const noexcept { return max_message_; }

    Greeting& greeting() noexcept { return greeting_; }

    /// The peer's next message of the handshake. Throws the peer's refusal.
    asio::awaitable<Greeting::Word> next_word() {
        while (greeting_.empty()) {
            if (ending_) {
                throw MessageError(ending_->code, ending_->text(), {});
            }
            co_await changed_.async_wait(no_throw);
        }
        Greeting::Word word = greeting_.pop();
        if (word.kind == Kind::handshake_fail) {
            const Error why = read_refusal(word.body);
            throw MessageError(why.code, "refused: " + why.message, {});
        }
        co_return word;
    }

    /// Ends the connection after this time, unless the timer is set again.
    void set_timer(std::chrono::steady_clock::duration time, Error why) {
        timer_.expires_after(time);
        timer_.async_wait(base::WaitTask([self = shared_from_this(), why = std::move(why)](asio::error_code error) {
            if (!error) {
                self->end(why);
                self->abandon();
            }
        }));
    }

    /// Cancelled when a message has arrived or the connection has ended.
    asio::steady_timer& changed() noexcept { return changed_; }
    asio::steady_timer& timer() noexcept { return timer_; }

    /// Only the first reason counts.
    void end(Error why) {
        if (!ending_) {
            ending_ = std::move(why);
        }
        changed_.cancel();
    }

    const std::optional<Error>& ending() const noexcept { return ending_; }

    /// Closes the channel. Waits up to a second until the broker has taken everything published, and the goodbye.
    asio::awaitable<void> leave(std::optional<Publication> goodbye) {
        const auto channel = channel_;
        if (!channel) {
            co_return;
        }
        if (!channel->is_open()) {
            const Link& link = channel->link();
            if (goodbye && channel->has_failed() && link.has_room() && !link.is_blocked()) {
                asio::co_spawn(strand(), say_elsewhere(settings_, *std::move(goodbye)), asio::detached);
            }
            co_return;
        }
        greeting_.close(*channel);
        if (goodbye) {
            channel->publish(*std::move(goodbye));
        }
        channel->close();
        if (co_await channel->closed(std::chrono::seconds{1})) {
            on_goodbye_said();
        }
    }

    /// Closes without a goodbye, and without waiting for the broker.
    void abandon() {
        if (channel_) {
            greeting_.close(*channel_);
            channel_->abandon();
        }
    }

    bool on_word(const Delivery& delivery) {
        if (!delivery.cut) {
            greeting_.push(delivery);
            changed_.cancel();
        }
        return true;
    }

 private:
    void on_lost(const Error& why) override { end(why); }

    /// Sends the goodbye over another channel, because the broker has closed this one without the peer's knowledge.
    static asio::awaitable<void> say_elsewhere(Settings settings, Publication goodbye) {
        const auto channel = std::make_shared<Channel>(settings.link->get(settings.notes), settings.exchange,
                                                       std::weak_ptr<ChannelUser>());
        try {
            co_await channel->open();
            channel->publish(std::move(goodbye));
        } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): the peer will notice the end by itself
        }
        channel->close();
    }

    const Settings settings_;
    const ConnectionOptions options_;
    const std::string client_id_;
    const Credentials credentials_;
    std::shared_ptr<Channel> channel_;
    std::size_t max_message_ = 0;
    Greeting greeting_;
    asio::steady_timer timer_;    // of the handshake, then of keep-alives, then of the patience at the end
    asio::steady_timer changed_;  // never expires
    std::optional<Error> ending_;
};

}  // namespace communica::rabbitmq

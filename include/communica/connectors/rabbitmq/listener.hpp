// Accepts clients through a broker.
#pragma once

#include "../../connector.hpp"
#include "handshake_words.hpp"
#include "server_clients.hpp"
#include "server_connection.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>

namespace communica::rabbitmq {

/// Reads the connect queue, one request at a time, so that several servers share the clients. If the link to the broker
/// is lost, it opens another.
class QueueListener final : public Listener, public ChannelUser, public std::enable_shared_from_this<QueueListener> {
 public:
    QueueListener(Settings settings, const ConnectionOptions& options, std::string state)
        : settings_(std::move(settings)),
          options_(options),
          state_(std::move(state)),
          clients_(std::make_shared<ServerClients>(settings_)),
          timer_(settings_.link->strand()),
          changed_(settings_.link->strand(), asio::steady_timer::time_point::max()) {}

    ~QueueListener() override {  // NOLINT(bugprone-exception-escape): out of memory: terminating is all that is left
        if (channel_) {
            asio::dispatch(settings_.link->strand(),
                           base::Task([channel = std::move(channel_)] { channel->abandon(); }));
        }
    }

    /// To be run on the link's strand.
    static asio::awaitable<void> open(std::shared_ptr<QueueListener> self) {
        auto channel =
            std::make_shared<Channel>(self->settings_.link->get(self->settings_.notes), self->settings_.exchange,
                                      self->weak_from_this(), self->options_.budget);
        self->channel_ = channel;
        co_await channel->open();
        const std::string queue = self->settings_.names.connect();
        co_await channel->declare_exchange();
        co_await channel->declare_durable(queue);
        co_await channel->prefetch(1);
        co_await channel->consume(queue, Channel::Acknowledge::later);
    }

    asio::awaitable<std::shared_ptr<Connection>> accept() override {
        co_return co_await base::spawn_on(settings_.link->strand(), next(shared_from_this()), asio::use_awaitable);
    }

    void close() override {
        asio::dispatch(settings_.link->strand(), base::Task([self = shared_from_this()] {
                           self->closed_ = true;
                           self->release();
                           self->clients_->close();
                           self->timer_.cancel();
                           self->changed_.cancel();
                       }));
    }

    std::string address() const override { return settings_.link->url().text() + " " + settings_.names.address; }
    std::string state() const override { return state_; }

 private:
    /// Between attempts to reach a broker.
    static constexpr std::chrono::milliseconds first_wait{200};
    static constexpr std::chrono::milliseconds longest_wait{5000};

    static asio::awaitable<std::shared_ptr<Connection>> next(std::shared_ptr<QueueListener> self) {
        for (;;) {
            if (self->closed_) {
                self->release();  // it may just have been opened again
                throw std::system_error(make_error_code(asio::error::operation_aborted));
            }
            if (!self->channel_ || !self->channel_->is_open()) {
                co_await reopen(self);
            } else if (!self->requests_.empty()) {
                const Request request = std::move(self->requests_.front());
                self->requests_.pop_front();
                if (!request.fault.empty()) {
                    self->channel_->acknowledge();
                    throw MessageError(errc::handshake_failed, request.fault, {});
                }
                co_return std::make_shared<ServerConnection>(self->settings_, self->options_, request.client_id,
                                                             request.reply_to, self->clients_,
                                                             [channel = self->channel_] { channel->acknowledge(); });
            } else {
                co_await self->changed_.async_wait(no_throw);
            }
        }
    }

    static asio::awaitable<void> reopen(std::shared_ptr<QueueListener> self) {
        self->requests_.clear();  // the broker delivers them again
        self->timer_.expires_after(self->wait_);
        self->wait_ = std::min<std::chrono::milliseconds>(self->wait_ * 2, longest_wait);
        co_await self->timer_.async_wait(no_throw);
        if (!self->closed_) {
            co_await open(self);
            self->wait_ = first_wait;
        }
    }

    // ---- ChannelUser

    bool on_delivery(const Delivery& delivery) override {
        requests_.push_back(read(delivery));
        changed_.cancel();
        return true;
    }
    void on_cancelled() override { release(); }
    void on_lost(const Error&) override { changed_.cancel(); }

    struct Request {
        std::string client_id = {};
        std::string reply_to = {};
        std::string fault = {};  ///< why no response is possible
    };

    Request read(const Delivery& delivery) const {
        if (delivery.kind != Kind::connect_request) {
            return {.fault = "in the connect queue was something else than a request to connect"};
        }
        if (delivery.reply_to.empty()) {
            return {.fault = "a request to connect does not say where to answer"};
        }
        auto client_id = client_id_in(delivery.cut ? "" : delivery.body);
        if (!client_id || !settings_.names.fits(*client_id)) {
            return {.fault = "a request to connect holds no client id, or one that is too long"};
        }
        return {.client_id = *std::move(client_id), .reply_to = std::string(delivery.reply_to)};
    }

    void release() {
        if (channel_) {
            channel_->abandon();
            changed_.cancel();
        }
    }

    const Settings settings_;
    const ConnectionOptions options_;
    const std::string state_;
    const std::shared_ptr<ServerClients> clients_;
    std::shared_ptr<Channel> channel_;
    std::deque<Request> requests_;  // at most one, unless the broker ignores the prefetch limit
    asio::steady_timer timer_;
    asio::steady_timer changed_;  // never expires: cancelled by a request, a lost channel, and `close`
    std::chrono::milliseconds wait_ = first_wait;
    bool closed_ = false;
};

}  // namespace communica::rabbitmq

// The connected clients of a server, and those that have left.
#pragma once

#include "channel.hpp"
#include "settings.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace communica::rabbitmq {

/// Keeps the newest connection of each client id, and deletes the queues of absent clients. Runs on the link's strand.
class ServerClients : public std::enable_shared_from_this<ServerClients> {
 public:
    /// The connection of a client.
    class Client {
     public:
        virtual ~Client() = default;
        /// A newer connection of the client replaces this one.
        virtual void supersede() = 0;
    };

    explicit ServerClients(Settings settings) : settings_(std::move(settings)), timer_(settings_.link->strand()) {}

    /// The order of the connections' arrivals. A later one may complete its handshake first.
    std::uint64_t next_turn() noexcept { return ++last_turn_; }

    /// Replaces the earlier connection of this client. Returns false if a later one is connected already.
    bool arrive(const std::string& client_id, const std::shared_ptr<Client>& client, std::uint64_t turn) {
        std::erase_if(absent_, [&](const Absent& absent) { return absent.client_id == client_id; });
        Present& present = present_[client_id];
        const auto other = present.client.lock();
        if (other && present.turn > turn) {
            return false;
        }
        present = {client, turn};
        if (other) {
            other->supersede();
        }
        return true;
    }

    void leave(const std::string& client_id, const Client& client) {
        const auto found = present_.find(client_id);
        if (found == present_.end() || found->second.client.lock().get() != &client) {
            return;  // another connection has replaced it
        }
        present_.erase(found);
        absent_.push_back({client_id, std::chrono::steady_clock::now() + settings_.keep_queues});
        while (absent_.size() > most_absent) {
            forget_first();
        }
        wait();
    }

    /// The server has stopped: queues are kept.
    void close() {
        closed_ = true;
        timer_.cancel();
    }

 private:
    /// Beyond this number, the queues of the client that left first are deleted early.
    static constexpr std::size_t most_absent = 10'000;

    struct Present {
        std::weak_ptr<Client> client = {};
        std::uint64_t turn = 0;
    };

    struct Absent {
        std::string client_id;
        std::chrono::steady_clock::time_point until;
    };

    void wait() {
        if (absent_.empty() || closed_) {
            return;
        }
        timer_.expires_at(absent_.front().until);
        timer_.async_wait(base::WaitTask([weak = weak_from_this()](asio::error_code error) {
            const auto self = weak.lock();
            if (!self || error) {
                return;
            }
            const auto now = std::chrono::steady_clock::now();
            while (!self->absent_.empty() && self->absent_.front().until <= now) {
                self->forget_first();
            }
            self->wait();
        }));
    }

    void forget_first() {
        const std::string client_id = std::move(absent_.front().client_id);
        absent_.pop_front();
        asio::co_spawn(settings_.link->strand(), delete_queues(weak_from_this(), settings_, client_id), asio::detached);
    }

    /// Deletes the queues unless one has a consumer, because then the client uses another server. Checks first, because
    /// quorum queues do not support deletion only if unused.
    static asio::awaitable<void> delete_queues(std::weak_ptr<ServerClients> clients, Settings settings,
                                               std::string client_id) {
        const std::array queues{settings.names.to_client(client_id), settings.names.to_server(client_id)};
        const std::shared_ptr<Channel> channel = new_channel(settings);
        try {
            co_await channel->open();
            bool are_read = false;
            for (const std::string& queue : queues) {
                are_read = co_await is_read(settings, queue) || are_read;
            }
            const auto self = clients.lock();
            if (!are_read && self && !self->present_.contains(client_id)) {
                for (const std::string& queue : queues) {
                    channel->delete_queue(queue);
                }
            }
        } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): the queues are kept
        }
        channel->close();
    }

    /// Uses a channel of its own, which the broker closes if the queue does not exist.
    static asio::awaitable<bool> is_read(Settings settings, std::string queue) {
        const std::shared_ptr<Channel> channel = new_channel(settings);
        bool result = false;
        try {
            co_await channel->open();
            result = (co_await channel->look_at(queue)).consumers != 0;
        } catch (const std::system_error& e) {
            result =
                std::string_view(e.what()).find("(404)") == std::string_view::npos;  // otherwise assume that it has one
        }
        channel->close();
        co_return result;
    }

    static std::shared_ptr<Channel> new_channel(const Settings& settings) {
        return std::make_shared<Channel>(settings.link->get(settings.notes), settings.exchange,
                                         std::weak_ptr<ChannelUser>());
    }

    const Settings settings_;
    asio::steady_timer timer_;
    std::map<std::string, Present> present_;  // a tree, because clients choose the ids
    std::uint64_t last_turn_ = 0;
    bool closed_ = false;
    std::deque<Absent> absent_;  // in the order of leaving
};

}  // namespace communica::rabbitmq

// A server's connection to a client through a broker.
#pragma once

#include "connection.hpp"
#include "server_clients.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace communica::rabbitmq {

/// Calls `acknowledge` once the client has a response, or can't get one. Then the next request is delivered.
class ServerConnection final : public QueueConnection, public ServerClients::Client {
 public:
    ServerConnection(Settings settings, const ConnectionOptions& options, std::string client_id,
                     std::string client_queue, std::shared_ptr<ServerClients> clients,
                     std::function<void()> acknowledge)
        : QueueConnection(std::move(settings), options, std::move(client_id), KeepAlive::Role::server),
          clients_(std::move(clients)),
          acknowledge_(std::move(acknowledge)) {
        greeting().set_other_queue(std::move(client_queue));
    }

    void supersede() override { cut_off({errc::replaced, "the client has another connection"}); }

 private:
    asio::awaitable<void> begin_handshake() override {
        const auto acknowledge = std::exchange(acknowledge_, nullptr);
        if (!acknowledge) {
            co_return;
        }
        try {
            co_await open_channel();
            co_await greeting().open(*channel());
            greeting().say(*channel(), Kind::connect_response, {}, greeting().own_queue());
            acknowledge();
        } catch (...) {
            acknowledge();
            throw;
        }
        co_await greeting().listen(*channel());
    }

    asio::awaitable<void> end_handshake() override {
        const auto turn = clients_->next_turn();
        co_await channel()->stop_consuming();
        greeting().close(*channel());
        const std::string to_client = settings().names.to_client(client_id());
        const std::string to_server = settings().names.to_server(client_id());
        co_await channel()->declare_durable(to_client);
        co_await channel()->declare_durable(to_server);
        if (!clients_->arrive(client_id(), std::static_pointer_cast<ServerConnection>(shared_from_this()), turn)) {
            const Error why{errc::replaced, "a later connection of this client is here"};
            greeting().say(*channel(), Kind::handshake_fail, refusal(why));
            throw MessageError(why.code, why.message, {});
        }
        const std::string connect_id = random_bytes(16);
        greeting().say(*channel(), Kind::handshake_done, connect_id);
        begin_connection(connect_id, to_server, to_client);
    }

    void on_end() override { clients_->leave(client_id(), *this); }

    std::shared_ptr<ServerClients> clients_;
    std::function<void()> acknowledge_;
};

}  // namespace communica::rabbitmq

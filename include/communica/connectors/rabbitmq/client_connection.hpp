// A client's connection to a server through a broker.
#pragma once

#include "connection.hpp"
#include "handshake_words.hpp"
#include "last_connection.hpp"

#include <memory>
#include <string>
#include <utility>

namespace communica::rabbitmq {

class ClientConnection final : public QueueConnection {
 public:
    ClientConnection(Settings settings, const ConnectionOptions& options, std::string client_id,
                     std::shared_ptr<LastConnection> last)
        : QueueConnection(std::move(settings), options, std::move(client_id), KeepAlive::Role::client),
          last_(std::move(last)) {}

    /// Completes when a server is ready for a hello. Runs on the link's strand.
    static asio::awaitable<std::shared_ptr<Connection>> connect(std::shared_ptr<ClientConnection> self) {
        try {
            co_await self->call_server();
        } catch (...) {
            self->cut_off(Error::from(std::current_exception()));
            throw;
        }
        co_return self;
    }

 private:
    /// The broker drops a request to connect after this time, because its client has given up.
    static constexpr std::chrono::seconds connect_request_expiration{30};

    asio::awaitable<void> call_server() {
        co_await open_channel();
        co_await channel()->declare_exchange();
        co_await end_last_connection();
        co_await greeting().open(*channel());
        co_await greeting().listen(*channel());
        Publication request{
            .kind = Kind::connect_request, .routing_key = settings().names.connect(), .mandatory = true};
        request.head = connect_request(client_id());
        request.reply_to = greeting().own_queue();
        request.expiration = connect_request_expiration;
        channel()->publish(std::move(request));
        const Greeting::Word response = co_await next_word();
        if (response.kind != Kind::connect_response || response.reply_to.empty()) {
            throw std::system_error(errc::handshake_failed, "the server does not say where it listens");
        }
        greeting().set_other_queue(response.reply_to);
    }

    /// Sends the goodbye of the last connection if that could not. A server of the Python library that gets a client's
    /// second connection before it knows that the first has ended loses its link to the broker, and so all its clients.
    asio::awaitable<void> end_last_connection() {
        const std::string id = std::exchange(last_->connect_id, {});
        if (id.empty()) {
            co_return;
        }
        Publication goodbye{.kind = Kind::close, .routing_key = settings().names.to_server(client_id())};
        goodbye.head = id;
        channel()->publish(std::move(goodbye));
        if (!last_->was_with_ours) {
            co_await wait_for_no_reader(channel(), settings().names.to_server(client_id()));
        }
    }

    asio::awaitable<void> begin_handshake() override { co_return; }

    asio::awaitable<void> end_handshake() override {
        Greeting::Word done = co_await next_word();
        if (done.kind != Kind::handshake_done) {
            throw std::system_error(errc::handshake_failed, "the server does not end the handshake as it should");
        }
        const std::string connect_id = connect_id_in(std::move(done.body));
        co_await channel()->stop_consuming();
        greeting().close(*channel());
        last_->connect_id = connect_id;
        last_->was_with_ours = is_with_ours();
        begin_connection(connect_id, settings().names.to_client(client_id()), settings().names.to_server(client_id()));
    }

    void on_goodbye_said() override { last_->connect_id.clear(); }

    Error unreachable() const override {
        return {make_error_code(asio::error::connection_refused),
                "no server has listened at " + settings().names.address};
    }

    std::shared_ptr<LastConnection> last_;
};

}  // namespace communica::rabbitmq

// What comes in over one connection: answers go to those who wait, requests to their handlers.
#pragma once

#include "../wire/error_body.hpp"
#include "peer.hpp"
#include "reply.hpp"

#include <memory>
#include <string>
#include <utility>

namespace communica::peer {

class Inbox final : public Receiver {
 public:
    Inbox(std::shared_ptr<Peer> peer, std::shared_ptr<Connection> connection)
        : peer_(std::move(peer)), connection_(std::move(connection)) {}

    void on_message(const Message& message) override {
        const auto metadata = reader_.read(message.metadata);
        if (metadata.is_answer()) {
            peer_->on_answer(metadata, message.body);
        } else if (const Handler* handler = find_handler(metadata)) {
            if (!peer_->is_closed()) {
                handler->handle({peer_, connection_, metadata, message.body});
            }
        } else {
            refuse(metadata,
                   {.code = errc::requester_error, .message = no_handler(metadata), .kind = Error::Kind::requester});
        }
    }

    void on_oversized(std::string_view text) override {
        const auto metadata = reader_.read(text);
        if (metadata.is_answer()) {
            peer_->on_oversized_answer(metadata);
        } else {
            refuse(metadata, {.code = errc::message_too_large,
                              .message = "The message is over the receiver's limit",
                              .status = 413,
                              .kind = Error::Kind::requester});
        }
    }

 private:
    const Handler* find_handler(const wire::Metadata& metadata) const {
        const Handlers& handlers = peer_->handlers();
        if (handlers.mode() == Handlers::Mode::simple) {
            return handlers.only();  // a route does not matter then
        }
        return metadata.route ? handlers.find(*metadata.route) : nullptr;
    }

    std::string no_handler(const wire::Metadata& metadata) const {
        if (peer_->handlers().mode() == Handlers::Mode::simple) {
            return "There is no handler here";
        }
        if (!metadata.route) {
            return "The request has no route";
        }
        return "Route \"" + std::string(*metadata.route) + "\" is not defined";
    }

    void refuse(const wire::Metadata& metadata, const Error& error) {
        if (metadata.wants_answer()) {
            Reply reply;
            reply.set_error(error);
            peer_->answer(*connection_, metadata.before_type, metadata.after_type, reply.type, reply.body);
        }
    }

    std::shared_ptr<Peer> peer_;
    std::shared_ptr<Connection> connection_;
    wire::MetadataReader reader_;
};

/// Serves `peer` over `connection` until the connection ends; says why it did. `attached` is called once requests go
/// out over it. Runs on the connection's executor.
template <class Attached>
asio::awaitable<Error> serve(std::shared_ptr<Peer> peer, std::shared_ptr<Connection> connection, Attached attached) {
    Inbox inbox(peer, connection);
    peer->attach(connection);
    attached();
    Error ending = co_await connection->run(inbox);
    peer->detach(*connection);
    co_return ending;
}

}  // namespace communica::peer

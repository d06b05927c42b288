// What comes in over one connection: answers go to those who wait, requests to their handlers.
#pragma once

#include "../wire/error_body.hpp"
#include "../wire/goodbye.hpp"
#include "../wire/metadata_reader.hpp"
#include "peer.hpp"
#include "reply.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace communica::peer {

class Inbox final : public Receiver {
 public:
    Inbox(std::shared_ptr<Peer> peer, std::shared_ptr<Connection> connection, const Offer& offer)
        : peer_(std::move(peer)), connection_(std::move(connection)), offer_(offer) {}

    /// The other side has said that another took its place.
    bool was_replaced() const noexcept { return replaced_; }

    void on_message(const Message& message) override {
        const auto metadata = reader_.read(message.metadata);
        if (metadata.is_answer()) {
            peer_->requester()->on_answer(metadata, message);
        } else if (metadata.type == wire::MessageType::cancel && offer_.cancel) {
            peer_->responder().cancel(metadata.id);
        } else if (metadata.type == wire::MessageType::goodbye && offer_.goodbye) {
            on_goodbye(wire::read_goodbye(message.body));
        } else {
            peer_->responder().count(metadata);
            on_request(metadata, message);
        }
    }

    void on_discarded(std::string_view text, errc why) override {
        const auto metadata = reader_.read(text);
        if (metadata.is_answer()) {
            return peer_->requester()->on_no_answer(
                metadata, {why, why == errc::busy ? "there is no memory for the answer on this side"
                                                  : "the answer is over this side's limit"});
        }
        peer_->responder().count(metadata);
        if (why == errc::busy) {
            refuse(metadata, {.code = errc::busy,
                              .message = "too many bytes held for all requesters together",
                              .status = 503,
                              .kind = Error::Kind::responder});
        } else {
            refuse(metadata, {.code = errc::message_too_large,
                              .message = "The message is over the receiver's limit",
                              .status = 413,
                              .kind = Error::Kind::requester});
        }
    }

    void on_undelivered(std::string_view text, const Error& why) override {
        peer_->requester()->on_no_answer(reader_.read(text), why);
    }

    void on_room() override { peer_->requester()->on_room(); }

 private:
    void on_request(const wire::Metadata& metadata, const Message& message) {
        const Handler* handler = find_handler(metadata);
        if (handler == nullptr) {
            refuse(metadata,
                   {.code = errc::requester_error, .message = no_handler(metadata), .kind = Error::Kind::requester});
        } else if (auto refusal = peer_->responder().refusal(*connection_, message.body.size())) {
            refuse(metadata, *refusal);
        } else {
            handler->handle({peer_, connection_, metadata, message.body, message.redelivered, message.memory});
        }
    }

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

    void on_goodbye(errc why) {
        replaced_ = replaced_ || why == errc::replaced;
        peer_->requester()->on_draining();
    }

    void refuse(const wire::Metadata& metadata, const Error& error) {
        if (metadata.wants_answer()) {
            Reply reply;
            reply.set_error(error);
            peer_->responder().answer(*connection_, metadata.before_type, metadata.after_type, reply, Purpose::refuse);
        }
    }

    std::shared_ptr<Peer> peer_;
    std::shared_ptr<Connection> connection_;
    const Offer offer_;
    wire::MetadataReader reader_;
    bool replaced_ = false;
};

/// Serves `peer` over `connection`, at whose other end is somebody of `offer`, until the connection ends; says why it did.
/// `attached` is called once requests go out over it. Runs on the connection's executor.
template <class Attached>
asio::awaitable<Error> serve(std::shared_ptr<Peer> peer, std::shared_ptr<Connection> connection, Offer offer,
                             Attached attached) {
    Inbox inbox(peer, connection, offer);
    if (offer.ping) {
        connection->start_pings();
    }
    if (peer->attach(connection, offer)) {
        attached();
    }
    Error ending = co_await connection->run(inbox);
    if (inbox.was_replaced() || peer->was_replaced(*connection)) {
        ending = {errc::replaced};
    }
    peer->detach(connection, ending);
    co_return ending;
}

}  // namespace communica::peer

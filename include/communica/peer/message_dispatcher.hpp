// Dispatches the messages of one connection: answers to pending requests, requests to handlers.
#pragma once

#include "../serializers/serializer.hpp"
#include "../wire/error_body.hpp"
#include "../wire/goodbye.hpp"
#include "../wire/metadata_reader.hpp"
#include "notification_window.hpp"
#include "peer.hpp"
#include "reply.hpp"

#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace communica::peer {

/// Serves a peer over one connection, on the connection's executor.
class MessageDispatcher : public Receiver {
 public:
    MessageDispatcher(std::shared_ptr<Peer> peer, std::shared_ptr<Connection> connection)
        : peer_(std::move(peer)), connection_(std::move(connection)) {}

    /// Starts to serve a peer with these capabilities.
    static void begin(const std::shared_ptr<MessageDispatcher>& inbox, Capabilities offer) {
        offer.max_descriptors = inbox->connection_->passes_descriptors() ? offer.max_descriptors : 0;
        inbox->cancel_ = offer.cancel;
        inbox->flush_ = offer.flush;
        inbox->goodbye_ = offer.goodbye;
        inbox->inspect_ = offer.inspect;
        if (offer.notifications && inbox->connection_->has_one_reader()) {
            inbox->window_ = std::make_shared<NotificationWindow>(inbox->connection_, inbox->peer_->ahead());
        }
        inbox->resume_ = offer.resume;
        inbox->streams_ = offer.streams;
        if (offer.ping) {
            inbox->connection_->start_pings();
        }
        if (inbox->peer_->attach(inbox->connection_, offer, inbox->window_)) {
            inbox->on_attached();
        }
        inbox->connection_->start(inbox);
    }

    void begin_turn() noexcept override { peer_->calls().begin(frame_); }
    void end_turn() noexcept override { peer_->calls().end(frame_); }

    void on_message(const Message& message) override {
        if (message.backing_buffer != nullptr && message.backing_buffer->is_lent() && pass_copy(message)) [[unlikely]] {
            return;
        }
        const auto metadata = read(message.metadata);
        if (metadata.type == wire::MessageType::request) [[likely]] {
            peer_->responder().count(metadata, message.body.size());
            on_request(metadata, message, nullptr);
        } else if (!on_other(metadata, message)) {
            peer_->responder().count(metadata, message.body.size());
            auto ticket = take_ticket(metadata, message.body.size());
            on_request(metadata, message, &ticket);
        }
    }

    void on_discarded(std::string_view text, errc why) override {
        const auto metadata = read(text);
        if (metadata.is_of_stream()) {
            return peer_->streams().on_lost(metadata,
                                            {why, why == errc::busy ? "there is no memory for its items on this side"
                                                                    : "a message over this side's limit"});
        }
        if (metadata.type == wire::MessageType::progress) {
            return;  // a later one, or the answer, says more
        }
        if (metadata.is_answer()) {
            return on_no_answer(metadata, {why, why == errc::busy ? "there is no memory for the answer on this side"
                                                                  : "the answer is over this side's limit"});
        }
        peer_->responder().count(metadata);
        const auto ticket = take_ticket(metadata, 0);
        if (why == errc::busy) {
            refuse(metadata, over_budget());
        } else {
            refuse(metadata, {.code = errc::message_too_large,
                              .message = "The message is over the receiver's limit",
                              .status = 413,
                              .kind = Error::Kind::requester});
        }
    }

    void on_undelivered(std::string_view text, const Error& why) override {
        const auto metadata = read(text);
        metadata.is_of_stream() ? peer_->streams().on_lost(metadata, why) : on_no_answer(metadata, why);
    }

    void on_room() override {
        if (auto* const requester = peer_->made_requester()) {
            requester->on_room();
        }
        peer_->streams().on_room(*connection_);
    }

    void on_end(Error why) override {
        if (replaced_ || peer_->was_replaced(*connection_)) {
            why = {errc::replaced};
        }
        UnconfirmedNotifications unconfirmed;
        try {
            unconfirmed = peer_->detach(connection_, why);
        } catch (...) {  // NOLINT(bugprone-empty-catch)
            // Out of memory: unsent messages are lost, and the peer keeps the ended connection.
        }
        on_detached(why, unconfirmed);
    }

 protected:
    ~MessageDispatcher() = default;

    /// Called once requests can be sent over the connection.
    virtual void on_attached() = 0;
    /// Called when the connection has ended. `unconfirmed`: the notifications of this side that may be lost.
    virtual void on_detached(const Error& why, const UnconfirmedNotifications& unconfirmed) = 0;

    const std::shared_ptr<Connection>& connection() const noexcept { return connection_; }

 private:
    /// Treats messages of streams as notifications if the peer does not support streams.
    wire::Metadata read(std::string_view text) {
        auto metadata = reader_.read(text);
        if (!streams_ && (metadata.is_of_stream() || metadata.type == wire::MessageType::open)) [[unlikely]] {
            metadata.type = wire::MessageType::notification;
        }
        return metadata;
    }

    /// May the peer change the body while it is read? Only of answers, which are copied before they are parsed, and of
    /// requests whose handler parses nothing.
    bool reads_shared(const wire::Metadata& metadata) const {
        if (metadata.type == wire::MessageType::ok) {
            return true;
        }
        if (metadata.type != wire::MessageType::request && metadata.type != wire::MessageType::notification) {
            return false;
        }
        RouteCounters* counters = nullptr;
        const Handler* const handler = find_handler(metadata, counters);
        return handler != nullptr && handler->reads_shared();
    }

    /// Passes on a copy of a message that the peer may still change, unless its receiver reads such messages. Returns
    /// whether it did.
    [[gnu::noinline]] bool pass_copy(const Message& message) {
        if (reads_shared(read(message.metadata))) {
            return false;
        }
        const Bytes copy = codec::copy_shared(message.body, *message.backing_buffer);
        on_message({message.metadata, copy, message.redelivered, message.backing_buffer});
        return true;
    }

    /// Handles the messages that do not go to a handler. Returns false for the others.
    bool on_other(const wire::Metadata& metadata, const Message& message) {
        if (metadata.is_answer()) {
            if (auto* const requester = peer_->made_requester()) {
                requester->on_answer(metadata, message);
            }
        } else if (metadata.is_of_stream()) {
            peer_->streams().on_message(metadata, message);
        } else if (metadata.type == wire::MessageType::cancel && cancel_) {
            peer_->responder().cancel(metadata.id);
        } else if (metadata.type == wire::MessageType::flush && flush_) {
            if (window_) {
                window_->report_failed();
            }
            Reply taken;
            answer(metadata, taken, SendClass::response);
        } else if (metadata.type == wire::MessageType::goodbye && goodbye_) {
            on_goodbye(wire::read_goodbye(message.body));
        } else if (metadata.type == wire::MessageType::taken && window_) {
            if (const auto ended = wire::read_ended_notifications(message.metadata, as_text(message.body));
                auto* const requester = ended ? peer_->made_requester() : nullptr) {
                requester->on_notifications_ended(*connection_, *ended);
            }
        } else if (metadata.type == wire::MessageType::resumed && resume_) {
            peer_->on_resumed(*connection_, message.body);
        } else if (metadata.type == wire::MessageType::progress) {
            if (auto* const requester = peer_->made_requester()) {
                requester->on_progress(metadata.id, message.body);
            }
        } else if (metadata.type == wire::MessageType::inspect && inspect_) {
            on_inspect(metadata);
        } else {
            return false;
        }
        return true;
    }

    void on_inspect(const wire::Metadata& metadata) {
        Reply reply;
        try {
            reply.body.append(peer_->handlers().inspect(connection_->credentials()));
        } catch (const std::exception& e) {
            reply.set_error(
                {.code = errc::requester_error, .message = e.what(), .status = 403, .kind = Error::Kind::requester});
        }
        answer(metadata, reply, SendClass::response);
    }

    void on_no_answer(const wire::Metadata& metadata, const Error& why) {
        if (auto* const requester = peer_->made_requester()) {
            requester->on_no_answer(metadata, why);
        }
    }

    NotificationWindow::Ticket take_ticket(const wire::Metadata& metadata, std::size_t bytes) const noexcept {
        return window_ && metadata.type == wire::MessageType::notification ? window_->take(bytes)
                                                                           : NotificationWindow::Ticket();
    }

    void on_request(const wire::Metadata& metadata, const Message& message, NotificationWindow::Ticket* ticket) {
        RouteCounters* counters = nullptr;
        const Handler* handler = find_handler(metadata, counters);
        if (counters != nullptr) {
            Counters::add(counters->requests);
        }
        if (handler == nullptr) {
            refuse(metadata,
                   {.code = errc::requester_error, .message = no_handler(metadata), .kind = Error::Kind::requester});
        } else if (handler->opens_streams() != (metadata.type == wire::MessageType::open)) [[unlikely]] {
            refuse(metadata,
                   {.code = errc::requester_error,
                    .message = handler->opens_streams() ? "This is a stream, to be opened" : "This is no stream",
                    .kind = Error::Kind::requester},
                   counters);
        } else if (auto refusal = peer_->responder().refusal(*connection_, metadata, message.body.size())) {
            refuse(metadata, *refusal, counters);
        } else {
            HandlerTimer timer = handler->opens_streams() ? HandlerTimer() : peer_->responder().start_timer(counters);
            handler->handle({peer_, connection_, metadata, message.body, message.redelivered, message.backing_buffer,
                             nullptr, ticket, timer.runs() ? &timer : nullptr});
            if (timer.runs()) {
                peer_->responder().stop_timer(timer, metadata);
            }
        }
    }

    const Handler* find_handler(const wire::Metadata& metadata, RouteCounters*& counters) const {
        const Handlers& handlers = peer_->handlers();
        if (handlers.mode() == Handlers::Mode::simple) {
            return handlers.only();  // the route is ignored
        }
        const DescribedHandler* const found = metadata.route ? handlers.find_described(*metadata.route) : nullptr;
        if (found == nullptr) {
            return nullptr;
        }
        counters = found->counters.get();
        return found->get();
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

    void refuse(const wire::Metadata& metadata, const Error& error, RouteCounters* counters = nullptr) {
        if (counters != nullptr) {
            Counters::add(counters->errors);
        }
        peer_->handlers().report({metadata.route.value_or(""), error, kind_of(metadata)});
        if (window_ && metadata.type == wire::MessageType::notification) {
            window_->on_failed();
        }
        if (metadata.wants_answer()) {
            Reply reply;
            reply.set_error(error);
            answer(metadata, reply, SendClass::rejection);
        }
    }

    void answer(const wire::Metadata& metadata, Reply& reply, SendClass send_class) {
        peer_->responder().answer(*connection_, metadata.before_type, metadata.after_type, reply, send_class);
    }

    std::shared_ptr<Peer> peer_;
    std::shared_ptr<Connection> connection_;
    bool cancel_ = false;  // extensions that the peer offers
    bool flush_ = false;
    bool goodbye_ = false;
    bool inspect_ = false;
    bool resume_ = false;
    bool streams_ = false;
    std::shared_ptr<NotificationWindow> window_;  // null without that extension, or with several readers
    CallsUnderWay::Frame frame_;
    wire::MetadataReader reader_;
    bool replaced_ = false;  // the peer has said so
};

}  // namespace communica::peer

// Sends requests over a connection, within the extensions of the peer.
#pragma once

#include "../connection.hpp"
#include "../wire/metadata.hpp"
#include "capabilities.hpp"
#include "notification_window.hpp"
#include "outgoing.hpp"
#include "request_id_codec.hpp"
#include "streams/stream_table.hpp"
#include "unconfirmed.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace communica::peer {

/// The current connection, if any, and its peer's extensions. Not thread-safe.
class Sender {
 public:
    enum class Sent { yes, no_room, no_credit, too_large, too_many_descriptors, not_supported, unknown_before, lost };

    /// `streams`: the streams that this side opens; null if it opens none.
    explicit Sender(std::shared_ptr<StreamTable> streams = nullptr) : streams_(std::move(streams)) {}

    bool is_connected() const noexcept { return connection_ != nullptr; }
    const std::shared_ptr<Connection>& connection() const noexcept { return connection_; }
    bool is_connected_by(const Connection& connection) const noexcept { return connection_.get() == &connection; }
    const Capabilities& offer() const noexcept { return offer_; }
    bool is_draining() const noexcept { return draining_; }
    /// Bytes of requests and notifications that the connection has queued and not written.
    std::size_t unwritten_requests() const { return connection_ ? connection_->unwritten_requests() : 0; }
    /// True if there is a connection to a peer that accepts requests.
    bool is_open() const noexcept { return connection_ && !draining_; }

    void attach(std::shared_ptr<Connection> connection, Capabilities offer) {
        detach();
        connection_ = std::move(connection);
        offer_ = std::move(offer);
        draining_ = false;
        credit_.begin(connection_->has_one_reader() ? offer_.ahead : NotificationLimits());
    }
    void detach() noexcept {
        if (connection_) {
            const auto lost = std::min<std::uint64_t>(credit_.unconfirmed(), told_ - taken_);
            credit_.for_each_route(lost, [&](auto route, auto count) { unconfirmed_.add_sent(route, count); });
        }
        connection_.reset();
        is_unknown_ = is_unknown_ || told_ != taken_;
        taken_ = told_;
        flushing_ = false;
    }
    /// This side closes the connection in order: the peer handles the notifications that it has received.
    void close() noexcept {
        detach();
        unconfirmed_ = {};
    }
    /// The peer refuses new requests.
    void set_draining() noexcept { draining_ = true; }

    /// Sends a message, and takes its body. Its timeout is the time left, counted from now.
    Sent send(const RequestIdCodec::Id& id, Outgoing& outgoing) {
        const bool is_request = outgoing.type == wire::MessageType::request;
        if (!is_request) [[unlikely]] {
            if (const Sent refused = admit(outgoing); refused != Sent::yes) {
                return refused;
            }
        }
        wire::MetadataFields fields{.type = outgoing.type, .quoted_route = outgoing.quoted_route};
        const bool is_answered = is_request || !outgoing.is_notification();
        if (is_answered) {
            fields.id = {id.data(), id.size()};
            if (offer_.deadline) {
                fields.timeout = in_milliseconds(outgoing.timeout);
            }
        }
        if (offer_.headers) {
            fields.headers = outgoing.headers;
        }
        Buffer metadata;
        wire::write_metadata(metadata, fields);
        // The answer repeats the metadata with a type that is one digit longer, so that has to fit too.
        const std::size_t echoed = metadata.size() + (is_answered ? 1 : 0);
        const std::size_t size = outgoing.body.size();
        if (metadata.size() + size > offer_.max_message || echoed > Limits().max_metadata) {
            return Sent::too_large;
        }
        if (!outgoing.body.is_plain() && has_too_many_descriptors(outgoing)) [[unlikely]] {
            return Sent::too_many_descriptors;
        }
        if (is_request) [[likely]] {
            return connection_->send(send_class_of(outgoing.priority), metadata.text(), outgoing.body) ? Sent::yes
                                                                                                       : Sent::no_room;
        }
        return send_other(id, metadata, outgoing, size);
    }

    /// The peer has reported how many notifications of this connection have ended. Returns how many have failed since
    /// its last report.
    std::uint64_t on_notifications_ended(const wire::EndedNotifications& ended) noexcept {
        return credit_.on_ended(ended);
    }

    /// A notification counted as sent was not: it will be sent again. `is_current`: it was for the current connection.
    void on_unsent_notification(bool is_current, std::string_view quoted_route) noexcept {
        --told_;
        if (is_current) {
            credit_.on_unsent(quoted_route);
        } else {  // the end of its connection has counted it in all three
            --taken_;
            flushed_ -= std::min<std::uint64_t>(flushed_, 1);
            unconfirmed_.remove_sent(quoted_route);
        }
    }

    /// Returns the notifications that were sent over connections that have ended since the last call, and not
    /// confirmed. They may be lost.
    UnconfirmedNotifications take_unconfirmed() noexcept { return std::exchange(unconfirmed_, {}); }

    /// The answer to a flush confirms all notifications before the flush.
    void on_answer(std::string_view id) noexcept {
        if (flushing_ && id == std::string_view(flush_.data(), flush_.size())) {
            flushing_ = false;
            taken_ = flushed_;
        }
    }

    /// Returns the error of a message that is never sent.
    Error error_of(Sent sent) const {
        if (sent == Sent::not_supported) {
            return {errc::not_supported, "the other side does not know this extension"};
        }
        if (sent == Sent::too_many_descriptors) {
            const std::size_t most = offer_.max_descriptors;
            return {errc::not_supported,
                    most == 0 ? "no descriptors pass over this connection, or the other side accepts none"
                              : "the other side accepts at most " + std::to_string(most) + " descriptors in a message"};
        }
        if (sent == Sent::lost) {
            return {errc::connection_lost};
        }
        if (sent == Sent::unknown_before) {
            return {errc::connection_lost, "what was sent over an earlier connection may not have arrived"};
        }
        const std::size_t most = offer_.max_message;
        return {errc::message_too_large, most == Capabilities().max_message
                                             ? "a route and headers of more than 64 KiB"
                                             : "the other side takes messages of up to " + std::to_string(most) +
                                                   " bytes, and routes and headers of up to 64 KiB"};
    }

    /// Tells the peer that a request is cancelled, if it supports that.
    void cancel(const RequestIdCodec::Id& id) {
        if (connection_ && offer_.cancel) {
            Buffer metadata;
            Buffer nothing;
            wire::write_metadata(metadata, {.type = wire::MessageType::cancel, .id = {id.data(), id.size()}});
            connection_->send(SendClass::response, metadata.text(), nothing);
        }
    }

    /// Returns `yes`, or why a message that is not a request can't be sent now.
    Sent admit(const Outgoing& outgoing) {
        switch (outgoing.type) {
            case wire::MessageType::notification:
                return credit_.admits(outgoing.body.size()) ? Sent::yes : Sent::no_credit;
            case wire::MessageType::open:
                if (!offer_.streams) {
                    return Sent::not_supported;
                }
                return outgoing.stream && outgoing.stream->has_ended() ? Sent::lost : Sent::yes;
            case wire::MessageType::inspect: return offer_.inspect ? Sent::yes : Sent::not_supported;
            case wire::MessageType::flush:
                if (!offer_.flush) {
                    return Sent::not_supported;
                }
                return std::exchange(is_unknown_, false) ? Sent::unknown_before : Sent::yes;
            default: return Sent::yes;
        }
    }

    [[gnu::noinline]] bool has_too_many_descriptors(const Outgoing& outgoing) const noexcept {
        const auto* const attached = outgoing.body.attached();
        return attached != nullptr && attached->size() > offer_.max_descriptors;
    }

    /// Sends a message that is not a request.
    Sent send_other(const RequestIdCodec::Id& id, const Buffer& metadata, Outgoing& outgoing, std::size_t size) {
        if (outgoing.stream) {
            begin_stream(id, outgoing);
        }
        if (!connection_->send(send_class_of(outgoing.priority), metadata.text(), outgoing.body)) {
            if (outgoing.stream) {
                streams_->remove(*outgoing.stream);  // the next attempt begins it again
            }
            return Sent::no_room;
        }
        if (outgoing.type == wire::MessageType::notification || outgoing.type == wire::MessageType::flush) {
            note(id, outgoing, size);
        }
        return Sent::yes;
    }

 private:
    /// Called before the request is sent: messages of the stream may arrive right behind the answer.
    void begin_stream(const RequestIdCodec::Id& id, Outgoing& outgoing) {
        const auto credit = streams_->begin(outgoing.stream, connection_, {id.data(), id.size()});
        credit.store(outgoing.body.data());
    }

    /// Counts a notification or a flush that was sent.
    void note(const RequestIdCodec::Id& id, const Outgoing& outgoing, std::size_t size) {
        if (outgoing.is_notification()) {
            ++told_;
            credit_.on_sent(size, outgoing.quoted_route);
        } else {
            flushing_ = true;
            flush_ = id;
            flushed_ = told_;
        }
    }

    static std::optional<std::chrono::milliseconds> in_milliseconds(const std::optional<Clock::duration>& left) {
        if (!left) {
            return std::nullopt;
        }
        return std::max(std::chrono::ceil<std::chrono::milliseconds>(*left), std::chrono::milliseconds{0});
    }

    const std::shared_ptr<StreamTable> streams_;
    std::shared_ptr<Connection> connection_;
    Capabilities offer_;
    bool draining_ = false;
    NotificationCredit credit_;

    // Notifications over all connections: sent, and confirmed.
    std::uint64_t told_ = 0;
    std::uint64_t taken_ = 0;               // by a flush
    UnconfirmedNotifications unconfirmed_;  // of ended connections, not reported yet
    bool is_unknown_ = false;               // some of a lost connection are unconfirmed; the next flush fails
    bool flushing_ = false;                 // the last flush, behind `flushed_` notifications, is not answered
    RequestIdCodec::Id flush_{};
    std::uint64_t flushed_ = 0;
};

}  // namespace communica::peer

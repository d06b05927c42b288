// How requests are put on a connection, by what the other side offers.
#pragma once

#include "../connection.hpp"
#include "../wire/metadata.hpp"
#include "offer.hpp"
#include "outgoing.hpp"
#include "request_text.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace communica::peer {

/// The connection there is now, if any, and who is at its other end. Not thread-safe.
class Sender {
 public:
    enum class Sent { yes, no_room, too_large, not_supported };

    bool is_connected() const noexcept { return connection_ != nullptr; }
    bool is_connected_by(const Connection& connection) const noexcept { return connection_.get() == &connection; }
    const Offer& offer() const noexcept { return offer_; }
    bool is_draining() const noexcept { return draining_; }
    /// Is there somebody who takes requests?
    bool is_open() const noexcept { return connection_ && !draining_; }

    void attach(std::shared_ptr<Connection> connection, Offer offer) {
        connection_ = std::move(connection);
        offer_ = std::move(offer);
        draining_ = false;
    }
    void detach() noexcept { connection_.reset(); }
    /// The other side takes no more requests.
    void set_draining() noexcept { draining_ = true; }

    /// Sends a message, whose body it takes. Its timeout is the time that there is for it, from now on.
    Sent send(const RequestText::Id& id, Outgoing& outgoing) {
        if (outgoing.type == wire::MessageType::flush && !offer_.flush) {
            return Sent::not_supported;
        }
        wire::MetadataFields fields{.type = outgoing.type, .quoted_route = outgoing.quoted_route};
        if (!outgoing.is_notification()) {
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
        // The answer to a request has the same metadata, but for a type that is a digit longer: it has to fit too.
        const std::size_t echoed = metadata.size() + (outgoing.is_notification() ? 0 : 1);
        if (metadata.size() + outgoing.body.size() > offer_.max_message || echoed > Limits().max_metadata) {
            return Sent::too_large;
        }
        return connection_->send(Purpose::ask, metadata.text(), outgoing.body) ? Sent::yes : Sent::no_room;
    }

    /// What `Sent::too_large` or `Sent::not_supported` means here.
    Error error_of(Sent sent) const {
        if (sent == Sent::not_supported) {
            return {errc::not_supported, "the other side does not say what it has taken"};
        }
        const std::size_t most = offer_.max_message;
        return {errc::message_too_large, most == Offer().max_message
                                             ? "a route and headers of more than 64 KiB"
                                             : "the other side takes messages of up to " + std::to_string(most) +
                                                   " bytes, and routes and headers of up to 64 KiB"};
    }

    /// Tells the other side that a request is not wanted any more, if it understands that.
    void cancel(const RequestText::Id& id) {
        if (connection_ && offer_.cancel) {
            Buffer metadata;
            Buffer nothing;
            wire::write_metadata(metadata, {.type = wire::MessageType::cancel, .id = {id.data(), id.size()}});
            connection_->send(Purpose::answer, metadata.text(), nothing);
        }
    }

 private:
    static std::optional<std::chrono::milliseconds> in_milliseconds(const std::optional<Clock::duration>& left) {
        if (!left) {
            return std::nullopt;
        }
        return std::max(std::chrono::ceil<std::chrono::milliseconds>(*left), std::chrono::milliseconds{0});
    }

    std::shared_ptr<Connection> connection_;
    Offer offer_;
    bool draining_ = false;
};

}  // namespace communica::peer

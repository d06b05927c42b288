// The user of a channel.
#pragma once

#include "../../connection.hpp"
#include "names.hpp"
#include "publisher.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace communica::rabbitmq {

/// A message that was delivered or returned. Borrowed.
struct Delivery {
    Kind kind = Kind::unknown;
    std::string_view body;
    std::string_view reply_to = {};
    std::string_view connection = {};  ///< the connection it is for, if it names one
    bool redelivered = false;
    std::optional<errc> cut = {};  ///< why the body is cut
};

/// The user of a channel. Called on the link's strand.
class ChannelUser {
 public:
    virtual ~ChannelUser() = default;
    /// Returns whether the message was handled. If not, neither it nor a later one is acknowledged, and the broker
    /// delivers them to another consumer.
    virtual bool on_delivery(const Delivery& delivery) = 0;
    /// A part of a message has arrived.
    virtual void on_progress() {}
    /// No queue takes the message.
    virtual void on_returned(const Delivery&) {}
    /// The broker has taken a message of this size.
    virtual void on_confirmed(SendClass, std::size_t) {}
    /// The broker refuses a message for its size, and closes the channel. `head` is the message's.
    virtual void on_too_large(SendClass, std::string_view /*head*/, std::size_t /*limit*/, const std::string& /*why*/) {
    }
    /// The broker delivers no more, because the queue is gone.
    virtual void on_cancelled() {}
    /// The channel has ended.
    virtual void on_lost(const Error& why) = 0;
    /// The next message to publish, if there is one.
    virtual std::optional<Publication> next_publication() { return std::nullopt; }
};

}  // namespace communica::rabbitmq

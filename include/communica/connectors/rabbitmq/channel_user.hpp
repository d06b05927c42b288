// Whom a channel serves.
#pragma once

#include "../../connection.hpp"
#include "names.hpp"
#include "publisher.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace communica::rabbitmq {

/// A message that came, or came back. Borrowed.
struct Delivery {
    Kind kind = Kind::unknown;
    std::string_view body;
    std::string_view reply_to = {};
    std::string_view connection = {};  ///< to which it was said, if it says so
    bool redelivered = false;
    std::optional<errc> cut = {};  ///< why the body is not all there
};

/// Whom a channel tells. Called on the link's strand.
class ChannelUser {
 public:
    virtual ~ChannelUser() = default;
    /// Says whether it was dealt with. If not, neither it nor what comes behind is acknowledged: another gets it.
    virtual bool on_delivery(const Delivery& delivery) = 0;
    /// A part of a message has come.
    virtual void on_progress() {}
    /// Nobody takes it.
    virtual void on_returned(const Delivery&) {}
    /// The broker has taken a message of this size.
    virtual void on_confirmed(SendClass, std::size_t) {}
    /// The broker refuses a message for its size, closes the channel for it, and says why. `head` is the message's.
    virtual void on_too_large(SendClass, std::string_view /*head*/, std::size_t /*limit*/, const std::string& /*why*/) {
    }
    /// The broker does not deliver any more: the queue is gone.
    virtual void on_cancelled() {}
    /// The channel is no more.
    virtual void on_lost(const Error& why) = 0;
    /// The next message, if there is one.
    virtual std::optional<Publication> next_publication() { return std::nullopt; }
};

}  // namespace communica::rabbitmq

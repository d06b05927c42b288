// Dispatches a message from a queue.
#pragma once

#include "../../connection.hpp"
#include "channel_user.hpp"
#include "message_queue.hpp"

#include <string_view>

namespace communica::rabbitmq {

/// Passes the message to the receiver. Throws `errc::protocol_error`, and any exception of the receiver.
inline void hand_out(const Delivery& delivery, const ConnectionOptions& options, Receiver& receiver) {
    const std::size_t separator = delivery.body.find(MessageQueue::separator);
    if (separator == std::string_view::npos || separator > options.limits.max_metadata) {
        throw std::system_error(errc::protocol_error, "a message without metadata, or with too much of it");
    }
    if (options.counters) {
        Counters::add(options.counters->bytes_received, delivery.body.size());
    }
    const std::string_view metadata = delivery.body.substr(0, separator);
    const std::string_view body = delivery.body.substr(separator + 1);
    if (delivery.cut) {
        receiver.on_discarded(metadata, *delivery.cut);
    } else if (metadata.size() + body.size() > options.limits.max_message) {
        receiver.on_discarded(metadata, errc::message_too_large);
    } else {
        const ReceiverTurn turn(receiver);
        receiver.on_message({metadata, as_bytes(body), delivery.redelivered});
    }
}

}  // namespace communica::rabbitmq

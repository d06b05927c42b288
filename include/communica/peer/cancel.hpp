// What a request leaves in its cancellation slot, and how it moves to another peer without losing it.
#pragma once

#include "peer.hpp"

#include <memory>
#include <mutex>
#include <utility>

namespace communica::peer {

/// Cancels a request.
struct CancelRequest {
    std::weak_ptr<Peer> peer;
    RequestId id = 0;

    void operator()(asio::cancellation_type type) const {
        if (type != asio::cancellation_type::none) {
            if (const auto alive = peer.lock()) {
                alive->cancel(id);
            }
        }
    }
};

/// Cancels a request that may have moved to another peer.
struct CancelMovingRequest {
    std::shared_ptr<Location> location;

    void operator()(asio::cancellation_type type) const {
        const std::lock_guard lock(location->mutex);
        CancelRequest{location->peer, location->id}(type);
    }
};

/// Moves all requests that wait for a connection from one peer to another, in order.
inline void hand_over(Peer& from, Peer& to) {
    wire::MetadataReader reader;
    while (const auto old_id = from.oldest_waiting()) {
        const RequestId new_id = to.reserve();
        Peer::Taken taken;
        if (const auto location = from.location_of(*old_id)) {
            const std::lock_guard lock(location->mutex);
            taken = from.take_waiting(*old_id);
            location->peer = to.weak_from_this();
            location->id = new_id;
        } else {
            taken = from.take_waiting(*old_id);
        }
        if (!taken.operation) {
            to.cancel(new_id);
            continue;
        }
        const auto metadata = reader.read(taken.message.metadata);
        Outgoing outgoing;
        outgoing.type = metadata.type;
        outgoing.body = std::move(taken.message.body);
        outgoing.quoted_route = metadata.route ? wire::quote_json(*metadata.route) : std::string();
        if (taken.deadline) {
            outgoing.timeout = *taken.deadline - Clock::now();
        }
        to.start(new_id, std::move(outgoing), std::move(taken.operation));
    }
}

}  // namespace communica::peer

// How a request is cancelled, and how unsent requests move to another requester.
#pragma once

#include "requester.hpp"

#include <memory>
#include <mutex>
#include <utility>

namespace communica::peer {

/// Cancels a request.
struct CancelRequest {
    std::weak_ptr<Requester> requester;
    RequestId id = 0;

    void operator()(asio::cancellation_type type) const {
        if (type != asio::cancellation_type::none) {
            if (const auto alive = requester.lock()) {
                alive->cancel(id);
            }
        }
    }
};

/// Cancels a request that may have moved to another requester.
struct CancelMovingRequest {
    std::shared_ptr<Location> location;

    void operator()(asio::cancellation_type type) const {
        const std::lock_guard lock(location->mutex);
        CancelRequest{location->requester, location->id}(type);
    }
};

/// Moves all unsent requests to another requester, in order.
inline void hand_over(Requester& from, Requester& to) {
    while (const auto old_id = from.oldest_unsent()) {
        const RequestId new_id = to.reserve();
        Requester::Taken taken;
        if (const auto location = from.location_of(*old_id)) {
            const std::lock_guard lock(location->mutex);
            taken = from.take_unsent(*old_id);
            if (taken.operation) {  // null if it was completed or moved meanwhile
                location->requester = to.weak_from_this();
                location->id = new_id;
            }
        } else {
            taken = from.take_unsent(*old_id);
        }
        if (taken.operation) {
            to.start(new_id, std::move(taken.message), std::move(taken.operation));
        } else {
            to.cancel(new_id);
        }
    }
}

}  // namespace communica::peer

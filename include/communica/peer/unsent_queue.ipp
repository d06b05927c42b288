#pragma once

#include "unsent_queue.hpp"

namespace communica::peer {

COMMUNICA_INLINE void UnsentQueue::add(RequestId id, Outgoing message) {
    if (message.type == wire::MessageType::flush && begin_of(Priority::low) != end()) {
        message.priority = Priority::low;
    }
    const Place before = end_of(message.priority);
    insert(before, id, std::move(message));
}

COMMUNICA_INLINE void UnsentQueue::put_back(RequestId id, Outgoing message) {
    const Place before = begin_of(message.priority);
    insert(before, id, std::move(message));
}

COMMUNICA_INLINE const Outgoing* UnsentQueue::find(RequestId id) const {
    const auto place = places_.find(id);
    return place == places_.end() ? nullptr : &place->second->message;
}

COMMUNICA_INLINE UnsentQueue::Place UnsentQueue::erase(Place place) {
    const Place next = std::next(place);
    remove(place);
    return next;
}

COMMUNICA_INLINE std::optional<Outgoing> UnsentQueue::take(RequestId id) {
    const auto place = places_.find(id);
    if (place == places_.end()) {
        return std::nullopt;
    }
    return remove(place->second).message;
}

COMMUNICA_INLINE void UnsentQueue::clear() noexcept {
    messages_.clear();
    begins_.fill(messages_.end());
    places_.clear();
    bytes_ = 0;
    gauge_.set(0);
}

COMMUNICA_INLINE void UnsentQueue::insert(Place before, RequestId id, Outgoing message) {
    const std::size_t bytes = message.size();
    const auto priority = static_cast<std::size_t>(message.priority);
    std::list<Waiting> made;  // in the queue only if both allocations succeed
    made.push_back({id, std::move(message), bytes});
    if (id != 0) {
        places_.emplace(id, made.begin());
    }
    const Place place = made.begin();
    messages_.splice(before, made);
    std::replace(begins_.begin() + priority, begins_.end(), before, place);
    bytes_ += bytes;
    gauge_.set(messages_.size());
}

COMMUNICA_INLINE UnsentQueue::Waiting UnsentQueue::remove(Place place) {
    Waiting waiting = std::move(*place);
    std::ranges::replace(begins_, place, std::next(place));
    messages_.erase(place);
    places_.erase(waiting.id);
    bytes_ -= waiting.bytes;
    gauge_.set(messages_.size());
    return waiting;
}

}  // namespace communica::peer

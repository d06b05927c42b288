#pragma once

#include "pending_requests.hpp"

namespace communica::peer {

COMMUNICA_INLINE RequestId PendingRequests::reserve() {
    if (free_ == none) {
        slots_.emplace_back().generation = generation_;
        free_ = static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t index = free_;
    Slot& slot = slots_[index];
    free_ = slot.next_free;
    if (++slot.generation == 0) {  // after 2^32 requests; with 0 the number could be 0
        ++slot.generation;
    }
    slot.reserved = true;
    slot.needs_connection = false;
    ++reserved_;
    return RequestId{slot.generation} << 32 | index;
}

COMMUNICA_INLINE OperationPtr PendingRequests::set(RequestId id, OperationPtr operation,
                                                   std::optional<Clock::time_point> deadline, Clock::duration timeout,
                                                   Clock::duration waited) {
    Slot* slot = find(id);
    if (slot == nullptr) {
        return operation;
    }
    slot->operation = std::move(operation);
    slot->timeout = timeout;
    slot->waited = waited;
    ++count_;
    if (deadline) {
        deadlines_.push(*deadline, index_of(id));
    }
    return nullptr;
}

COMMUNICA_INLINE void PendingRequests::note_sent(RequestId id, std::uint32_t connection, std::string&& quoted_route,
                                                 const std::optional<Clock::duration>& left) noexcept {
    if (Slot* slot = find(id)) {
        slot->connection = connection;
        slot->waited = left ? slot->timeout - *left : slot->waited;
        if (!quoted_route.empty() || !slot->quoted_route.empty()) {
            slot->quoted_route = std::move(quoted_route);
        }
    }
}

COMMUNICA_INLINE OperationPtr PendingRequests::take(RequestId id) {
    Slot* slot = find(id);
    if (slot == nullptr) {
        return nullptr;
    }
    deadlines_.remove(index_of(id));
    OperationPtr operation = std::move(slot->operation);
    count_ -= operation ? 1 : 0;
    slot->reserved = false;
    slot->next_free = std::exchange(free_, index_of(id));
    if (--reserved_ == 0 && slots_.size() > kept_slots) {
        forget_slots();
    }
    return operation;
}

[[gnu::noinline]] COMMUNICA_INLINE void PendingRequests::forget_slots() noexcept {
    for (const Slot& slot : slots_) {
        generation_ = std::max(generation_, slot.generation);
    }
    std::vector<Slot>().swap(slots_);
    free_ = none;
    deadlines_.shrink();
}

COMMUNICA_INLINE PendingRequests::Slot* PendingRequests::find(RequestId id) noexcept {
    const std::uint32_t index = index_of(id);
    if (index >= slots_.size() || !slots_[index].reserved || slots_[index].generation != id >> 32) {
        return nullptr;
    }
    return &slots_[index];
}

COMMUNICA_INLINE std::optional<RequestId> PendingRequests::expired(Clock::time_point now) const noexcept {
    const auto index = deadlines_.expired(now);
    return index ? std::optional(id_at(*index)) : std::nullopt;
}

COMMUNICA_INLINE std::optional<Clock::time_point> PendingRequests::deadline_of(RequestId id) noexcept {
    return find(id) == nullptr ? std::nullopt : deadlines_.deadline_of(index_of(id));
}

}  // namespace communica::peer

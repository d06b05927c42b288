#pragma once

#include "handlers.hpp"

namespace communica::peer {

COMMUNICA_INLINE RouteIndex::RouteIndex() { grow(16); }
COMMUNICA_INLINE RouteIndex::~RouteIndex() = default;

COMMUNICA_INLINE const DescribedHandler* RouteIndex::find(std::string_view route) const noexcept {
    const Slots& slots = *current_.load(std::memory_order_acquire);
    for (std::size_t at = HashRoute()(route);; ++at) {
        const Entry* const entry = slots[at & (slots.size() - 1)].load(std::memory_order_acquire);
        if (entry == nullptr || entry->route == route) {
            return entry != nullptr ? &entry->described : nullptr;
        }
    }
}

COMMUNICA_INLINE void RouteIndex::count() {
    for (Entry& entry : entries_) {
        entry.described.counters = std::make_shared<RouteCounters>();
    }
}

COMMUNICA_INLINE void RouteIndex::add(const std::string& route, const DescribedHandler& handler) {
    if (2 * (entries_.size() + 1) > versions_.back()->size()) {
        grow(2 * versions_.back()->size());
    }
    put(*versions_.back(), entries_.emplace_back(Entry{route, handler}));
}

COMMUNICA_INLINE void RouteIndex::put(Slots& slots, const Entry& entry) noexcept {
    std::size_t at = HashRoute()(entry.route);
    while (slots[at & (slots.size() - 1)].load(std::memory_order_relaxed) != nullptr) {
        ++at;
    }
    slots[at & (slots.size() - 1)].store(&entry, std::memory_order_release);
}

COMMUNICA_INLINE void RouteIndex::grow(std::size_t size) {
    auto slots = std::make_unique<Slots>(size);
    for (const Entry& entry : entries_) {
        put(*slots, entry);
    }
    current_.store(slots.get(), std::memory_order_release);
    versions_.push_back(std::move(slots));  // a lookup may still use an older one
}

COMMUNICA_INLINE void Handlers::set_asking_interceptor(AskingInterceptor interceptor) {
    asking_interceptor_ = interceptor ? std::make_shared<const AskingInterceptor>(std::move(interceptor)) : nullptr;
}

COMMUNICA_INLINE std::string Handlers::inspect(const Credentials& who) const {
    if (!inspector_) {
        throw RequesterError("This can not be inspected");
    }
    return inspector_(who);
}

COMMUNICA_INLINE ValueNames Handlers::value_names(std::string_view route) const noexcept {
    const DescribedHandler* const described = find_described(route);
    return described != nullptr && described->description ? described->description->value_names : ValueNames();
}

COMMUNICA_INLINE void Handlers::count_routes(bool counts) {
    const std::lock_guard lock(mutex_);
    counts_routes_ = counts;
    if (counts) {
        routes_.count();
    }
}

COMMUNICA_INLINE void Handlers::add(const HandlerMap& more, const std::string& table) {
    const std::lock_guard lock(mutex_);
    for (const auto& [route, handler] : more) {
        if (routes_.find(route) != nullptr) {
            throw RouteOverrideError("route \"" + route + "\"" + (table.empty() ? "" : " in table \"" + table + "\"") +
                                     " is defined already");
        }
    }
    for (auto [route, handler] : more) {
        handler.counters = counts_routes_ ? std::make_shared<RouteCounters>() : nullptr;
        routes_.add(route, handler);
    }
}

}  // namespace communica::peer

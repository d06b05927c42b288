#pragma once

#include "../plain_text.hpp"
#include "../wire/json_tree.hpp"
#include "unconfirmed.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace communica::peer {

namespace detail {

/// The route of quoted metadata; empty for an entity without routes.
COMMUNICA_INLINE std::string unquoted(std::string_view quoted_route) {
    const auto route = wire::read_json(quoted_route);
    return route && route->is_string() ? route->get<std::string>() : std::string();
}

}  // namespace detail

COMMUNICA_INLINE void UnconfirmedNotifications::add_sent(std::optional<std::string_view> quoted_route,
                                                         std::uint64_t count) noexcept {
    count_ += count;
    try {
        if (quoted_route) {
            routes_[detail::unquoted(*quoted_route)] += count;
        }
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): without memory they count without their route
    }
}

COMMUNICA_INLINE void UnconfirmedNotifications::remove_sent(std::string_view quoted_route) noexcept {
    count_ -= std::min<std::uint64_t>(count_, 1);
    try {
        const auto known = routes_.find(detail::unquoted(quoted_route));
        if (known != routes_.end() && --known->second == 0) {
            routes_.erase(known);
        }
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): without memory the routes are not exact
    }
}

COMMUNICA_INLINE std::string UnconfirmedNotifications::text(const Error& why) const {
    const std::string notifications = std::to_string(count_) + " notifications ";
    return (are_unwritten_ ? notifications + "were not written"
                           : "up to " + notifications + "that were sent may be lost") +
           routes() + ": " + why.text();
}

COMMUNICA_INLINE std::string UnconfirmedNotifications::routes() const {
    constexpr std::size_t most = 16;
    std::string listed;
    std::size_t count = 0;
    std::uint64_t others = count_;
    for (const auto& [route, notifications] : routes_) {
        if (count++ == most) {
            break;
        }
        others -= std::min(others, notifications);
        if (!route.empty()) {
            listed += (listed.empty() ? " (" : ", ") + wire::quote_json(base::shortened(route, 64)) + ": " +
                      std::to_string(notifications);
        }
    }
    return listed.empty() ? listed
           : others == 0  ? listed + ")"
                          : listed + ", " + std::to_string(others) + " of other routes)";
}

}  // namespace communica::peer

#pragma once

#include "../plain_text.hpp"
#include "../wire/json_events.hpp"
#include "unconfirmed.hpp"

#include <cstddef>
#include <string>

namespace communica::peer {

COMMUNICA_INLINE std::string UnconfirmedNotifications::text(const Error& why) const {
    const std::string notifications = std::to_string(count_) + " notifications ";
    return (unwritten_.empty() ? "up to " + notifications + "that were sent may be lost: "
                               : notifications + "were not written" + routes() + ": ") +
           why.text();
}

COMMUNICA_INLINE std::string UnconfirmedNotifications::routes() const {
    constexpr std::size_t most = 16;
    std::string listed;
    std::size_t count = 0;
    for (const auto& [route, notifications] : unwritten_) {
        if (!route.empty() && ++count <= most) {
            listed += (listed.empty() ? " (" : ", ") + wire::quote_json(base::shortened(route, 64)) + ": " +
                      std::to_string(notifications);
        }
    }
    return listed.empty()  ? listed
           : count <= most ? listed + ")"
                           : listed + ", " + std::to_string(count - most) + " other routes)";
}

}  // namespace communica::peer

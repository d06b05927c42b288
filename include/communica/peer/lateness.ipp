#pragma once

#include "lateness.hpp"

#include <chrono>

namespace communica::peer {

COMMUNICA_INLINE std::string Lateness::text(const Destination& to) const {
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    return (quoted_route.empty() ? "a request" : quoted_route) + (to.name.empty() ? "" : " to " + to.name) +
           (state == State::sent ? ": no answer within " : ": not sent within ") + std::to_string(milliseconds) +
           " ms" + why(to);
}

COMMUNICA_INLINE std::string Lateness::why(const Destination& to) const {
    switch (state) {
        case State::sent: break;
        case State::refused: return ": the other side takes no more requests";
        case State::queued: return ": it waited behind " + std::to_string(queued) + " others";
        case State::not_connected: {
            const std::string known = to.why_absent ? to.why_absent() : std::string();
            return known.empty() ? ": not connected" : ": " + known;
        }
    }
    return {};
}

}  // namespace communica::peer

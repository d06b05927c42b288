#pragma once

#include "lateness.hpp"

#include <chrono>

namespace communica::peer {

namespace detail {

inline std::string in_milliseconds(Clock::duration time) {
    return std::to_string(std::chrono::round<std::chrono::milliseconds>(time).count()) + " ms";
}

}  // namespace detail

COMMUNICA_INLINE std::string Lateness::text(const Destination& to) const {
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    return (quoted_route.empty() ? "a request" : quoted_route) + (to.name.empty() ? "" : " to " + to.name) +
           (state == State::sent ? ": no answer within " : ": not sent within ") + std::to_string(milliseconds) +
           " ms" + why(to);
}

COMMUNICA_INLINE std::string Lateness::why(const Destination& to) const {
    switch (state) {
        case State::sent: return after_sending();
        case State::refused: return ": the other side takes no more requests";
        case State::queued:
            return queued == 0 ? ": the connection took no more"
                               : ": it waited in a queue with " + std::to_string(queued) + " others, " +
                                     std::to_string(bytes) + " bytes";
        case State::not_connected: {
            const std::string known = to.why_absent ? to.why_absent() : std::string();
            return known.empty() ? ": not connected" : ": " + known;
        }
    }
    return {};
}

COMMUNICA_INLINE std::string Lateness::after_sending() const {
    std::string known;
    const auto add = [&known](const std::string& part) { known.append(known.empty() ? ": " : ", ").append(part); };
    if (waited >= std::chrono::milliseconds{1}) {
        add("sent after " + detail::in_milliseconds(waited) + ", " + detail::in_milliseconds(timeout - waited) +
            " ago");
    }
    if (is_connection_lost) {
        add("its connection was lost");
    } else if (bytes != 0) {
        add(std::to_string(bytes) + " bytes wait to be written");
    }
    return known;
}

}  // namespace communica::peer

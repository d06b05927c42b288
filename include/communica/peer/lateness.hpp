// Why a request was not answered in time, in words.
#pragma once

#include "deadline_heap.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace communica::peer {

/// Where requests go.
struct Destination {
    std::string name = {};                         ///< `local:calculator`, `client "worker-1"`
    std::function<std::string()> why_absent = {};  ///< why there is no connection; called under the requester's lock
};

/// What is known of a request whose time is over.
struct Lateness {
    enum class State { sent, refused, queued, not_connected };

    std::string quoted_route;  ///< empty where there are no routes
    Clock::duration timeout{};
    State state = State::sent;
    std::size_t queued = 0;  ///< others before it

    /// `"divide" to local:calculator: not sent within 250 ms: Connection refused, 3 attempts`
    std::string text(const Destination& to) const {
        const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
        return (quoted_route.empty() ? "a request" : quoted_route) + (to.name.empty() ? "" : " to " + to.name) +
               (state == State::sent ? ": no answer within " : ": not sent within ") + std::to_string(milliseconds) +
               " ms" + why(to);
    }

 private:
    std::string why(const Destination& to) const {
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
};

}  // namespace communica::peer

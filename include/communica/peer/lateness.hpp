// Why a request was not answered in time, in words.
#pragma once

#include "../separate_compilation.hpp"
#include "deadline_heap.hpp"

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
    std::string text(const Destination& to) const;

 private:
    std::string why(const Destination& to) const;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "lateness.ipp"
#endif

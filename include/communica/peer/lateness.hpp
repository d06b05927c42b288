// The text of a timeout error: why the request was not answered in time.
#pragma once

#include "../separate_compilation.hpp"
#include "deadline_heap.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace communica::peer {

/// The target of requests, for error texts.
struct Destination {
    std::string name = {};  ///< `local:calculator`, `client "worker-1"`
    /// returns why there is no connection; called under the requester's lock
    std::function<std::string()> why_absent = {};
};

/// The state of a request whose deadline has passed.
struct Lateness {
    enum class State { sent, refused, queued, not_connected };

    std::string quoted_route;  ///< empty without routes
    Clock::duration timeout{};
    State state = State::sent;
    std::size_t queued = 0;  ///< other messages in the queue

    /// `"divide" to local:calculator: not sent within 250 ms: Connection refused, 3 attempts`
    std::string text(const Destination& to) const;

 private:
    std::string why(const Destination& to) const;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "lateness.ipp"
#endif

// The text of a timeout error: why the request was not answered in time.
#pragma once

#include "../separate_compilation.hpp"
#include "deadline_heap.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace communica::peer {

/// Called with the text of a timeout, without a lock.
using NoteLate = std::function<void(const std::string&)>;

/// The target of requests, for error texts.
struct Destination {
    std::string name = {};  ///< `local:calculator`, `client "worker-1"`
    /// returns why there is no connection; called under the requester's lock
    std::function<std::string()> why_absent = {};
    NoteLate note_late = {};  ///< for each timeout; may be empty
};

/// The state of a request whose deadline has passed.
struct Lateness {
    enum class State { sent, refused, queued, not_connected };

    std::string quoted_route;  ///< empty without routes
    Clock::duration timeout{};
    State state = State::sent;
    Clock::duration waited{};  ///< before it was sent
    std::size_t queued = 0;    ///< other messages in the queue
    std::size_t bytes = 0;     ///< of these; of a sent request: queued by its connection and not written
    bool is_connection_lost = false;

    /// `"divide" to local:calculator: not sent within 250 ms: Connection refused, 3 attempts`, or
    /// `"divide" to local:calculator: no answer within 250 ms: sent after 180 ms, 70 ms ago`
    std::string text(const Destination& to) const;

 private:
    std::string why(const Destination& to) const;
    std::string after_sending() const;
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "lateness.ipp"
#endif

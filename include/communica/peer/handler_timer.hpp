// The time that a handler takes, for counters.
#pragma once

#include "../counters.hpp"
#include "../histogram.hpp"
#include "deadline_heap.hpp"

namespace communica::peer {

/// The received requests and notifications of one route. Thread-safe.
struct RouteCounters {
    Counters::Count requests = 0;  ///< with notifications and opened streams
    Counters::Count errors = 0;    ///< of these, refused or ended with an error
    Histogram times;               ///< nanoseconds, as `Counters::handler_times`
};

/// Starts when a request is passed to its handler. A coroutine handler takes it.
struct HandlerTimer {
    Clock::time_point begun = {};
    RouteCounters* route = nullptr;  ///< null if routes are not counted
    bool has_failed = false;

    bool runs() const noexcept { return begun != Clock::time_point(); }
};

}  // namespace communica::peer

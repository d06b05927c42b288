// The time that a handler takes, for counters.
#pragma once

#include "../counters.hpp"
#include "../histogram.hpp"
#include "deadline_heap.hpp"

#include <utility>

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

    /// Records the time of a timer that runs. Returns the current time.
    Clock::time_point stop(Counters& counters) {
        const auto now = Clock::now();
        const auto time = now - std::exchange(begun, {});
        counters.handler_times.record(time);
        if (route != nullptr) {
            route->times.record(time);
            Counters::add(route->errors, has_failed ? 1 : 0);
        }
        return now;
    }
};

}  // namespace communica::peer

// How long requests take, whatever else is going on.
#pragma once

#include "check_awaited.hpp"
#include "memory.hpp"

#include <communica/asio.hpp>

#include <algorithm>
#include <chrono>
#include <vector>

namespace test {

inline double milliseconds(std::chrono::steady_clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

/// The time within which 99 of 100 requests are answered, in the quietest of several rounds: other programs of the
/// machine disturb some, what the server does disturbs all.
template <class RouteClient>
asio::awaitable<std::chrono::steady_clock::duration> latency(RouteClient& client) {
    using Clock = std::chrono::steady_clock;
    Clock::duration quietest = Clock::duration::max();
    for (int round = 0; round != 10; ++round) {
        std::vector<Clock::duration> times;
        for (int number = 0; number != 100; ++number) {
            const auto begin = Clock::now();
            CHECK_AWAITED(number, client.template request<int>("echo", number));
            times.push_back(Clock::now() - begin);
        }
        std::sort(times.begin(), times.end());
        quietest = std::min(quietest, times[98]);
    }
    co_return quietest;
}

#ifdef __OPTIMIZE__
inline constexpr bool optimized = true;
#else
inline constexpr bool optimized = false;
#endif

/// Below this, other things than the server decide: the tests that run at the same time want the cores too.
inline constexpr std::chrono::microseconds latency_floor{sanitized ? 100'000 : optimized ? 200 : 5'000};

}  // namespace test

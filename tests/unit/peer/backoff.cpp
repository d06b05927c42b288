#include "support/catch.hpp"

#include <communica/peer/backoff.hpp>

#include <limits>

namespace backoff_tests {

using communica::BackoffOptions;
using communica::peer::Backoff;
using namespace std::chrono_literals;

TEST_CASE("without jitter the waits double up to the longest") {
    std::minstd_rand random;
    Backoff backoff(BackoffOptions{.first = 100ms, .most = 1000ms, .jitter = 0});
    for (const auto expected : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        CHECK(backoff.next(random) == expected);
    }
}

TEST_CASE("after a success the first wait comes again") {
    std::minstd_rand random;
    Backoff backoff(BackoffOptions{.first = 100ms, .most = 1000ms, .jitter = 0});
    backoff.next(random);
    backoff.next(random);
    backoff.reset();
    CHECK(backoff.next(random) == 100ms);
    CHECK(backoff.next(random) == 200ms);
}

TEST_CASE("jitter shortens a wait by up to its part, and spreads the waits") {
    std::minstd_rand random;
    auto shortest = 1000ms;
    auto longest = 0ms;
    for (int attempt = 0; attempt != 1000; ++attempt) {
        Backoff backoff(BackoffOptions{.first = 1000ms, .most = 30000ms, .jitter = 0.25});
        const auto wait = backoff.next(random);
        CHECK(wait >= 750ms);
        CHECK(wait <= 1000ms);
        shortest = std::min(shortest, wait);
        longest = std::max(longest, wait);
    }
    CHECK(shortest < 770ms);
    CHECK(longest > 980ms);
}

TEST_CASE("jitter does not add up: the longest wait is approached all the same") {
    std::minstd_rand random;
    Backoff backoff(BackoffOptions{.first = 1ms, .most = 8000ms, .jitter = 0.5});
    std::chrono::milliseconds wait{};
    for (int attempt = 0; attempt != 20; ++attempt) {
        wait = backoff.next(random);
        CHECK(wait <= 8000ms);
    }
    CHECK(wait >= 4000ms);
}

TEST_CASE("the longest wait that can be stated is one that a timer can wait") {
    std::minstd_rand random;
    constexpr auto most = std::chrono::milliseconds::max();
    Backoff backoff(BackoffOptions{.first = most, .most = most, .jitter = 0});
    for (int attempt = 0; attempt != 3; ++attempt) {
        const auto wait = backoff.next(random);
        CHECK(wait >= 24h * 36'500);
        CHECK(wait * 2 < std::chrono::nanoseconds::max());
    }
}

TEST_CASE("no wait is shorter than the first, negative, or lengthened by jitter") {
    std::minstd_rand random;
    Backoff hours(BackoffOptions{.first = 1h, .jitter = 0});
    CHECK(hours.next(random) == 1h);
    CHECK(hours.next(random) == 1h);
    CHECK(Backoff(BackoffOptions{.first = -5ms, .most = 10ms}).next(random) == 0ms);
    for (const double jitter : {-7.0, 7.0, std::numeric_limits<double>::quiet_NaN()}) {
        Backoff backoff(BackoffOptions{.first = 10ms, .most = 10ms, .jitter = jitter});
        for (int attempt = 0; attempt != 100; ++attempt) {
            const auto wait = backoff.next(random);
            CHECK(wait >= 0ms);
            CHECK(wait <= 10ms);
        }
    }
}

TEST_CASE("the default goes from one second to half a minute") {
    const BackoffOptions options;
    CHECK(options.first == 1s);
    CHECK(options.most == 30s);
}

}  // namespace backoff_tests

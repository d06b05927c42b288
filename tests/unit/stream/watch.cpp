#include "support/catch.hpp"

#include <communica/stream/watch.hpp>

namespace watch_tests {

namespace {

using namespace std::chrono_literals;
using communica::Limits;
using communica::stream::Watch;
using Verdict = Watch::Verdict;

constexpr Limits limits_of(Watch::Duration silence, Watch::Duration stall) {
    Limits limits;
    limits.max_silence = silence;
    limits.max_stall = stall;
    return limits;
}

constexpr Limits seconds_5 = limits_of(5s, 5s);

std::vector<Verdict> ticks(Watch& watch, int count, bool is_writing = false) {
    std::vector<Verdict> verdicts;
    for (int tick = 0; tick != count; ++tick) {
        verdicts.push_back(watch.tick(is_writing));
    }
    return verdicts;
}

using Verdicts = std::vector<Verdict>;

}  // namespace

TEST_CASE("a watch ticks five times within the shorter of its limits") {
    CHECK(Watch(seconds_5).period() == 1s);
    CHECK(Watch(limits_of(15s, 30s)).period() == 3s);
    CHECK(Watch(limits_of(60s, 10s)).period() == 2s);
    CHECK(Watch(Limits()).period() == 3s);
}

TEST_CASE("a watch never ticks more often than each millisecond") {
    CHECK(Watch(limits_of(0ms, 0ms)).period() == 1ms);
    CHECK(Watch(limits_of(-5s, 1h)).period() == 1ms);
}

TEST_CASE("who answers pings is asked after each tick without a sign, and silent after four") {
    Watch watch(seconds_5);
    watch.start_pings();
    CHECK(ticks(watch, 4) == Verdicts{Verdict::ping, Verdict::ping, Verdict::ping, Verdict::silent});
}

TEST_CASE("anything that comes is a sign") {
    Watch watch(seconds_5);
    watch.start_pings();
    for (int round = 0; round != 10; ++round) {
        CHECK(ticks(watch, 3) == Verdicts{Verdict::ping, Verdict::ping, Verdict::ping});
        watch.on_read();
        watch.on_written();
        CHECK(watch.tick(false) == Verdict::fine);
    }
}

TEST_CASE("what goes out after it had waited is a sign, too: the other side took what was before it") {
    Watch watch(seconds_5);
    watch.start_pings();
    for (int round = 0; round != 10; ++round) {
        CHECK(ticks(watch, 3, true) == Verdicts{Verdict::ping, Verdict::ping, Verdict::ping});
        watch.on_written();
        CHECK(watch.tick(true) == Verdict::fine);
    }
}

TEST_CASE("what the system took at once is no sign") {
    Watch watch(seconds_5);
    watch.start_pings();
    Verdicts verdicts;
    for (int tick = 0; tick != 4; ++tick) {
        watch.on_written();
        verdicts.push_back(watch.tick(false));
    }
    CHECK(verdicts == Verdicts{Verdict::ping, Verdict::ping, Verdict::ping, Verdict::silent});
}

TEST_CASE("who reads and has nothing to say gives a sign itself") {
    Watch watch(seconds_5);
    watch.start_pings();
    watch.on_read();
    CHECK(watch.tick(false) == Verdict::pong);
    watch.on_read();
    watch.on_written();
    CHECK(watch.tick(false) == Verdict::fine);
    Watch without(seconds_5);
    without.on_read();
    CHECK(without.tick(false) == Verdict::fine);
}

TEST_CASE("who answers no pings is never silent") {
    Watch watch(seconds_5);
    CHECK(ticks(watch, 100) == Verdicts(100, Verdict::fine));
}

TEST_CASE("the silence before the pings started does not count") {
    Watch watch(seconds_5);
    ticks(watch, 100);
    watch.start_pings();
    CHECK(watch.tick(false) == Verdict::ping);
}

TEST_CASE("who reads nothing of what waits for four ticks is slow, pings or not") {
    Watch watch(seconds_5);
    CHECK(ticks(watch, 4, true) == Verdicts{Verdict::fine, Verdict::fine, Verdict::fine, Verdict::slow});
    Watch asking(seconds_5);
    asking.start_pings();
    for (int tick = 0; tick != 3; ++tick) {
        asking.on_read();
        CHECK(asking.tick(true) == Verdict::pong);
    }
    asking.on_read();
    CHECK(asking.tick(true) == Verdict::slow);
}

TEST_CASE("whatever goes out is progress, and a pause in writing too") {
    Watch watch(seconds_5);
    for (int round = 0; round != 10; ++round) {
        ticks(watch, 3, true);
        watch.on_written();
        CHECK(watch.tick(true) == Verdict::fine);
        ticks(watch, 3, true);
        CHECK(watch.tick(false) == Verdict::fine);
    }
}

TEST_CASE("where nothing waits to be written nobody is slow") {
    Watch watch(seconds_5);
    CHECK(ticks(watch, 100, false) == Verdicts(100, Verdict::fine));
}

TEST_CASE("each limit is counted in ticks of its own") {
    Watch watch(limits_of(15s, 30s));
    Verdicts expected(8, Verdict::fine);
    expected.push_back(Verdict::slow);
    CHECK(ticks(watch, 9, true) == expected);
    Watch quiet(limits_of(30s, 15s));
    quiet.start_pings();
    Verdicts silent(8, Verdict::ping);
    silent.push_back(Verdict::silent);
    CHECK(ticks(quiet, 9) == silent);
}

TEST_CASE("a limit without an end is never reached") {
    Watch watch(limits_of(Watch::Duration::max(), Watch::Duration::max()));
    watch.start_pings();
    CHECK(watch.period() > 1h);
    CHECK(watch.tick(true) == Verdict::ping);
}

}  // namespace watch_tests

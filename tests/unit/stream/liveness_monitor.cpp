#include "support/catch.hpp"

#include <communica/stream/liveness_monitor.hpp>

namespace watch_tests {

namespace {

using namespace std::chrono_literals;
using communica::Limits;
using communica::stream::LivenessMonitor;
using Health = LivenessMonitor::Health;

constexpr Limits limits_of(LivenessMonitor::Duration silence, LivenessMonitor::Duration stall) {
    Limits limits;
    limits.liveness_timeout = silence;
    limits.write_timeout = stall;
    return limits;
}

constexpr Limits seconds_5 = limits_of(5s, 5s);

std::vector<Health> ticks(LivenessMonitor& monitor, int count, bool is_writing = false) {
    std::vector<Health> verdicts;
    for (int tick = 0; tick != count; ++tick) {
        verdicts.push_back(monitor.tick(is_writing));
    }
    return verdicts;
}

using Verdicts = std::vector<Health>;

}  // namespace

TEST_CASE("a monitor ticks five times within the shorter of its limits") {
    CHECK(LivenessMonitor(seconds_5).period() == 1s);
    CHECK(LivenessMonitor(limits_of(15s, 30s)).period() == 3s);
    CHECK(LivenessMonitor(limits_of(60s, 10s)).period() == 2s);
    CHECK(LivenessMonitor(Limits()).period() == 3s);
}

TEST_CASE("a monitor never ticks more often than each millisecond") {
    CHECK(LivenessMonitor(limits_of(0ms, 0ms)).period() == 1ms);
    CHECK(LivenessMonitor(limits_of(-5s, 1h)).period() == 1ms);
}

TEST_CASE("a limit of which 32 bits cannot hold the ticks is kept") {
    LivenessMonitor monitor(limits_of(1ms, LivenessMonitor::Duration::max()));
    CHECK(ticks(monitor, 100, true) == Verdicts(100, Health::fine));
}

TEST_CASE("who answers pings is asked after each tick without a sign, and silent after four") {
    LivenessMonitor monitor(seconds_5);
    monitor.start_pings();
    CHECK(ticks(monitor, 4) == Verdicts{Health::ping, Health::ping, Health::ping, Health::silent});
}

TEST_CASE("anything that comes is a sign") {
    LivenessMonitor monitor(seconds_5);
    monitor.start_pings();
    for (int round = 0; round != 10; ++round) {
        CHECK(ticks(monitor, 3) == Verdicts{Health::ping, Health::ping, Health::ping});
        monitor.note_activity();
        monitor.on_written();
        CHECK(monitor.tick(false) == Health::fine);
    }
}

TEST_CASE("what goes out after it had waited is a sign, too: the other side took what was before it") {
    LivenessMonitor monitor(seconds_5);
    monitor.start_pings();
    for (int round = 0; round != 10; ++round) {
        CHECK(ticks(monitor, 3, true) == Verdicts{Health::ping, Health::ping, Health::ping});
        monitor.on_written();
        CHECK(monitor.tick(true) == Health::fine);
    }
}

TEST_CASE("what the system took at once is no sign") {
    LivenessMonitor monitor(seconds_5);
    monitor.start_pings();
    Verdicts verdicts;
    for (int tick = 0; tick != 4; ++tick) {
        monitor.on_written();
        verdicts.push_back(monitor.tick(false));
    }
    CHECK(verdicts == Verdicts{Health::ping, Health::ping, Health::ping, Health::silent});
}

TEST_CASE("who reads and has nothing to say gives a sign itself") {
    LivenessMonitor monitor(seconds_5);
    monitor.start_pings();
    monitor.note_activity();
    CHECK(monitor.tick(false) == Health::pong);
    monitor.note_activity();
    monitor.on_written();
    CHECK(monitor.tick(false) == Health::fine);
    LivenessMonitor without(seconds_5);
    without.note_activity();
    CHECK(without.tick(false) == Health::fine);
}

TEST_CASE("who answers no pings is never silent") {
    LivenessMonitor monitor(seconds_5);
    CHECK(ticks(monitor, 100) == Verdicts(100, Health::fine));
}

TEST_CASE("the silence before the pings started does not count") {
    LivenessMonitor monitor(seconds_5);
    ticks(monitor, 100);
    monitor.start_pings();
    CHECK(monitor.tick(false) == Health::ping);
}

TEST_CASE("who reads nothing of what waits for four ticks is slow, pings or not") {
    LivenessMonitor monitor(seconds_5);
    CHECK(ticks(monitor, 4, true) == Verdicts{Health::fine, Health::fine, Health::fine, Health::slow});
    LivenessMonitor asking(seconds_5);
    asking.start_pings();
    for (int tick = 0; tick != 3; ++tick) {
        asking.note_activity();
        CHECK(asking.tick(true) == Health::pong);
    }
    asking.note_activity();
    CHECK(asking.tick(true) == Health::slow);
}

TEST_CASE("whatever goes out is progress, and a pause in writing too") {
    LivenessMonitor monitor(seconds_5);
    for (int round = 0; round != 10; ++round) {
        ticks(monitor, 3, true);
        monitor.on_written();
        CHECK(monitor.tick(true) == Health::fine);
        ticks(monitor, 3, true);
        CHECK(monitor.tick(false) == Health::fine);
    }
}

TEST_CASE("a permission that is overdue for four ticks is slow, whatever else goes out") {
    LivenessMonitor monitor(seconds_5);
    const auto tick = [&](bool is_overdue) {
        monitor.on_written();
        return monitor.tick(true, is_overdue);
    };
    for (const bool is_overdue : {true, true, true, false, true, true, true}) {
        CHECK(tick(is_overdue) == Health::fine);
    }
    CHECK(tick(true) == Health::slow);
}

TEST_CASE("where nothing waits to be written nobody is slow") {
    LivenessMonitor monitor(seconds_5);
    CHECK(ticks(monitor, 100, false) == Verdicts(100, Health::fine));
}

TEST_CASE("each limit is counted in ticks of its own") {
    LivenessMonitor monitor(limits_of(15s, 30s));
    Verdicts expected(8, Health::fine);
    expected.push_back(Health::slow);
    CHECK(ticks(monitor, 9, true) == expected);
    LivenessMonitor quiet(limits_of(30s, 15s));
    quiet.start_pings();
    Verdicts silent(8, Health::ping);
    silent.push_back(Health::silent);
    CHECK(ticks(quiet, 9) == silent);
}

TEST_CASE("a limit without an end is never reached") {
    LivenessMonitor monitor(limits_of(LivenessMonitor::Duration::max(), LivenessMonitor::Duration::max()));
    monitor.start_pings();
    CHECK(monitor.period() > 1h);
    CHECK(monitor.tick(true) == Health::ping);
}

}  // namespace watch_tests

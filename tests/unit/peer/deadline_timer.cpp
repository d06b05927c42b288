#include "support/catch.hpp"

#include <communica/peer/deadline_timer.hpp>

#include <asio/io_context.hpp>

namespace deadline_timer_tests {

namespace {

using namespace std::chrono_literals;
using communica::peer::Clock;
using communica::peer::DeadlineTimer;

struct Owner : std::enable_shared_from_this<Owner> {
    explicit Owner(asio::io_context& context) : timer(context.get_executor()) {}

    void arm(Clock::time_point when) { timer.arm(when, weak_from_this()); }
    void on_timer() {
        timer.has_run();
        ++runs;
    }

    DeadlineTimer timer;
    int runs = 0;
};

struct Timed {
    asio::io_context context;
    std::shared_ptr<Owner> owner = std::make_shared<Owner>(context);
    Clock::time_point passed = Clock::now();
};

}  // namespace

TEST_CASE("a timer runs once for each time that it was armed, and is not armed then") {
    Timed timed;
    CHECK_FALSE(timed.owner->timer.is_armed());
    timed.owner->arm(timed.passed);
    CHECK(timed.owner->timer.is_armed());
    timed.context.run();
    CHECK(timed.owner->runs == 1);
    CHECK_FALSE(timed.owner->timer.is_armed());
    timed.owner->arm(timed.passed);
    timed.context.restart();
    timed.context.run();
    CHECK(timed.owner->runs == 2);
}

TEST_CASE("an earlier time takes the place of a later one, and a later one changes nothing") {
    Timed timed;
    timed.owner->arm(Clock::now() + 1h);
    timed.owner->arm(timed.passed);
    timed.owner->arm(Clock::now() + 1h);
    timed.context.run();
    CHECK(timed.owner->runs == 1);
    CHECK_FALSE(timed.owner->timer.is_armed());
}

TEST_CASE("a timer that is armed keeps the context at work, one that was disarmed does not") {
    Timed timed;
    timed.owner->arm(Clock::now() + 1h);
    timed.context.poll();
    CHECK_FALSE(timed.context.stopped());
    timed.owner->timer.disarm();
    timed.owner->timer.disarm();
    CHECK_FALSE(timed.owner->timer.is_armed());
    timed.context.run();
    CHECK(timed.owner->runs == 0);
}

TEST_CASE("a timer that was disarmed can be armed again") {
    Timed timed;
    timed.owner->timer.disarm();
    timed.owner->arm(Clock::now() + 1h);
    timed.owner->timer.disarm();
    timed.owner->arm(timed.passed);
    timed.context.run();
    CHECK(timed.owner->runs == 1);
}

TEST_CASE("a timer does not keep its owner, nor run without it") {
    Timed timed;
    timed.owner->arm(timed.passed);
    const std::weak_ptr<Owner> gone = timed.owner;
    timed.owner.reset();
    CHECK(gone.expired());
    timed.context.run();
}

}  // namespace deadline_timer_tests

#include "support/catch.hpp"

#include <communica/connectors/rabbitmq/keep_alive.hpp>

#include <utility>

namespace rabbitmq_keep_alive_tests {

namespace {

using communica::rabbitmq::KeepAlive;
using Role = KeepAlive::Role;
using Health = KeepAlive::Health;
using namespace std::chrono_literals;

constexpr int never = -1;

/// How many ticks until it says so.
int ticks_until(Health verdict, KeepAlive& keep_alive) {
    for (int tick = 1; tick != 1000; ++tick) {
        if (keep_alive.tick() == verdict) {
            return tick;
        }
    }
    return never;
}

KeepAlive with_ours(Role role, KeepAlive::Duration period, KeepAlive::Duration liveness_timeout = 15s) {
    KeepAlive keep_alive(role, period);
    keep_alive.start_pings(liveness_timeout);
    return keep_alive;
}

}  // namespace

TEST_CASE("between peers of this library either side speaks within five seconds of silence") {
    for (const Role role : {Role::client, Role::server}) {
        KeepAlive keep_alive = with_ours(role, 20s);
        CHECK(keep_alive.tick_time() == 1s);
        keep_alive.on_received();
        CHECK(ticks_until(Health::speak, keep_alive) == 4);
        keep_alive.on_sent();
        keep_alive.on_received();
        CHECK(ticks_until(Health::speak, keep_alive) == 5);  // the first of them ends the second in which it spoke
    }
}

TEST_CASE(
    "between peers of this library one that was silent for liveness_timeout is dead, or for more than one period") {
    for (const Role role : {Role::client, Role::server}) {
        for (const auto& [liveness_timeout, ticks] :
             {std::pair<KeepAlive::Duration, int>{15s, 16}, {1min, 61}, {1s, 9}}) {
            KeepAlive keep_alive = with_ours(role, 20s, liveness_timeout);
            keep_alive.on_received();
            CHECK(ticks_until(Health::silent, keep_alive) == ticks);
        }
        KeepAlive for_ever = with_ours(role, 20s, KeepAlive::Duration::max());
        CHECK(ticks_until(Health::silent, for_ever) == never);
    }
}

TEST_CASE("between peers of this library a shorter period counts, and a longer one does not") {
    CHECK(with_ours(Role::client, 1s).tick_time() == 200ms);
    CHECK(with_ours(Role::client, 1h).tick_time() == 1s);
}

TEST_CASE("between peers of this library one that is silent for eight to nine seconds is looked for, once") {
    KeepAlive keep_alive = with_ours(Role::client, 20s, 1min);
    keep_alive.on_received();
    CHECK(ticks_until(Health::doubtful, keep_alive) == 9);
    CHECK(ticks_until(Health::silent, keep_alive) == 61 - 9);
    KeepAlive python(Role::client, 20s);
    CHECK(ticks_until(Health::doubtful, python) == never);
}

TEST_CASE("a server of a Python client speaks within the period, and never takes the client for dead") {
    KeepAlive keep_alive(Role::server, 20s);
    CHECK(keep_alive.tick_time() == 4s);
    keep_alive.on_sent();
    CHECK(ticks_until(Health::speak, keep_alive) == 5);
    CHECK(ticks_until(Health::silent, keep_alive) == never);
}

TEST_CASE("a client of a Python server waits for one and a half of the period, and never speaks") {
    KeepAlive keep_alive(Role::client, 20s);
    keep_alive.on_received();
    CHECK(ticks_until(Health::silent, keep_alive) == 8);  // 28 to 32 s
    CHECK(ticks_until(Health::speak, keep_alive) == never);
}

TEST_CASE("whoever sends need not speak, and whoever is heard is not dead") {
    KeepAlive keep_alive = with_ours(Role::client, 20s);
    for (int tick = 0; tick != 100; ++tick) {
        keep_alive.on_sent();
        keep_alive.on_received();
        CHECK(keep_alive.tick() == Health::fine);
    }
}

TEST_CASE("a tick takes a millisecond at the least") {
    CHECK(KeepAlive(Role::client, 0s).tick_time() == 1ms);
    CHECK(with_ours(Role::server, 4ms).tick_time() == 1ms);
}

}  // namespace rabbitmq_keep_alive_tests

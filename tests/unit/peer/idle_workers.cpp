#include "support/catch.hpp"

#include <communica/peer/idle_workers.hpp>

namespace idle_workers_tests {

using communica::peer::IdleWorkers;
using communica::peer::InflightCall;
using communica::peer::Worker;

namespace {

const int handler = 0;
const int other_handler = 0;

struct Waiting {
    Waiting() {
        asio::co_spawn(strand, work(), asio::detached);
        run();
    }

    asio::awaitable<void> work() {
        struct Guard {
            int& ended;
            ~Guard() { ++ended; }
        };
        const Guard guard{ended};
        const auto call = std::make_shared<InflightCall>(nullptr);
        job = *static_cast<int*>(co_await IdleWorkers::wait(idle, call, &handler));
    }

    /// Asio ends a coroutine on its executor.
    void run() {
        context.restart();
        context.poll();
    }

    asio::io_context context;
    asio::any_io_executor strand = communica::base::make_strand_on(context.get_executor());
    std::shared_ptr<IdleWorkers> idle = std::make_shared<IdleWorkers>(strand);
    int job = 0;
    int ended = 0;
};

}  // namespace

TEST_CASE("a worker that waits is taken for its own handler, once, and goes on with what it is given") {
    Waiting waiting;
    CHECK_FALSE(waiting.idle->take(&other_handler).call);
    Worker worker = waiting.idle->take(&handler);
    REQUIRE(worker.call);
    CHECK_FALSE(waiting.idle->take(&handler).call);
    int job = 7;
    (*std::move(worker.resume))(&job);
    CHECK(waiting.job == 7);
    CHECK(waiting.ended == 1);
}

TEST_CASE("workers that wait end when they are cleared, and with what they wait in") {
    Waiting cleared;
    CHECK(cleared.ended == 0);
    cleared.idle->clear();
    cleared.run();
    CHECK(cleared.ended == 1);
    CHECK_FALSE(cleared.idle->take(&handler).call);

    Waiting destroyed;
    destroyed.idle.reset();
    destroyed.run();
    CHECK(destroyed.ended == 1);
}

}  // namespace idle_workers_tests

#include "deadlines.hpp"

#include <communica/peer/deadline_queue.hpp>

#include <random>
#include <set>
#include <vector>

namespace deadline_queue_tests {

namespace {

using communica::peer::Clock;
using communica::peer::DeadlineNode;
using test::at;

/// Keys are the indices of their nodes.
struct Nodes {
    struct Of {
        DeadlineNode& operator()(std::uint32_t key) const noexcept { return (*nodes)[key]; }
        std::vector<DeadlineNode>* nodes;
    };

    explicit Nodes(std::size_t count) : nodes(count) {}

    std::vector<DeadlineNode> nodes;
    communica::peer::DeadlineQueue<Of> queue{Of{&nodes}};
};

}  // namespace

TEST_CASE("an empty queue has no deadline") {
    Nodes all(1);
    CHECK_FALSE(all.queue.earliest());
    CHECK_FALSE(all.queue.expired(Clock::time_point::max()));
    CHECK_FALSE(all.queue.deadline_of(0));
    all.queue.remove(0);
    CHECK_FALSE(all.queue.earliest());
}

TEST_CASE("a deadline in the queue has passed at its time, and not before") {
    Nodes all(3);
    all.queue.push(at(10), 0);
    all.queue.push(at(20), 1);
    all.queue.push(at(5), 2);  // not in its order
    for (const auto& [key, time] : {std::pair{2U, 5}, {0U, 10}, {1U, 20}}) {
        CHECK(all.queue.earliest() == at(time));
        CHECK_FALSE(all.queue.expired(at(time - 1)));
        CHECK(all.queue.expired(at(time)) == key);
        CHECK(all.queue.deadline_of(key) == at(time));
        all.queue.remove(key);
        CHECK_FALSE(all.queue.deadline_of(key));
    }
    CHECK_FALSE(all.queue.earliest());
}

TEST_CASE("keys come out of the queue in the order of their deadlines, however put in, whichever is taken out") {
    test::require_order(&Nodes::queue);
}

TEST_CASE("the queue does what a multiset of deadlines does, under random use") {
    std::mt19937 random(9);  // NOLINT(bugprone-random-generator-seed)
    Nodes all(100);
    std::vector<int> deadlines(100, -1);
    std::multiset<int> expected;
    int now = 0;
    for (int step = 0; step != 20'000; ++step) {
        const auto key = static_cast<std::uint32_t>(random() % 100);
        if (deadlines[key] < 0) {
            now += static_cast<int>(random() % 3);
            deadlines[key] = now + (random() % 4 == 0 ? 5 : 50);  // most of them in order
            expected.insert(deadlines[key]);
            all.queue.push(at(deadlines[key]), key);
        } else {
            REQUIRE(all.queue.deadline_of(key) == at(deadlines[key]));
            expected.erase(expected.find(deadlines[key]));
            all.queue.remove(key);
            deadlines[key] = -1;
        }
        REQUIRE(all.queue.earliest() == (expected.empty() ? std::nullopt : std::optional(at(*expected.begin()))));
        if (const auto first = all.queue.expired(at(now))) {
            REQUIRE(deadlines[*first] == *expected.begin());
        } else {
            REQUIRE((expected.empty() || *expected.begin() > now));
        }
    }
}

}  // namespace deadline_queue_tests

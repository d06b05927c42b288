#include "deadlines.hpp"

#include <communica/peer/deadline_heap.hpp>

#include <algorithm>
#include <random>

namespace deadline_heap_tests {

namespace {

using namespace std::chrono_literals;
using communica::peer::Clock;
using communica::peer::deadline_after;
using communica::peer::left_until;
using test::at;

/// Keys are the indices of their places.
struct Places {
    struct Of {
        std::uint32_t& operator()(std::size_t key) const noexcept { return (*places)[key]; }
        std::vector<std::uint32_t>* places;
    };
    using Heap = communica::peer::DeadlineHeap<std::size_t, Of>;

    explicit Places(std::size_t count) : places(count, Heap::none) {}

    std::vector<std::uint32_t> places;
    Heap heap{Of{&places}};
};

}  // namespace

TEST_CASE("an empty heap has no deadline") {
    Places all(1);
    CHECK_FALSE(all.heap.earliest());
    CHECK_FALSE(all.heap.expired(Clock::time_point::max()));
    all.heap.remove(0);
    CHECK_FALSE(all.heap.earliest());
}

TEST_CASE("a deadline has passed at its time, and not before") {
    Places all(1);
    all.heap.push(at(10), 0);
    CHECK(all.heap.earliest() == at(10));
    CHECK_FALSE(all.heap.expired(at(9)));
    CHECK(all.heap.expired(at(10)) == 0);
    CHECK(all.heap.deadline_at(all.places[0]) == at(10));
    all.heap.remove(0);
    CHECK(all.places[0] == Places::Heap::none);
    CHECK_FALSE(all.heap.expired(at(10)));
}

TEST_CASE("keys come in the order of their deadlines, however they were put in, whichever is taken out") {
    test::require_order(&Places::heap);
}

TEST_CASE("equal deadlines all come") {
    Places all(50);
    for (std::size_t key = 0; key != 50; ++key) {
        all.heap.push(at(7), key);
    }
    std::vector<std::size_t> keys;
    while (const auto key = all.heap.expired(at(7))) {
        keys.push_back(*key);
        all.heap.remove(*key);
    }
    std::sort(keys.begin(), keys.end());
    CHECK(keys.size() == 50);
    CHECK(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
}

TEST_CASE("every key's place is where its deadline is, under random use") {
    std::mt19937 random(5);  // NOLINT(bugprone-random-generator-seed)
    Places all(100);
    std::vector<int> deadlines(100, -1);
    for (int step = 0; step != 20'000; ++step) {
        const std::size_t key = random() % 100;
        if (deadlines[key] < 0) {
            deadlines[key] = static_cast<int>(random() % 1000);
            all.heap.push(at(deadlines[key]), key);
        } else {
            REQUIRE(all.heap.deadline_at(all.places[key]) == at(deadlines[key]));
            all.heap.remove(key);
            deadlines[key] = -1;
        }
        int least = 1000;
        for (const int deadline : deadlines) {
            least = deadline >= 0 ? std::min(least, deadline) : least;
        }
        REQUIRE(all.heap.earliest() == (least == 1000 ? std::nullopt : std::optional(at(least))));
    }
}

TEST_CASE("a time that no clock can hold ends at the end of all time") {
    CHECK(deadline_after(Clock::duration::max()) == Clock::time_point::max());
    const auto now = Clock::now();
    CHECK(deadline_after(0s) >= now);
    CHECK(deadline_after(1h) >= now + 1h);
    CHECK(deadline_after(1h) < Clock::time_point::max());
    const auto at_once = deadline_after(-1h);
    CHECK(at_once <= Clock::now());
    // The time left until it can be computed later as well.
    CHECK(deadline_after(Clock::duration::min()) >= now);
    CHECK(left_until(deadline_after(Clock::duration::min())) <= 0s);
}

}  // namespace deadline_heap_tests

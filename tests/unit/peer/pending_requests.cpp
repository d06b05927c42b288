#include "support/catch.hpp"
#include "support/memory.hpp"
#include "support/recorded_operation.hpp"

#include <communica/peer/pending_requests.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

namespace pending_requests_tests {

namespace {

using namespace std::chrono_literals;
using communica::peer::Clock;
using communica::peer::OperationPtr;
using communica::peer::PendingRequests;
using communica::peer::RequestId;
using test::Outcome;
using test::RecordedOperation;

Clock::time_point at(int milliseconds) { return Clock::time_point(std::chrono::milliseconds(milliseconds)); }

OperationPtr operation() { return RecordedOperation::make(std::make_shared<Outcome>()); }

RequestId add(PendingRequests& pending, std::optional<Clock::time_point> deadline = {}) {
    const RequestId id = pending.reserve();
    REQUIRE_FALSE(pending.set(id, operation(), deadline));
    return id;
}

}  // namespace

TEST_CASE("an operation is found by its number, once") {
    PendingRequests pending;
    CHECK(pending.empty());
    const auto outcome = std::make_shared<Outcome>();
    const RequestId id = pending.reserve();
    CHECK(id != 0);
    CHECK_FALSE(pending.set(id, RecordedOperation::make(outcome), {}));
    CHECK(pending.size() == 1);
    CHECK(pending.contains(id));

    OperationPtr taken = pending.take(id);
    REQUIRE(taken);
    CHECK_FALSE(pending.contains(id));
    CHECK(pending.empty());
    CHECK_FALSE(pending.take(id));
    taken.release()->succeed({communica::as_bytes("answer")}, nullptr);
    CHECK(outcome->body == "answer");
}

TEST_CASE("a number that was never given finds nothing") {
    PendingRequests pending;
    for (const RequestId id : {RequestId{0}, RequestId{1}, RequestId{1} << 32, RequestId{0xffffffffffffffff}}) {
        CHECK_FALSE(pending.take(id));
        CHECK_FALSE(pending.deadline_of(id));
        CHECK_FALSE(pending.find_operation(id));
        CHECK_FALSE(pending.contains(id));
    }
    const RequestId id = add(pending);
    CHECK_FALSE(pending.take(id + (RequestId{1} << 32)));
    CHECK_FALSE(pending.take(id + 1));
    CHECK(pending.size() == 1);
}

TEST_CASE("a place is used again, under another number") {
    PendingRequests pending;
    std::set<RequestId> numbers;
    RequestId earlier = 0;
    for (int round = 0; round != 1000; ++round) {
        const RequestId id = add(pending);
        CHECK(numbers.insert(id).second);
        CHECK_FALSE(pending.take(earlier));
        CHECK(pending.take(id));
        earlier = id;
    }
    CHECK(
        std::all_of(numbers.begin(), numbers.end(), [](RequestId id) { return static_cast<std::uint32_t>(id) == 0; }));
}

TEST_CASE("a number released before its operation came takes none: the operation comes back") {
    PendingRequests pending;
    const RequestId id = pending.reserve();
    CHECK_FALSE(pending.take(id));  // cancelled
    OperationPtr refused = pending.set(id, operation(), at(1));
    CHECK(refused);
    CHECK(pending.empty());
    CHECK_FALSE(pending.earliest());
}

TEST_CASE("a reserved number does not count, and has neither deadline nor operation") {
    PendingRequests pending;
    const RequestId id = pending.reserve();
    CHECK(pending.empty());
    CHECK_FALSE(pending.contains(id));
    CHECK_FALSE(pending.deadline_of(id));
    CHECK_FALSE(pending.find_operation(id));
    pending.for_each([](RequestId) { FAIL("there is no operation"); });
    const RequestId other = pending.reserve();
    CHECK(other != id);
}

TEST_CASE("an operation can be looked at while it waits") {
    PendingRequests pending;
    const RequestId request = add(pending);
    const RequestId moved = pending.reserve();
    auto moving = operation();
    moving->location = std::make_shared<communica::peer::Location>();
    const communica::peer::Operation* looked_at = moving.get();
    CHECK_FALSE(pending.set(moved, std::move(moving), {}));
    CHECK(pending.find_operation(moved) == looked_at);
    CHECK(pending.find_operation(moved)->location);
    CHECK_FALSE(pending.find_operation(request)->location);
    CHECK(pending.take(moved));
    CHECK_FALSE(pending.find_operation(moved));
}

TEST_CASE("deadlines come in their order, whatever the order they were set in") {
    PendingRequests pending;
    std::map<int, RequestId> expected;
    for (const int time : {50, 10, 40, 30, 20, 60, 5}) {
        expected[time] = add(pending, at(time));
    }
    add(pending);  // without a deadline
    for (const auto& [time, id] : expected) {
        CHECK(pending.earliest() == at(time));
        CHECK_FALSE(pending.expired(at(time) - 1ms));
        CHECK(pending.expired(at(time)) == id);
        CHECK(pending.deadline_of(id) == at(time));
        CHECK(pending.take(id));
    }
    CHECK_FALSE(pending.earliest());
    CHECK_FALSE(pending.expired(Clock::time_point::max()));
    CHECK(pending.size() == 1);
}

TEST_CASE("a request taken from the middle leaves the others in their order") {
    for (int removed = 0; removed != 20; ++removed) {
        PendingRequests pending;
        std::map<int, RequestId> expected;
        for (int step = 0; step != 20; ++step) {
            const int time = step * 7 % 20;
            expected[time] = add(pending, at(time));
        }
        CHECK(pending.take(expected[removed]));
        expected.erase(removed);
        for (const auto& [time, id] : expected) {
            REQUIRE(pending.expired(Clock::time_point::max()) == id);
            REQUIRE(pending.take(id));
        }
    }
}

TEST_CASE("operations still waiting are destroyed with the table, uncompleted") {
    const auto outcome = std::make_shared<Outcome>();
    {
        PendingRequests pending;
        CHECK_FALSE(pending.set(pending.reserve(), RecordedOperation::make(outcome), at(1)));
    }
    CHECK(outcome->destroyed);
    CHECK(outcome->completions == 0);
}

TEST_CASE("the memory of a burst is given back, and none of its numbers is used again") {
    PendingRequests pending;
    const std::size_t before = test::resident_bytes(test::own_process_id());
    std::set<RequestId> numbers;
    for (int round = 0; round != 3; ++round) {
        std::vector<RequestId> burst;
        for (int number = 0; number != 5000; ++number) {
            burst.push_back(add(pending, number % 2 == 0 ? std::optional(at(number)) : std::nullopt));
            REQUIRE(numbers.insert(burst.back()).second);
        }
        for (const RequestId id : burst) {
            REQUIRE(pending.take(id));
        }
        CHECK(pending.empty());
        CHECK_FALSE(pending.contains(burst.back()));
        CHECK_FALSE(pending.take(burst.front()));
    }
    if constexpr (!test::sanitized) {
        std::vector<RequestId> many;
        for (int number = 0; number != 500'000; ++number) {
            many.push_back(pending.reserve());
        }
        CHECK(test::growth_since(before) > 2 * test::growth_allowed);
        for (const RequestId id : many) {
            pending.take(id);
        }
        std::vector<RequestId>().swap(many);
        CHECK(test::growth_since(before) < test::growth_allowed);
    }
}

TEST_CASE("the table does what a multimap by deadline does, under random use") {
    std::mt19937 random(11);  // NOLINT(bugprone-random-generator-seed)
    PendingRequests pending;
    std::multimap<Clock::time_point, RequestId> by_deadline;
    std::map<RequestId, std::optional<Clock::time_point>> waiting;
    std::vector<RequestId> reserved;

    const auto forget = [&](RequestId id) {
        const auto found = waiting.find(id);
        const auto deadline = found->second;
        waiting.erase(found);
        if (deadline) {
            const auto [first, last] = by_deadline.equal_range(*deadline);
            by_deadline.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == id; }));
        }
    };
    const auto any_waiting = [&] {
        return std::next(waiting.begin(), static_cast<std::ptrdiff_t>(random() % waiting.size()))->first;
    };

    for (int step = 0; step != 30'000; ++step) {
        const auto choice = random() % 10;
        if (choice < 4 && waiting.size() < 200) {
            const RequestId id = pending.reserve();
            REQUIRE(id != 0);
            REQUIRE_FALSE(waiting.contains(id));
            reserved.push_back(id);
        }
        if (choice < 5 && !reserved.empty()) {
            const RequestId id = reserved.back();
            reserved.pop_back();
            if (random() % 8 == 0) {
                REQUIRE_FALSE(pending.take(id));
                REQUIRE(pending.set(id, operation(), {}));
            } else {
                std::optional<Clock::time_point> deadline;
                if (random() % 4 != 0) {
                    deadline = at(static_cast<int>(random() % 50));
                    by_deadline.emplace(*deadline, id);
                }
                waiting.emplace(id, deadline);
                REQUIRE_FALSE(pending.set(id, operation(), deadline));
            }
        } else if (choice < 8 && !waiting.empty()) {
            const RequestId id = any_waiting();
            REQUIRE(pending.deadline_of(id) == waiting.at(id));
            REQUIRE(pending.take(id));
            REQUIRE_FALSE(pending.take(id));
            forget(id);
        } else if (const auto id = pending.expired(at(static_cast<int>(random() % 50)))) {
            REQUIRE(waiting.at(*id) == by_deadline.begin()->first);  // of equal deadlines any may come
            REQUIRE(pending.take(*id));
            forget(*id);
        }
        REQUIRE(pending.size() == waiting.size());
        REQUIRE(pending.earliest() == (by_deadline.empty() ? std::nullopt : std::optional(by_deadline.begin()->first)));
    }
    std::vector<RequestId> ids;
    pending.for_each([&](RequestId each) { ids.push_back(each); });
    std::sort(ids.begin(), ids.end());
    CHECK(std::equal(ids.begin(), ids.end(), waiting.begin(), waiting.end(),
                     [](RequestId id, const auto& entry) { return id == entry.first; }));
}

}  // namespace pending_requests_tests

#include "support/catch.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/inflight_call.hpp>
#include <communica/wire/metadata_reader.hpp>

#include <algorithm>

namespace call_tests {

namespace {

using communica::peer::Clock;
using communica::peer::InflightCall;
using communica::peer::InflightCalls;
using Deadline = std::optional<Clock::time_point>;

Clock::time_point at(int milliseconds) { return Clock::time_point(std::chrono::milliseconds(milliseconds)); }

std::shared_ptr<InflightCall> call(std::string_view id, Deadline deadline = {}, std::string_view type = "1") {
    const std::string text = "{\"id\": \"" + std::string(id) + "\", \"type\": " + std::string(type) + ", \"odd\": 0}";
    communica::wire::MetadataReader reader;
    auto made = std::make_shared<InflightCall>(nullptr);
    made->begin(reader.read(text), deadline, 7);
    return made;
}

}  // namespace

TEST_CASE("a call keeps what it takes to answer after its message is gone") {
    const auto request = call("an id that is longer than any small string", at(5));
    CHECK(request->id == "an id that is longer than any small string");
    CHECK(request->before_type == R"({"id": "an id that is longer than any small string", "type": )");
    CHECK(request->after_type == R"(, "odd": 0})");
    CHECK(request->wants_answer);
    CHECK(request->deadline == at(5));
    CHECK(request->bytes == 7 + communica::peer::call_cost);
    CHECK_FALSE(request->is_cancelled());
    CHECK_FALSE(call("x", {}, "2")->wants_answer);
}

TEST_CASE("a call is at work from its begin to its end") {
    InflightCalls calls;
    CHECK(calls.empty());
    const auto first = call("1");
    const auto second = call("2");
    calls.add(first);
    calls.add(second);
    CHECK(calls.size() == 2);
    CHECK(calls.remove(*first));
    CHECK_FALSE(calls.remove(*first));
    CHECK_FALSE(calls.find("1"));
    CHECK(calls.find("2") == second);
    CHECK(calls.remove(*second));
    CHECK(calls.empty());
}

TEST_CASE("calls are found by id, whichever was taken out") {
    for (int removed = 0; removed != 5; ++removed) {
        InflightCalls calls;
        for (int number = 0; number != 5; ++number) {
            calls.add(call(std::to_string(number)));
        }
        CHECK(calls.remove(*calls.find(std::to_string(removed))));
        for (int number = 0; number != 5; ++number) {
            const auto found = calls.find(std::to_string(number));
            CHECK((found == nullptr) == (number == removed));
            CHECK((!found || found->id == std::to_string(number)));
        }
    }
}

TEST_CASE("of two calls with one id the first is found, and the second stays at work without it") {
    InflightCalls calls;
    const auto first = call("same");
    const auto second = call("same");
    calls.add(first);
    calls.add(second);
    CHECK(calls.find("same") == first);
    CHECK(calls.remove(*first));
    CHECK_FALSE(calls.find("same"));
    CHECK(calls.size() == 1);
    CHECK(calls.remove(*second));

    calls.add(first);
    calls.add(second);
    CHECK(calls.remove(*second));
    CHECK(calls.find("same") == first);
}

TEST_CASE("the call whose deadline comes first has expired first") {
    InflightCalls calls;
    const auto late = call("late", at(20));
    const auto early = call("early", at(10));
    calls.add(call("without"));
    calls.add(late);
    calls.add(early);
    CHECK(calls.earliest() == at(10));
    CHECK_FALSE(calls.expired(at(9)));
    CHECK(calls.expired(at(10)) == early);
    calls.remove(*early);
    CHECK(calls.expired(at(100)) == late);
    calls.remove(*late);
    CHECK_FALSE(calls.earliest());
    CHECK_FALSE(calls.expired(Clock::time_point::max()));
    CHECK(calls.size() == 1);
}

TEST_CASE("all calls can be taken at once, and added anew") {
    InflightCalls calls;
    for (int number = 0; number != 5; ++number) {
        calls.add(call(std::to_string(number), number % 2 == 0 ? Deadline(at(number)) : std::nullopt));
    }
    const auto all = calls.take_all();
    CHECK(all.size() == 5);
    CHECK(calls.empty());
    CHECK_FALSE(calls.earliest());
    CHECK_FALSE(calls.find("1"));
    CHECK_FALSE(calls.remove(*all[1]));
    calls.add(all[1]);
    CHECK(calls.find(all[1]->id) == all[1]);
}

}  // namespace call_tests

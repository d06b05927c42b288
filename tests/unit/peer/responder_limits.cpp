// What a responder takes on, and what it refuses.
#include "support/catch.hpp"
#include "unit/peer/one_responder.hpp"

namespace responder_limits_tests {

namespace {

using communica::errc;
using communica::peer::call_cost;
using communica::peer::Capabilities;
using test::metadata_of;
using test::OneResponder;
using test::Refused;
using test::refused;
using namespace std::chrono_literals;

/// The error that a request of so many bytes is refused with; none if it is let in.
errc refusal_of(const OneResponder& one, const test::RecordingConnection& connection, std::size_t bytes = 1) {
    const auto refusal = one.responder->refusal(connection, {.type = communica::wire::MessageType::request}, bytes);
    if (!refusal) {
        return {};
    }
    CHECK(refusal->kind == communica::Error::Kind::responder);
    CHECK(refusal->status == 503);
    CHECK_FALSE(refusal->message.empty());
    for (const errc known : {errc::busy, errc::draining, errc::closed}) {
        if (refusal->code == known) {
            return known;
        }
    }
    return errc::unknown_error;
}

constexpr errc let_in{};

}  // namespace

TEST_CASE("below max_requests a request is let in, at it the responder is busy, until one is done") {
    OneResponder one({.max_requests = 2});
    const auto connection = one.connect();
    one.begin(connection, metadata_of("1"));
    CHECK(refusal_of(one, *connection) == let_in);
    const auto work = one.begin(connection, metadata_of("2"));
    CHECK(refusal_of(one, *connection) == errc::busy);
    one.finish(work, "result");
    CHECK(refusal_of(one, *connection) == let_in);
}

TEST_CASE("requests at work may hold max_inflight_bytes bytes: at it one is let in, above it the responder is busy") {
    OneResponder one({.max_inflight_bytes = 100 + call_cost});
    const auto connection = one.connect();
    CHECK(refusal_of(one, *connection, 100 + call_cost) == let_in);
    CHECK(refusal_of(one, *connection, 101 + call_cost) == errc::busy);
    const auto work = one.begin(connection, metadata_of("1"), 60);
    CHECK(refusal_of(one, *connection, 40) == let_in);
    CHECK(refusal_of(one, *connection, 41) == errc::busy);
    one.finish(work, "result");
    CHECK(refusal_of(one, *connection, 100 + call_cost) == let_in);
}

TEST_CASE("a request counts with what its coroutine takes, and with its metadata if they are large") {
    OneResponder one({.max_inflight_bytes = 10 * call_cost});
    const auto connection = one.connect();
    for (int number = 0; number != 10; ++number) {
        CHECK(refusal_of(one, *connection, 0) == let_in);
        one.begin(connection, metadata_of(std::to_string(number)), 0);
    }
    CHECK(refusal_of(one, *connection, 0) == let_in);
    CHECK(refusal_of(one, *connection, 1) == errc::busy);

    OneResponder other({.max_inflight_bytes = 160'000});  // its metadata, and the headers in its context
    const auto its = other.connect();
    const auto work =
        other.begin(its, metadata_of("x", ", \"headers\": {\"h\": \"" + std::string(60'000, 'h') + "\"}"), 0);
    CHECK(refusal_of(other, *its, 30'000) == let_in);
    CHECK(refusal_of(other, *its, 40'000) == errc::busy);
    other.finish(work, "result");
    CHECK(refusal_of(other, *its, 40'000) == let_in);
}

TEST_CASE("what a request becomes when it is loaded counts too, but one is let in where nothing else is held") {
    OneResponder one({.max_inflight_bytes = 100 + call_cost});
    const auto connection = one.connect();
    CHECK_FALSE(one.responder->refusal(*connection, 1'000'000));
    const auto work = one.begin(connection, metadata_of("1"), 1'000'000);
    const auto refusal = one.responder->refusal(*connection, 10);
    REQUIRE(refusal);
    CHECK(refusal->code == errc::busy);
    one.finish(work, "result");
    one.begin(connection, metadata_of("2"), 50);
    CHECK_FALSE(one.responder->refusal(*connection, 50));
    CHECK(one.responder->refusal(*connection, 51));
}

TEST_CASE("an answer that finds too many unread becomes an error, but a small one, or the only one") {
    OneResponder one({.max_inflight_bytes = 10'000});
    const auto connection = one.connect();
    const auto answered = [&](std::size_t size) {
        one.answer(*connection, std::string(size, 'b'));
        return nlohmann::json::parse(connection->sent.back().metadata)["type"] == 11;
    };
    CHECK(answered(20'000));
    connection->unread = 5000;
    CHECK(answered(5000));
    CHECK_FALSE(answered(5001));
    CHECK(refused(connection->sent.back()) == Refused{51, 503, ""});  // busy would say that it was not carried out
    connection->unread = 20'000;
    CHECK(answered(100));
    communica::peer::Reply refusal;
    refusal.set_error(*one.responder->refusal(*connection, {.type = communica::wire::MessageType::request}, 1));
    one.responder->answer(*connection, "{\"id\": \"" + std::string(500, 'x') + "\", \"type\": ", "}", refusal,
                          communica::SendClass::rejection);
    CHECK(refused(connection->sent.back()) == Refused{51, 503, "busy"});  // an error stays what it is

    connection->unread = 0;
    const auto work = one.begin(connection, metadata_of("x"), 5000);
    one.finish(work, std::string(9000, 'b'));  // its own request is not held any more
    CHECK(connection->sent.back().body.size() == 9000);
    const auto forgotten = one.begin(connection, metadata_of("y"), 5000);
    connection->unread = 100;
    one.responder->close();  // which holds nothing any more, before the coroutine is cancelled
    one.finish(forgotten, std::string(9000, 'b'));
    CHECK(connection->sent.back().body.size() == 9000);
}

TEST_CASE("answers that the other side has not read count against max_inflight_bytes") {
    OneResponder one({.max_inflight_bytes = 100 + call_cost});
    const auto connection = one.connect();
    one.begin(connection, metadata_of("1"), 30);
    connection->unread = 50;
    CHECK(refusal_of(one, *connection, 20) == let_in);
    CHECK(refusal_of(one, *connection, 21) == errc::busy);
    connection->unread = 0;
    CHECK(refusal_of(one, *connection, 70) == let_in);
}

TEST_CASE("answers that wait for a connection count against max_inflight_bytes, until they go out") {
    constexpr std::size_t each =
        sizeof(communica::UnsentMessage) + std::string_view(R"({"id": "x", "type": 11})").size();
    OneResponder one({.max_inflight_bytes = 100 + 2 * each});
    const auto first = one.connect();
    one.answer(*first, std::string(10, 'b'));
    one.lose(first, {0});
    one.answer(*first, std::string(40, 'b'));
    const test::RecordingConnection next(one.context);
    CHECK(refusal_of(one, next, 50) == let_in);
    CHECK(refusal_of(one, next, 51) == errc::busy);
    one.connect();
    CHECK(refusal_of(one, next, 100 + 2 * each) == let_in);
}

TEST_CASE(
    "over the budget of the entity who holds more than a fair share finds the responder busy, and others do not") {
    const auto budget = std::make_shared<communica::Budget>(100);
    OneResponder one({}, budget);
    const auto connection = one.connect();
    one.begin(connection, metadata_of("1"), 30);
    const OneResponder other({}, budget);
    const test::RecordingConnection its(one.context);
    budget->force_take(100);
    CHECK(refusal_of(one, *connection) == let_in);
    budget->force_take(1);
    CHECK(refusal_of(one, *connection) == errc::busy);
    CHECK(refusal_of(one, *connection, 0) == errc::busy);
    CHECK(refusal_of(other, its) == let_in);
    budget->give_back(1);
    CHECK(refusal_of(one, *connection) == let_in);
}

TEST_CASE("what is at work, and what waits, is taken from the budget of the entity and given back") {
    constexpr std::size_t step = communica::BudgetReservation::step;
    const auto budget = std::make_shared<communica::Budget>(100 * step);
    OneResponder one({}, budget);
    const auto connection = one.connect();
    const auto work = one.begin(connection, metadata_of("1"), 3 * step);
    CHECK(budget->used() == 3 * step);
    one.lose(connection);
    one.finish(work, std::string(2 * step, 'b'));
    CHECK(budget->used() == 2 * step);
    one.connect();
    CHECK(budget->used() == 0);

    one.begin(connection, metadata_of("2"), 5 * step);
    one.responder->abandon({});
    CHECK(budget->used() == 0);
    one.begin(connection, metadata_of("3"), 5 * step);
    one.responder->close();
    CHECK(budget->used() == 0);
}

TEST_CASE("a deadline counts only where the other side offers them") {
    OneResponder one;
    communica::wire::MetadataReader reader;
    const std::string text = metadata_of("x", R"(, "timeout": 3600000)");
    const auto metadata = reader.read(text);
    one.connect();
    CHECK_FALSE(one.responder->deadline_of(metadata));
    one.connect(Capabilities{.deadline = true});
    const auto deadline = one.responder->deadline_of(metadata);
    REQUIRE(deadline);
    CHECK(*deadline > communica::peer::Clock::now() + 30min);
    CHECK(*deadline <= communica::peer::Clock::now() + 1h);

    const std::string standard = metadata_of("x");
    const auto in_half_a_minute = one.responder->deadline_of(reader.read(standard));
    REQUIRE(in_half_a_minute);
    CHECK(*in_half_a_minute <= communica::peer::Clock::now() + 30s);
    const std::string none = metadata_of("x", R"(, "timeout": null)");
    CHECK_FALSE(one.responder->deadline_of(reader.read(none)));
}

TEST_CASE("a notification has no deadline unless its metadata says one") {
    OneResponder one;
    one.connect(Capabilities{.deadline = true});
    communica::wire::MetadataReader reader;
    CHECK_FALSE(one.responder->deadline_of(reader.read(R"({"id": "", "type": 2})")));
}

TEST_CASE("a request whose deadline passes is answered with a timeout and cancelled, and the others go on") {
    OneResponder one;
    const auto connection = one.connect(Capabilities{.deadline = true});
    const auto lasting = one.begin(connection, metadata_of("lasting", R"(, "timeout": null)"));
    const auto work = one.begin(connection, metadata_of("x", R"(, "timeout": 1)"));
    while (one.responder->at_work() == 2) {
        one.context.run_one_for(60s);
    }
    one.run();
    REQUIRE(connection->sent.size() == 1);
    CHECK(connection->sent[0].metadata == R"({"id": "x", "type": 51, "timeout": 1})");
    CHECK(refused(connection->sent[0]) == Refused{51, 504, "timeout"});
    CHECK(connection->send_classes[0] == communica::SendClass::response);
    CHECK(*work.cancelled == 1);
    CHECK(work.call->is_cancelled());
    CHECK(*lasting.cancelled == 0);
    one.finish(work, "late");
    CHECK(connection->sent.size() == 1);
    one.finish(lasting, "result");
    CHECK(connection->sent.size() == 2);
}

TEST_CASE("a deadline that passes while nobody is connected cancels, and leaves no answer behind") {
    OneResponder one;
    const auto connection = one.connect(Capabilities{.deadline = true});
    const auto work = one.begin(connection, metadata_of("x", R"(, "timeout": 1)"));
    one.lose(connection);
    one.run_until_idle();
    CHECK(*work.cancelled == 1);
    CHECK(one.responder->is_idle());
    CHECK(one.connect()->sent.empty());
}

TEST_CASE("a notification whose deadline passes is cancelled in silence") {
    OneResponder one;
    const auto connection = one.connect(Capabilities{.deadline = true});
    const auto work = one.begin(connection, R"({"id": "", "type": 2, "timeout": 1})");
    CHECK(connection->sent.empty());
    if (work.call->deadline) {
        one.run_until_idle();
        CHECK(*work.cancelled == 1);
    }
    CHECK(connection->sent.empty());
}

}  // namespace responder_limits_tests

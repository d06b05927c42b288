// The ends of a responder: drained, closed, abandoned.
#include "support/catch.hpp"
#include "unit/peer/one_responder.hpp"

namespace responder_close_tests {

namespace {

using communica::errc;
using communica::peer::Capabilities;
using communica::wire::MessageType;
using test::metadata_of;
using test::OneResponder;
using test::Refused;
using test::refused;
using namespace std::chrono_literals;

std::error_code refusal_of(const OneResponder& one, const test::RecordingConnection& connection,
                           MessageType type = MessageType::request) {
    const auto refusal = one.responder->refusal(connection, {.type = type}, 1);
    return refusal ? refusal->code : std::error_code();
}

}  // namespace

TEST_CASE("draining, requests are refused, what is at work is answered, and idleness is told each time") {
    OneResponder one;
    const auto connection = one.connect();
    const auto first = one.begin(connection, metadata_of("1"));
    const auto second = one.begin(connection, metadata_of("2"));
    int idle = 0;
    one.responder->drain([&] { ++idle; });
    CHECK(refusal_of(one, *connection) == errc::draining);
    CHECK(refusal_of(one, *connection, MessageType::notification) == std::error_code());
    one.finish(first, "1");
    CHECK(idle == 0);
    one.finish(second, "2");
    CHECK(idle == 1);
    CHECK(connection->sent.size() == 2);
    one.finish(one.begin(connection, metadata_of("3")), "begun before");
    CHECK(idle == 2);
}

TEST_CASE("idleness is told when a cancelled coroutine has ended") {
    OneResponder one;
    const auto connection = one.connect();
    const auto work = one.begin(connection, metadata_of("1"));
    int idle = 0;
    one.responder->drain([&] { ++idle; });
    one.responder->cancel("1");
    one.finish(work, "late");
    CHECK(idle == 1);
}

TEST_CASE("closing answers what is at work with closed, and cancels it") {
    OneResponder one;
    const auto connection = one.connect();
    const auto work = one.begin(connection, metadata_of("x"));
    const auto notification = one.begin(connection, R"({"id": "", "type": 2})");
    one.responder->close();
    CHECK(one.responder->at_work() == 0);
    CHECK(connection->sent.empty());  // posted: see the next case
    one.run();
    REQUIRE(connection->sent.size() == 1);
    CHECK(connection->sent[0].metadata == R"({"id": "x", "type": 51})");
    CHECK(refused(connection->sent[0]) == Refused{51, 503, "closed"});
    CHECK(*work.cancelled == 1);
    CHECK(*notification.cancelled == 1);
    one.finish(work, "late");
    one.finish(notification, "late");
    CHECK(connection->sent.size() == 1);
    CHECK(one.responder->is_idle());
}

TEST_CASE("a coroutine that is done just after closing answers by itself") {
    OneResponder one;
    const auto connection = one.connect();
    const auto work = one.begin(connection, metadata_of("x"));
    one.responder->close();
    one.finish(work, "done");
    one.run();
    REQUIRE(connection->sent.size() == 1);
    CHECK(connection->sent[0].body == "done");
}

TEST_CASE("after closing nothing starts, and no answer is kept, until it is opened") {
    OneResponder one;
    const auto connection = one.connect();
    one.responder->close();
    CHECK(refusal_of(one, *connection) == errc::closed);
    CHECK(refusal_of(one, *connection, MessageType::notification) == errc::closed);
    CHECK_FALSE(one.begin(connection, metadata_of("x")).call);
    one.lose(connection, {});
    one.answer(*connection, "late");
    CHECK(one.responder->is_idle());

    one.responder->open();
    const auto next = one.connect();
    CHECK(next->sent.empty());
    CHECK(refusal_of(one, *next) == std::error_code());
    one.finish(one.begin(next, metadata_of("y")), "result");
    CHECK(next->sent.size() == 1);
}

TEST_CASE("closing drops answers that wait, and those that the connection gives back later") {
    OneResponder one;
    const auto connection = one.connect();
    one.answer(*connection, "1");
    one.responder->close();
    one.lose(connection, {0});
    one.responder->open();
    CHECK(one.connect()->sent.empty());
}

TEST_CASE("a coroutine of before the closing is not answered after the opening") {
    OneResponder one;
    const auto connection = one.connect();
    const auto work = one.begin(connection, metadata_of("x"));
    one.responder->close();
    one.responder->open();
    const auto next = one.connect();
    one.finish(work, "late");
    CHECK(next->sent.empty());
    CHECK(connection->sent.size() == 1);
}

TEST_CASE("a drained responder that is closed and opened takes requests again") {
    OneResponder one;
    const auto connection = one.connect();
    int idle = 0;
    one.responder->drain([&] { ++idle; });
    one.responder->close();
    CHECK(refusal_of(one, *connection) == errc::closed);
    CHECK(refusal_of(one, *connection, MessageType::notification) == errc::closed);
    one.responder->drain([&] { ++idle; });
    CHECK(refusal_of(one, *connection) == errc::closed);
    CHECK(refusal_of(one, *connection, MessageType::notification) == errc::closed);
    one.responder->open();
    CHECK(refusal_of(one, *connection) == std::error_code());
}

TEST_CASE("abandoning cancels what is at work without an answer, and drops answers that wait") {
    OneResponder one;
    const auto first = one.connect();
    const auto work = one.begin(first, metadata_of("x"));
    one.lose(first);
    one.answer(*first, "waits");
    one.responder->abandon({});
    CHECK(one.responder->is_idle());
    one.run();
    CHECK(*work.cancelled == 1);
    one.finish(work, "late");
    const auto second = one.connect();
    CHECK(second->sent.empty());
    one.finish(one.begin(second, metadata_of("x")), "result");
    CHECK(second->sent.size() == 1);
}

TEST_CASE("coroutines that were cancelled may end later, when others are at work") {
    OneResponder one;
    const auto connection = one.connect();
    const auto cancelled = one.begin(connection, metadata_of("x"));
    one.responder->abandon({});
    const auto next = one.begin(connection, metadata_of("x"));
    one.finish(cancelled, "late");
    CHECK(one.responder->at_work() == 1);
    one.finish(next, "result");
    CHECK(one.responder->is_idle());
}

TEST_CASE("a deadline that nobody waits for any more does not keep the context at work") {
    enum class End { answered_then_lost, lost_then_answered, abandoned_after, closed };
    for (const End end : {End::answered_then_lost, End::lost_then_answered, End::abandoned_after, End::closed}) {
        OneResponder one;
        const auto connection = one.connect(Capabilities{.deadline = true});
        const auto work = one.begin(connection, metadata_of("x", R"(, "timeout": 3600000)"));
        switch (end) {
            case End::answered_then_lost:
                one.finish(work, "result");
                one.lose(connection);
                break;
            case End::lost_then_answered:
                one.lose(connection);
                one.finish(work, "result");
                break;
            case End::abandoned_after:
                one.lose(connection);
                one.responder->abandon({});
                break;
            case End::closed: one.responder->close(); break;
        }
        INFO("end " << static_cast<int>(end));
        one.context.poll();
        CHECK(one.context.stopped());
    }
}

}  // namespace responder_close_tests

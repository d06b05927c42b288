#include "support/attached.hpp"
#include "support/catch.hpp"
#include "unit/peer/one_responder.hpp"

namespace peer_responder_tests {

namespace {

using communica::errc;
using communica::SendClass;
using communica::peer::Capabilities;
using test::metadata_of;
using test::OneResponder;
using test::Refused;
using test::refused;
using Sent = std::vector<test::SentMessage>;

}  // namespace

TEST_CASE("a coroutine's result is answered over the connection that its request came by") {
    OneResponder one;
    const auto connection = one.connect();
    const auto work = one.begin(connection, metadata_of("x", R"(, "k": 1)"));
    CHECK(one.responder->at_work() == 1);
    CHECK_FALSE(one.responder->is_idle());
    one.finish(work, "result");
    CHECK(connection->sent == Sent{{R"({"id": "x", "type": 11, "k": 1})", "result"}});
    CHECK(connection->send_classes == std::vector{SendClass::response});
    CHECK(one.responder->at_work() == 0);
    CHECK(one.responder->is_idle());
}

TEST_CASE("a notification at work is not answered") {
    OneResponder one;
    const auto connection = one.connect();
    const auto work = one.begin(connection, R"({"id": "", "type": 2})");
    CHECK(one.responder->at_work() == 1);
    one.finish(work, "result");
    CHECK(connection->sent.empty());
    CHECK(one.responder->is_idle());
}

TEST_CASE("a coroutine that is done twice answers once") {
    OneResponder one;
    const auto connection = one.connect();
    const auto work = one.begin(connection, metadata_of("x"));
    one.finish(work, "1");
    one.finish(work, "2");
    CHECK(connection->sent.size() == 1);
}

TEST_CASE("an answer goes out over the connection its request came by, else the next, else it waits") {
    OneResponder one;
    const auto first = one.connect();
    one.answer(*first, "1");
    CHECK(first->sent == Sent{{R"({"id": "x", "type": 11})", "1"}});
    one.lose(first);
    one.answer(*first, "2");
    one.answer(*first, "3");
    CHECK_FALSE(one.responder->is_idle());
    const auto second = one.connect();
    CHECK(second->sent.size() == 2);
    CHECK(second->sent[0].body == "2");
    one.answer(*first, "4");
    CHECK(second->sent.back().body == "4");
    CHECK(one.responder->is_idle());
}

TEST_CASE("a coroutine goes on when its connection is lost, and is answered over the next") {
    OneResponder one;
    const auto first = one.connect();
    const auto work = one.begin(first, metadata_of("x"));
    one.lose(first);
    const auto second = one.connect();
    one.finish(work, "result");
    CHECK(first->sent.empty());
    CHECK(second->sent == Sent{{R"({"id": "x", "type": 11})", "result"}});
    one.run();
    CHECK(*work.cancelled == 0);
}

TEST_CASE("answers that a lost connection did not send go out over the next, before those made meanwhile") {
    OneResponder one;
    const auto first = one.connect();
    for (const char* text : {"1", "2", "3"}) {
        one.answer(*first, text);
    }
    one.lose(first, {1, 2});
    one.answer(*first, "4");
    const auto second = one.connect();
    REQUIRE(second->sent.size() == 3);
    CHECK(second->sent[0].body == "2");
    CHECK(second->sent[1].body == "3");
    CHECK(second->sent[2].body == "4");
}

TEST_CASE("answers given back by a connection that was replaced go out at once") {
    OneResponder one;
    const auto first = one.connect();
    one.answer(*first, "1");
    const auto second = one.connect();
    one.lose(first, {0});
    CHECK(second->sent == Sent{{R"({"id": "x", "type": 11})", "1"}});
}

TEST_CASE("a kept answer with more descriptors than the next connection accepts becomes an error that says so") {
    OneResponder one;
    const auto first = one.connect({.max_descriptors = 2});
    const auto work = one.begin(first, metadata_of("1", ", \"route\": \"open\""));
    one.lose(first);
    communica::peer::Reply reply;
    reply.body.append("[0,1]");
    reply.body.attachments() = std::make_shared<test::Attached>(2);
    one.responder->finish(*work.call, reply);
    const auto second = one.connect({.max_descriptors = 1});
    REQUIRE(second->sent.size() == 1);
    CHECK(nlohmann::json::parse(second->sent[0].metadata) ==
          nlohmann::json{{"id", "1"}, {"type", 51}, {"route", "open"}});
    CHECK(refused(second->sent[0]).status == 501);
}

TEST_CASE("answers that the next connection does not take go on waiting") {
    OneResponder one;
    const auto first = one.connect();
    one.lose(first);
    one.answer(*first, "1");
    one.answer(*first, "2");
    const auto broken = std::make_shared<test::RecordingConnection>(one.context);
    broken->capacity = 1;
    one.responder->attach(broken, {});
    CHECK(broken->sent.size() == 1);
    one.lose(broken);
    const auto third = one.connect();
    REQUIRE(third->sent.size() == 1);
    CHECK(third->sent[0].body == "2");
}

TEST_CASE("a refusal that can't be sent is not kept") {
    OneResponder one;
    const auto first = one.connect();
    one.lose(first);
    one.answer(*first, "1", SendClass::rejection);
    CHECK(one.responder->is_idle());
    const auto second = one.connect();
    CHECK(second->sent.empty());
    one.answer(*second, "2", SendClass::rejection);
    CHECK(second->send_classes == std::vector{SendClass::rejection});
}

TEST_CASE("an answer too large for the requester becomes an error that says so") {
    const std::string metadata = R"({"id": "x", "type": 11})";
    OneResponder one;
    const auto connection = one.connect(Capabilities{.max_message = metadata.size() + 100});
    one.answer(*connection, std::string(100, 'b'));
    CHECK(connection->sent[0].metadata == metadata);
    one.answer(*connection, std::string(101, 'b'));
    CHECK(refused(connection->sent[1]) == Refused{51, 413, "message_too_large"});
    one.finish(one.begin(connection, metadata_of("x")), std::string(101, 'b'));
    CHECK(refused(connection->sent[2]) == Refused{51, 413, "message_too_large"});
    CHECK(connection->sent[2].metadata == R"({"id": "x", "type": 51})");
}

TEST_CASE("who says nothing of its limit gets answers of any size") {
    OneResponder one;
    const auto connection = one.connect();
    one.answer(*connection, std::string(1'000'000, 'b'));
    CHECK(connection->sent[0].body.size() == 1'000'000);
}

TEST_CASE("a request is cancelled by its id, on its executor, and not answered") {
    OneResponder one;
    const auto connection = one.connect();
    const auto work = one.begin(connection, metadata_of("x"));
    const auto other = one.begin(connection, metadata_of("y"));
    one.responder->cancel("z");
    one.responder->cancel("x");
    one.responder->cancel("x");
    CHECK(work.call->is_cancelled());
    CHECK(*work.cancelled == 0);
    CHECK(one.responder->at_work() == 1);
    one.run();
    CHECK(*work.cancelled == 1);
    CHECK(*other.cancelled == 0);
    one.finish(work, "late");
    CHECK(connection->sent.empty());
    one.finish(other, "result");
    CHECK(connection->sent.size() == 1);
}

TEST_CASE("who cancels no id cancels nothing") {
    OneResponder one;
    const auto connection = one.connect();
    const auto notification = one.begin(connection, R"({"id": "", "type": 2})");
    const auto odd = one.begin(connection, R"({"id": 7, "type": 1})");
    one.responder->cancel("");
    one.run();
    CHECK(*notification.cancelled == 0);
    CHECK(*odd.cancelled == 0);
}

}  // namespace peer_responder_tests

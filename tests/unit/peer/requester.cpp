#include "support/catch.hpp"
#include "unit/peer/one_requester.hpp"

namespace peer_requester_tests {

namespace {

using communica::errc;
using communica::peer::RequestId;
using test::Bodies;
using test::bodies;
using test::error_of;
using test::OneRequester;
using test::outgoing;
using namespace std::chrono_literals;

}  // namespace

TEST_CASE("requests wait for a connection, and go out over it in their order") {
    OneRequester one;
    const auto request = one.request("1");
    const auto notification = one.notify("2");
    one.request("3");
    CHECK_FALSE(one.requester->is_connected());
    CHECK(notification->completions == 0);
    const auto connection = one.connect();
    CHECK(one.requester->is_connected());
    CHECK(bodies(*connection) == Bodies{"1", "2", "3"});
    CHECK(connection->send_classes == std::vector(3, communica::SendClass::request));
    CHECK(notification->completions == 1);
    CHECK_FALSE(notification->error);
    CHECK(request->completions == 0);
}

TEST_CASE("a request that does not want to wait for a connection fails at once") {
    OneRequester one;
    for (const auto type : {communica::wire::MessageType::request, communica::wire::MessageType::notification}) {
        auto message = outgoing("1");
        message.type = type;
        message.wait_for_connection = false;
        CHECK(error_of(one.start(std::move(message))) == errc::not_connected);
    }
    CHECK(one.connect()->sent.empty());
}

TEST_CASE("an answer completes its request, once, in whatever order answers come") {
    OneRequester one;
    const auto connection = one.connect();
    const auto first = one.request("1");
    const auto second = one.request("2");
    one.answer(connection->sent[1], "two");
    CHECK(second->body == "two");
    CHECK(first->completions == 0);
    one.answer(connection->sent[0], "one");
    one.answer(connection->sent[0], "one again");
    CHECK(first->body == "one");
    CHECK(first->completions == 1);
}

TEST_CASE("an answer that is an error fails its request with what it says") {
    OneRequester one;
    const auto connection = one.connect();
    const auto request = one.request("1");
    communica::wire::MetadataReader reader;
    auto metadata = reader.read(connection->sent[0].metadata);
    metadata.type = communica::wire::MessageType::responder_error;
    one.requester->on_answer(metadata, {{}, communica::as_bytes(R"({"code": 503, "message": "m", "errc": "busy"})")});
    REQUIRE(request->error);
    CHECK(request->error->code == errc::busy);
    CHECK(request->error->status == 503);
}

TEST_CASE("an answer that nobody waits for is dropped") {
    OneRequester one;
    const auto connection = one.connect();
    const auto request = one.request("1");
    OneRequester another;
    const auto elsewhere = another.connect();
    another.request("1");
    one.answer(elsewhere->sent[0], "for another");
    one.answer({.metadata = R"({"id": "s1", "type": 1})", .body = {}}, "for nobody");
    one.answer({.metadata = R"({"id": 7, "type": 1})", .body = {}}, "for nobody");
    CHECK(request->completions == 0);
}

TEST_CASE("a request whose answer can't be had fails with the reason") {
    OneRequester one;
    const auto connection = one.connect();
    const auto request = one.request("1");
    const auto other = one.request("2");
    communica::wire::MetadataReader reader;
    one.requester->on_no_answer(reader.read(connection->sent[0].metadata), {errc::message_too_large, "for its size"});
    CHECK(error_of(request) == errc::message_too_large);
    CHECK(request->error->message == "for its size");
    CHECK(other->completions == 0);
}

TEST_CASE("a cancelled request is forgotten: before it is sent, and when its answer comes late") {
    OneRequester one;
    const RequestId waiting = one.requester->reserve();
    const auto not_sent = one.request("1", waiting);
    one.requester->cancel(waiting);
    CHECK(error_of(not_sent) == asio::error::operation_aborted);

    const auto connection = one.connect();
    CHECK(connection->sent.empty());
    const RequestId id = one.requester->reserve();
    const auto sent = one.request("2", id);
    one.requester->cancel(id);
    one.answer(connection->sent[0], "late");
    CHECK(sent->completions == 1);
    CHECK(error_of(sent) == asio::error::operation_aborted);
}

TEST_CASE("a request cancelled before it starts is never sent") {
    OneRequester one;
    const auto connection = one.connect();
    const RequestId id = one.requester->reserve();
    one.requester->cancel(id);
    CHECK(error_of(one.request("1", id)) == asio::error::operation_aborted);
    CHECK(connection->sent.empty());
}

TEST_CASE("a notification is sent now if there is a connection with room, or not at all") {
    OneRequester one;
    CHECK_FALSE(one.requester->notify_now("", test::body_of("1")));
    const auto connection = one.connect();
    CHECK(one.requester->notify_now("\"r\"", test::body_of("2")));
    CHECK(connection->sent == std::vector<test::SentMessage>{{R"({"id": "", "type": 2, "route": "r"})", "2"}});
    connection->room = 0;
    CHECK_FALSE(one.requester->notify_now("", test::body_of("3")));
    connection->room = 9;
    one.requester->on_room();
    CHECK(bodies(*connection) == Bodies{"2"});
}

TEST_CASE("a request ends at its deadline, and is not sent after it") {
    OneRequester one;
    auto message = outgoing("1");
    message.timeout = 0ms;
    const auto request = one.start(std::move(message));
    one.run_until(request);
    CHECK(error_of(request) == errc::timeout);
    CHECK(one.requester->is_idle());
    CHECK(one.connect()->sent.empty());
}

TEST_CASE("a request that was sent ends at its deadline, and the others go on") {
    OneRequester one;
    const auto connection = one.connect();
    const auto lasting = one.request("lasting");
    auto message = outgoing("short");
    message.timeout = 1ms;
    const auto request = one.start(std::move(message));
    one.run_until(request);
    CHECK(error_of(request) == errc::timeout);
    one.answer(connection->sent[1], "late");
    CHECK(request->completions == 1);
    CHECK(lasting->completions == 0);
}

TEST_CASE("of many deadlines each ends its own request, in order") {
    OneRequester one;
    std::vector<std::shared_ptr<test::Outcome>> requests;
    for (const auto time : {3ms, 1ms, 2ms}) {
        auto message = outgoing("1");
        message.timeout = time;
        requests.push_back(one.start(std::move(message)));
    }
    one.run_until(requests[1]);
    one.run_until(requests[2]);
    one.run_until(requests[0]);
    for (const auto& request : requests) {
        CHECK(error_of(request) == errc::timeout);
    }
}

TEST_CASE("closing a requester ends every request with the reason, and lets none in until it is opened") {
    OneRequester one;
    one.connect();
    const auto sent = one.request("1");
    one.requester->close({errc::closed, "the reason"});
    CHECK(error_of(sent) == errc::closed);
    CHECK(sent->error->message == "the reason");
    CHECK_FALSE(one.requester->is_connected());
    CHECK(error_of(one.request("2")) == errc::closed);
    const auto ignored = one.connect();
    CHECK_FALSE(one.requester->is_connected());
    CHECK(one.requester->is_idle());

    one.requester->open();
    const auto later = one.request("3");
    CHECK(later->completions == 0);
    CHECK(bodies(*one.connect()) == Bodies{"3"});
    CHECK(ignored->sent.empty());
}

TEST_CASE("after opening again it is another session, and answers to the one before are dropped") {
    OneRequester one;
    const auto before = one.connect();
    one.request("1");
    one.requester->open();
    one.request("2");
    const std::string session = test::session_of(before->sent[0]);
    CHECK(test::session_of(before->sent[1]) == session);
    one.requester->close({errc::closed});
    one.requester->open();
    const auto after = one.connect();
    const auto request = one.request("1");
    CHECK(test::session_of(after->sent[0]) != session);
    one.answer(before->sent[0], "for the session before");
    CHECK(request->completions == 0);
}

TEST_CASE("a reserved number that is cancelled by closing takes no request") {
    OneRequester one;
    const RequestId id = one.requester->reserve();
    one.requester->close({errc::closed});
    CHECK(error_of(one.request("1", id)) == errc::closed);
    one.requester->open();
    CHECK(one.requester->is_idle());
}

TEST_CASE("nothing that waits for nobody keeps the context at work") {
    OneRequester one;
    const RequestId id = one.requester->reserve();
    auto message = outgoing("1");
    message.timeout = 1h;
    one.start(std::move(message), id);
    one.requester->cancel(id);
    CHECK(one.context.run_for(60s) <= 1);  // the cancelled wait alone
    CHECK(one.context.stopped());
}

TEST_CASE("answered requests do not keep the context at work once their connection is gone") {
    OneRequester one;
    const auto connection = one.connect();
    auto message = outgoing("1");
    message.timeout = 1h;
    one.start(std::move(message));
    one.answer(connection->sent[0], "1");
    one.lose(connection);
    CHECK(one.context.run_for(60s) <= 1);
    CHECK(one.context.stopped());
}

}  // namespace peer_requester_tests

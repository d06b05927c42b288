// What becomes of requests when connections are lost.
#include "support/catch.hpp"
#include "unit/peer/one_requester.hpp"

namespace requester_lost_tests {

namespace {

using communica::errc;
using communica::peer::full_offer;
using communica::peer::RequestId;
using test::Bodies;
using test::bodies;
using test::error_of;
using test::OneRequester;
using test::outgoing;

communica::peer::Outgoing idempotent(std::string_view body) {
    auto message = outgoing(body);
    message.idempotent = true;
    return message;
}

}  // namespace

TEST_CASE("what a lost connection did not send goes out first on the next") {
    OneRequester one;
    const auto first = one.connect();
    for (const char* body : {"1", "2", "3"}) {
        one.request(body);
    }
    one.lose(first, {1, 2});
    CHECK_FALSE(one.requester->is_connected());
    one.request("4");
    CHECK(bodies(*one.connect()) == Bodies{"2", "3", "4"});
}

TEST_CASE("what was given back keeps its id, route and headers, whatever the next side offers") {
    OneRequester one;
    const auto first = one.connect(full_offer("a", 1000));
    auto message = outgoing("1");
    message.quoted_route = R"("a\"b")";
    message.headers = R"({"k":"v"})";
    one.start(std::move(message));
    one.lose(first, {0});
    const auto plain = one.connect();
    CHECK(plain->sent[0].metadata.find(R"("type": 1, "route": "a\"b"})") != std::string::npos);
    CHECK(plain->sent[0].metadata.substr(0, 42) == first->sent[0].metadata.substr(0, 42));
}

TEST_CASE("an unsent request that does not wait for a connection fails when the one there is ends, or drains") {
    for (const bool drains : {false, true}) {
        OneRequester one;
        const auto connection = one.connect();
        auto message = outgoing("given back");
        message.wait_for_connection = false;
        const auto given_back = one.start(std::move(message));
        connection->room = 0;
        message = outgoing("queued");
        message.wait_for_connection = false;
        const auto queued = one.start(std::move(message));
        message = outgoing("sent again");
        message.wait_for_connection = false;
        message.idempotent = true;
        const auto repeated = one.start(std::move(message));
        const auto patient = one.request("patient");
        CHECK(queued->completions + patient->completions == 0);
        if (drains) {
            one.requester->on_draining();
            CHECK(error_of(queued) == errc::draining);
            CHECK(given_back->completions == 0);
        }
        one.lose(connection, {0});
        CHECK(error_of(given_back) == errc::not_connected);
        CHECK(error_of(queued) == (drains ? errc::draining : errc::not_connected));
        CHECK(repeated->completions + patient->completions == 0);
        CHECK(bodies(*one.connect()) == Bodies{"sent again", "patient"});
    }
}

TEST_CASE("a notification given back is sent, though it was told to be on its way") {
    OneRequester one;
    const auto first = one.connect();
    const auto notification = one.notify("1");
    CHECK(notification->completions == 1);
    one.lose(first, {0});
    const auto second = one.connect();
    CHECK(bodies(*second) == Bodies{"1"});
    CHECK(second->sent[0].metadata == R"({"id": "", "type": 2})");
    CHECK(notification->completions == 1);
}

TEST_CASE("what was cancelled meanwhile is not sent again") {
    OneRequester one;
    const auto first = one.connect();
    const RequestId id = one.requester->reserve();
    one.request("cancelled", id);
    one.request("kept");
    one.requester->cancel(id);
    one.lose(first, {0, 1});
    CHECK(bodies(*one.connect()) == Bodies{"kept"});
}

TEST_CASE("messages that are meant for the lost connection alone are not sent on the next") {
    OneRequester one;
    const auto first = one.connect(full_offer("a", 1000));
    const RequestId id = one.requester->reserve();
    one.request("1", id);
    one.requester->cancel(id);
    REQUIRE(first->sent.size() == 2);
    first->unsent.push_back({R"({"id": "", "type": 4})", {}});
    one.lose(first, {1});
    CHECK(one.connect()->sent.empty());
}

TEST_CASE("a request that was sent may be answered on the next connection") {
    OneRequester one;
    const auto first = one.connect();
    const auto request = one.request("1");
    one.lose(first);
    const auto second = one.connect();
    CHECK(second->sent.empty());
    one.answer(first->sent[0], "late, and welcome");
    CHECK(request->body == "late, and welcome");
}

TEST_CASE("giving up what was sent leaves what waits") {
    OneRequester one;
    const auto first = one.connect();
    const auto sent = one.request("sent");
    const auto not_sent = one.request("not sent");
    one.lose(first, {1});
    const auto waits = one.request("waits");
    one.requester->give_up_sent();
    CHECK(error_of(sent) == errc::connection_lost);
    CHECK(not_sent->completions == 0);
    CHECK(waits->completions == 0);
    CHECK(bodies(*one.connect()) == Bodies{"not sent", "waits"});
}

TEST_CASE("a later connection takes the earlier one's place, and what that did not send goes out over it") {
    OneRequester one;
    const auto first = one.connect();
    one.request("1");
    const auto second = one.connect();
    one.request("2");
    CHECK(bodies(*second) == Bodies{"2"});
    one.lose(first, {0});
    CHECK(one.requester->is_connected());
    CHECK(bodies(*second) == Bodies{"2", "1"});
}

TEST_CASE("requests that ended by closing are not sent after opening again") {
    OneRequester one;
    const auto first = one.connect();
    const auto request = one.request("1");
    one.requester->close({errc::closed});
    one.requester->open();
    one.lose(first, {0});
    CHECK(error_of(request) == errc::closed);
    CHECK(one.connect()->sent.empty());
}

TEST_CASE("an idempotent request that went out on a lost connection is sent again on the next, as it was") {
    OneRequester one;
    const auto first = one.connect(full_offer("a", 1000));
    auto message = idempotent("again");
    message.quoted_route = "\"r\"";
    message.headers = R"({"k":"v"})";
    const auto request = one.start(std::move(message));
    const auto other = one.request("once");
    one.lose(first);
    const auto second = one.connect(full_offer("a", 1000));
    CHECK(bodies(*second) == Bodies{"again"});
    CHECK(second->sent[0].metadata.find(R"("route": "r", "headers": {"k":"v"})") != std::string::npos);
    one.answer(second->sent[0], "done");
    CHECK(request->body == "done");
    CHECK(other->completions == 0);
}

TEST_CASE("an idempotent request is sent again as often as it is lost") {
    OneRequester one;
    auto connection = one.connect();
    const auto request = one.start(idempotent("1"));
    for (int round = 0; round != 3; ++round) {
        one.lose(connection);
        connection = one.connect();
        CHECK(bodies(*connection) == Bodies{"1"});
    }
    one.answer(connection->sent[0], "done");
    CHECK(request->completions == 1);
    one.lose(connection);
    CHECK(one.connect()->sent.empty());
}

TEST_CASE("idempotent requests are sent again in the order in which they were sent first") {
    OneRequester one;
    auto connection = one.connect();
    for (const char* body : {"1", "2", "3"}) {
        one.start(idempotent(body));
    }
    one.answer(connection->sent[0], "done");
    one.start(idempotent("4"));  // in the slot of the one that was answered
    one.lose(connection);
    connection = one.connect();
    CHECK(bodies(*connection) == Bodies{"2", "3", "4"});
}

TEST_CASE("an idempotent request that did not go out is sent once") {
    OneRequester one;
    const auto first = one.connect();
    one.start(idempotent("1"));
    one.lose(first, {0});
    CHECK(bodies(*one.connect()) == Bodies{"1"});
}

TEST_CASE("what waits to be sent again is not given up with what was sent") {
    OneRequester one;
    const auto first = one.connect();
    const auto again = one.start(idempotent("again"));
    const auto once = one.request("once");
    one.lose(first);
    one.requester->give_up_sent();
    CHECK(again->completions == 0);
    CHECK(error_of(once) == errc::connection_lost);
    CHECK(bodies(*one.connect()) == Bodies{"again"});
}

TEST_CASE("an answer to the first sending ends an idempotent request, which is not sent again then") {
    OneRequester one;
    const auto first = one.connect();
    const auto request = one.start(idempotent("1"));
    one.lose(first);
    one.answer(first->sent[0], "late, and welcome");
    CHECK(request->body == "late, and welcome");
    CHECK(one.requester->is_idle());
    CHECK(one.connect()->sent.empty());
}

TEST_CASE("an idempotent request that was cancelled or whose time is over is not sent again") {
    OneRequester one;
    const auto first = one.connect();
    const RequestId id = one.requester->reserve();
    one.start(idempotent("1"), id);
    auto message = idempotent("2");
    message.timeout = std::chrono::milliseconds{1};
    const auto timed = one.start(std::move(message));
    one.lose(first);
    one.requester->cancel(id);
    one.run_until(timed);
    CHECK(error_of(timed) == errc::timeout);
    CHECK(one.connect()->sent.empty());
}

TEST_CASE("idempotent requests are sent again before what waited, in their order") {
    OneRequester one;
    const auto first = one.connect();
    for (const char* body : {"1", "2", "3"}) {
        one.start(idempotent(body));
    }
    one.request("not sent");
    one.lose(first, {3});
    one.request("later");
    CHECK(bodies(*one.connect()) == Bodies{"1", "2", "3", "not sent", "later"});
}

TEST_CASE("an idempotent request that went out on a replaced connection is sent again too") {
    OneRequester one;
    const auto first = one.connect();
    one.start(idempotent("1"));
    const auto second = one.connect();
    one.lose(first);
    CHECK(bodies(*second) == Bodies{"1"});
}

TEST_CASE("an idempotent request that went out on a replaced connection is not given up with what was sent") {
    OneRequester one;
    one.connect();
    const auto request = one.start(idempotent("1"));
    one.requester->give_up_sent();
    CHECK(request->completions == 0);
    CHECK(bodies(*one.connect()) == Bodies{"1"});
}

TEST_CASE("a message is not kept twice when two connections give it back") {
    OneRequester one;
    const auto first = one.connect();
    const auto request = one.start(idempotent("1"));
    const auto second = one.connect();
    one.lose(second);
    one.lose(first, {0});
    CHECK(bodies(*one.connect()) == Bodies{"1"});
    CHECK(request->completions == 0);
}

}  // namespace requester_lost_tests

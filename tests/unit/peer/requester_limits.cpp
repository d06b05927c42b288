// What a requester does where there is no room, or nobody who takes requests.
#include "support/catch.hpp"
#include "unit/peer/one_requester.hpp"

namespace requester_limits_tests {

namespace {

using communica::errc;
using communica::peer::Capabilities;
using communica::peer::RequestId;
using test::Bodies;
using test::bodies;
using test::error_of;
using test::OneRequester;
using test::outgoing;

const std::size_t each = outgoing("1").size();

}  // namespace

TEST_CASE("what waits may take max_unsent bytes: at it a request is kept, above it the queue is full") {
    for (const std::size_t missing : {std::size_t{0}, std::size_t{1}}) {
        OneRequester one(3 * each - missing);
        CHECK(one.request("1")->completions == 0);
        CHECK(one.request("2")->completions == 0);
        const auto third = one.request("3");
        CHECK(error_of(third) == (missing == 0 ? std::error_code() : errc::queue_full));
        CHECK(error_of(one.request("4")) == errc::queue_full);
        CHECK(error_of(one.notify("5")) == errc::queue_full);
        CHECK(bodies(*one.connect()) == (missing == 0 ? Bodies{"1", "2", "3"} : Bodies{"1", "2"}));
    }
}

TEST_CASE("route, headers and body count for what waits") {
    auto message = outgoing(std::string(1000, 'b'));
    message.quoted_route = '"' + std::string(98, 'r') + '"';
    message.headers = R"({"a": "1"})";
    CHECK(message.size() == each - 1 + 1000 + 100 + 10);
}

TEST_CASE("what is sent, cancelled or timed out makes room for what waits") {
    OneRequester one(2 * each);
    const RequestId id = one.requester->reserve();
    one.request("1", id);
    auto message = outgoing("2");
    message.timeout = std::chrono::milliseconds{1};
    const auto timed = one.start(std::move(message));
    CHECK(error_of(one.request("3")) == errc::queue_full);
    one.requester->cancel(id);
    CHECK(one.request("4")->completions == 0);
    one.run_until(timed);
    CHECK(one.request("5")->completions == 0);
    CHECK(error_of(one.request("6")) == errc::queue_full);
    const auto connection = one.connect();
    CHECK(bodies(*connection) == Bodies{"4", "5"});
    connection->room = 0;
    CHECK(one.request("7")->completions == 0);
    CHECK(one.request("8")->completions == 0);
    CHECK(error_of(one.request("9")) == errc::queue_full);
}

TEST_CASE("a connection with room takes any request, whatever max_unsent is") {
    OneRequester one(0);
    const auto connection = one.connect();
    CHECK(one.request("1")->completions == 0);
    CHECK(bodies(*connection) == Bodies{"1"});
    connection->room = 0;
    CHECK(error_of(one.request("2")) == errc::queue_full);
}

TEST_CASE("without room messages wait in order, and go out when there is some") {
    OneRequester one;
    const auto connection = one.connect();
    connection->room = 1;
    one.request("1");
    const auto waiting = one.notify("2");
    one.request("3");
    CHECK(bodies(*connection) == Bodies{"1"});
    CHECK(waiting->completions == 0);
    CHECK_FALSE(one.requester->is_idle());

    connection->room = 1;
    one.request("4");  // behind those that wait, though there is room
    CHECK(bodies(*connection) == Bodies{"1"});
    one.requester->on_room();
    CHECK(bodies(*connection) == Bodies{"1", "2"});
    CHECK(waiting->completions == 1);
    connection->room = 9;
    one.requester->on_room();
    CHECK(bodies(*connection) == Bodies{"1", "2", "3", "4"});
    one.requester->on_room();
    CHECK(connection->sent.size() == 4);
}

TEST_CASE("a request that does not want to wait for a connection waits for room on the one there is") {
    OneRequester one;
    const auto connection = one.connect();
    connection->room = 0;
    auto message = outgoing("1");
    message.wait_for_connection = false;
    CHECK(one.start(std::move(message))->completions == 0);
    connection->room = 1;
    one.requester->on_room();
    CHECK(bodies(*connection) == Bodies{"1"});
}

TEST_CASE("room on a connection without anything that waits changes nothing") {
    OneRequester one;
    one.requester->on_room();
    const auto connection = one.connect();
    one.requester->on_room();
    CHECK(connection->sent.empty());
}

TEST_CASE("who drains gets no more requests: they wait for the next connection") {
    OneRequester one;
    const auto draining = one.connect();
    const auto sent = one.request("sent");
    one.requester->on_draining();
    CHECK(one.requester->is_connected());
    const auto waiting = one.request("waiting");
    one.requester->on_room();
    CHECK_FALSE(one.requester->notify_now("", test::body_of("now")));
    CHECK(bodies(*draining) == Bodies{"sent"});
    CHECK(waiting->completions == 0);
    one.answer(draining->sent[0], "answered");
    CHECK(sent->body == "answered");
    one.lose(draining);
    CHECK(bodies(*one.connect()) == Bodies{"waiting"});
    one.request("more");
    CHECK(waiting->completions == 0);
}

TEST_CASE("a request that does not want to wait fails at once where the other side drains") {
    OneRequester one;
    const auto connection = one.connect();
    one.requester->on_draining();
    auto message = outgoing("1");
    message.wait_for_connection = false;
    CHECK(error_of(one.start(std::move(message))) == errc::draining);
    CHECK(connection->sent.empty());
}

TEST_CASE("a message too large for the other side fails at once, and nothing of it is sent") {
    const std::string metadata = R"({"id": "0123456789abcdef0123456789abcdef", "type": 1})";
    for (const std::size_t over : {std::size_t{0}, std::size_t{1}}) {
        OneRequester one;
        const auto connection = one.connect(Capabilities{.max_message = metadata.size() + 100});
        const auto request = one.request(std::string(100 + over, 'b'));
        CHECK(error_of(request) == (over == 0 ? std::error_code() : errc::message_too_large));
        CHECK(connection->sent.size() == 1 - over);
        CHECK(one.request("small")->completions == 0);
    }
}

TEST_CASE("a notification too large for the other side fails at once") {
    OneRequester one;
    const auto connection = one.connect(Capabilities{.max_message = 100});
    CHECK(error_of(one.notify(std::string(100, 'b'))) == errc::message_too_large);
    CHECK_FALSE(one.requester->notify_now("", test::body_of(std::string(100, 'b'))));
    CHECK(connection->sent.empty());
}

TEST_CASE("what waited and is too large for who comes fails then, and what is behind it goes out") {
    OneRequester one;
    const auto large = one.request(std::string(1000, 'b'));
    const auto notification = one.notify(std::string(1000, 'b'));
    const auto small = one.request("small");
    CHECK(large->completions == 0);
    CHECK(bodies(*one.connect(Capabilities{.max_message = 500})) == Bodies{"small"});
    CHECK(error_of(large) == errc::message_too_large);
    CHECK(large->error->message.find("500") != std::string::npos);
    CHECK(error_of(notification) == errc::message_too_large);
    CHECK(small->completions == 0);
}

TEST_CASE("metadata over the limit of all peers is too large") {
    OneRequester one;
    const auto connection = one.connect();
    auto message = outgoing("1");
    message.quoted_route = '"' + std::string(70'000, 'r') + '"';
    CHECK(error_of(one.start(std::move(message))) == errc::message_too_large);
    CHECK(connection->sent.empty());
}

}  // namespace requester_limits_tests

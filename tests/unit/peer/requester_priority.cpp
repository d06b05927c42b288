// What is sent first of requests and notifications that wait.
#include "support/catch.hpp"
#include "unit/peer/one_requester.hpp"

#include <communica/peer/cancel.hpp>

namespace requester_priority_tests {

namespace {

using communica::errc;
using communica::Priority;
using communica::SendClass;
using communica::peer::Capabilities;
using communica::peer::Outgoing;
using enum Priority;
using test::Bodies;
using test::bodies;
using test::error_of;
using test::OneRequester;
using test::outgoing;

Outgoing of(Priority priority, std::string_view body) {
    Outgoing message = outgoing(body);
    message.priority = priority;
    return message;
}
Outgoing notification(Priority priority, std::string_view body) {
    Outgoing message = of(priority, body);
    message.type = communica::wire::MessageType::notification;
    return message;
}
Outgoing flush() {
    Outgoing message;
    message.type = communica::wire::MessageType::flush;
    return message;
}

/// Two of each priority, in this order.
void start_two_of_each(OneRequester& one) {
    for (const char* number : {"1", "2"}) {
        for (const Priority priority : {low, normal, high}) {
            const std::string name = priority == low ? "l" : priority == normal ? "n" : "h";
            one.start(*number == '1' ? of(priority, name + number) : notification(priority, name + number));
        }
    }
}
const Bodies by_priority{"h1", "h2", "n1", "n2", "l1", "l2"};

}  // namespace

TEST_CASE("a connection is told the priority, and keeps the order in which it is asked while it has room") {
    OneRequester one;
    const auto connection = one.connect();
    start_two_of_each(one);
    CHECK(bodies(*connection) == Bodies{"l1", "n1", "h1", "l2", "n2", "h2"});
    const std::vector classes{SendClass::low_request, SendClass::request, SendClass::high_request};
    CHECK(std::vector(connection->send_classes.begin(), connection->send_classes.begin() + 3) == classes);
    CHECK(std::vector(connection->send_classes.begin() + 3, connection->send_classes.end()) == classes);
}

TEST_CASE("of what waits for a connection the high goes first and the low last") {
    OneRequester one;
    start_two_of_each(one);
    CHECK(bodies(*one.connect()) == by_priority);
}

TEST_CASE("of what waits for room the high goes first and the low last, however the room comes") {
    for (const std::size_t step : {1U, 2U, 3U, 6U}) {
        OneRequester one;
        const auto connection = one.connect();
        connection->room = 0;
        start_two_of_each(one);
        while (connection->sent.size() != by_priority.size()) {
            connection->room = step;
            one.requester->on_room();
        }
        CHECK(bodies(*connection) == by_priority);
    }
}

TEST_CASE("those of low priority that wait for room of their own hold up no others") {
    OneRequester one;
    const auto connection = one.connect();
    connection->low_room = 0;
    one.start(of(low, "l1"));
    one.start(of(normal, "n1"));
    one.start(notification(low, "l2"));
    one.start(notification(high, "h1"));
    CHECK(bodies(*connection) == Bodies{"n1", "h1"});
    connection->low_room = 1;
    one.requester->on_room();
    one.start(of(low, "l3"));
    CHECK(bodies(*connection) == Bodies{"n1", "h1", "l1"});
    connection->low_room = 2;
    one.requester->on_room();
    CHECK(bodies(*connection) == Bodies{"n1", "h1", "l1", "l2", "l3"});
}

TEST_CASE("a flush goes behind the notifications of every priority that wait") {
    OneRequester one;
    const auto connection = one.connect(communica::peer::full_offer("a", 1000));
    connection->low_room = 0;
    one.start(notification(low, "l"));
    one.start(flush());
    one.start(of(normal, "n"));
    CHECK(bodies(*connection) == Bodies{"n"});
    connection->low_room = 2;
    one.requester->on_room();
    CHECK(bodies(*connection) == Bodies{"n", "l", ""});
}

TEST_CASE("requests of any priority pass notifications that lack credit, which keep their order by priority") {
    OneRequester one;
    Capabilities offer;
    offer.ahead = {1, 1000};
    const auto connection = one.connect(offer);
    one.start(notification(normal, "sent"));
    for (const Priority priority : {low, normal, high}) {
        one.start(notification(priority, priority == high ? "high" : priority == low ? "low" : "normal"));
        one.start(of(priority, "request"));
    }
    CHECK(bodies(*connection) == Bodies{"sent", "request", "request", "request"});
    for (std::uint64_t ended = 1; ended != 4; ++ended) {
        one.requester->on_notifications_ended(*connection, {.all = ended, .failed = 0});
    }
    CHECK(bodies(*connection) == Bodies{"sent", "request", "request", "request", "high", "normal", "low"});
}

TEST_CASE("a lost connection gives back the high ones as high, and the others before what waits as normal") {
    OneRequester one;
    const auto first = one.connect();
    start_two_of_each(one);
    first->room = 0;
    one.start(of(high, "h3"));
    one.start(of(normal, "n3"));
    one.start(of(low, "l3"));
    one.lose(first, {0, 1, 2, 3, 4, 5});
    CHECK(bodies(*one.connect()) == Bodies{"h1", "h2", "h3", "l1", "n1", "l2", "n2", "n3", "l3"});
}

TEST_CASE("an idempotent request that is sent again goes before the others of its priority") {
    OneRequester one;
    const auto first = one.connect();
    for (const char* number : {"1", "2"}) {
        for (const Priority priority : {low, normal, high}) {
            auto message = of(priority, std::string(priority == low ? "l" : priority == normal ? "n" : "h") + number);
            message.idempotent = true;
            one.start(std::move(message));
        }
    }
    first->room = 0;
    one.start(of(high, "h3"));
    one.start(of(normal, "n3"));
    one.start(of(low, "l3"));
    one.lose(first);
    CHECK(bodies(*one.connect()) == Bodies{"h1", "h2", "h3", "n1", "n2", "n3", "l1", "l2", "l3"});
}

TEST_CASE("a waiting request of any priority is cancelled, and ends at its deadline") {
    for (const Priority priority : {low, normal, high}) {
        OneRequester one;
        const auto connection = one.connect();
        connection->room = 0;
        start_two_of_each(one);
        const auto id = one.requester->reserve();
        const auto cancelled = one.start(of(priority, "cancelled"), id);
        auto message = of(priority, "late");
        message.timeout = std::chrono::milliseconds{1};
        const auto late = one.start(std::move(message));
        one.requester->cancel(id);
        CHECK(error_of(cancelled) == asio::error::operation_aborted);
        one.run_until(late);
        CHECK(error_of(late) == errc::timeout);
        connection->room = static_cast<std::size_t>(-1);
        one.requester->on_room();
        CHECK(bodies(*connection) == by_priority);
    }
}

TEST_CASE("the priority goes along to another requester") {
    OneRequester from;
    OneRequester to;
    start_two_of_each(from);
    to.start(of(normal, "n0"));
    communica::peer::hand_over(*from.requester, *to.requester);
    CHECK(bodies(*to.connect()) == Bodies{"h1", "h2", "n0", "n1", "n2", "l1", "l2"});
}

}  // namespace requester_priority_tests

#include "support/catch.hpp"

#include <communica/connectors/rabbitmq/message_queue.hpp>

#include <array>
#include <string>
#include <vector>

namespace rabbitmq_message_queue_tests {

namespace {

using communica::Buffer;
using communica::SendClass;
using communica::rabbitmq::Kind;
using communica::rabbitmq::MessageQueue;
using communica::rabbitmq::Publication;
using namespace std::chrono_literals;

constexpr std::size_t enough = communica::Room::high_watermark;

Buffer bytes(std::string_view text) {
    Buffer buffer;
    buffer.append(text);
    return buffer;
}

bool push(MessageQueue& queue, SendClass send_class, std::string_view metadata, std::string_view body = {}) {
    Buffer buffer = bytes(body);
    return queue.push(send_class, metadata, buffer);
}

/// Of so many bytes in all.
bool push(MessageQueue& queue, SendClass send_class, std::size_t size) {
    return push(queue, send_class, "m", std::string(size - 2, 'b'));
}

std::optional<std::chrono::milliseconds> expiration(std::string_view metadata,
                                                    SendClass send_class = SendClass::request,
                                                    bool knows_deadlines = true) {
    MessageQueue queue(nullptr, nullptr);
    push(queue, send_class, metadata);
    return queue.pop("a queue", "a connection", knows_deadlines)->expiration;
}

}  // namespace

TEST_CASE("a goodbye, and nothing else, names the connection that it is said to") {
    MessageQueue queue(nullptr, nullptr);
    push(queue, SendClass::response, R"({"id": "", "type": 4})");
    push(queue, SendClass::response, R"({"id": "", "type": 11})");
    push(queue, SendClass::request, R"({"id": "4", "type": 1})");
    CHECK(queue.pop("a queue", "a connection", true)->connection == "a connection");
    CHECK(queue.pop("a queue", "a connection", true)->connection.empty());
    CHECK(queue.pop("a queue", "a connection", true)->connection.empty());
}

TEST_CASE("messages come out in their order, as metadata, a zero byte and the body") {
    MessageQueue queue(nullptr, nullptr);
    CHECK(queue.empty());
    CHECK(push(queue, SendClass::response, "{}", std::string("b\0dy", 4)));
    CHECK(push(queue, SendClass::rejection, "second"));
    const auto first = queue.pop("a queue", "a connection", false);
    REQUIRE(first);
    CHECK(first->kind == Kind::message);
    CHECK(first->routing_key == "a queue");
    CHECK(first->mandatory);
    CHECK(first->send_class == SendClass::response);
    CHECK(first->head == std::string("{}\0", 3));
    CHECK(first->body.text() == std::string("b\0dy", 4));
    CHECK(queue.pop("a queue", "a connection", false)->head == std::string("second\0", 7));
    CHECK(queue.empty());
    CHECK_FALSE(queue.pop("a queue", "a connection", false));
}

TEST_CASE("a limit has a byte more with the separator, and the largest of all limits stays what it is") {
    CHECK(MessageQueue::with_separator(0) == 1);
    CHECK(MessageQueue::with_separator(1000) == 1001);
    CHECK(MessageQueue::with_separator(static_cast<std::size_t>(-1)) == static_cast<std::size_t>(-1));
}

TEST_CASE("a request expires with its deadline, with a peer that knows of deadlines alone") {
    const auto standard = expiration(R"({"id": "a", "type": 1})");
    REQUIRE(standard);
    CHECK(*standard <= 30s);
    CHECK(*standard > 20s);
    const auto own = expiration(R"({"id": "a", "type": 1, "timeout": 5000000})");
    REQUIRE(own);
    CHECK(*own <= 5000s);
    CHECK(*own > 4900s);
    CHECK_FALSE(expiration(R"({"id": "a", "type": 1})", SendClass::request, false));
}

TEST_CASE("what has no deadline does not expire") {
    CHECK_FALSE(expiration(R"({"id": "a", "type": 1, "timeout": null})"));
    CHECK_FALSE(expiration(R"({"id": "", "type": 2})"));
    CHECK_FALSE(expiration(R"({"id": "a", "type": 3})"));
    CHECK_FALSE(expiration(R"({"id": "a", "type": 11})", SendClass::response));
}

TEST_CASE("no expiration is longer than RabbitMQ knows") {
    CHECK(expiration(R"({"id": "a", "type": 1, "timeout": 4294967295})"));
    CHECK_FALSE(expiration(R"({"id": "a", "type": 1, "timeout": 4294967296})"));
}

TEST_CASE("the time for which a request has waited is taken off its expiration, which is a millisecond at the least") {
    MessageQueue queue(nullptr, nullptr);
    push(queue, SendClass::request, R"({"id": "a", "type": 1, "timeout": 100000})");
    push(queue, SendClass::request, R"({"id": "b", "type": 1, "timeout": 2})");
    const auto pushed = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < pushed + 5ms) {
    }
    CHECK(queue.pop("a queue", "a connection", true)->expiration <= 100'000ms - 5ms);
    CHECK(queue.pop("a queue", "a connection", true)->expiration == 1ms);
}

TEST_CASE("requests find no room beside enough bytes that are not confirmed, and answers do") {
    MessageQueue queue(nullptr, nullptr);
    CHECK(push(queue, SendClass::response, 2 * enough));
    CHECK(push(queue, SendClass::rejection, 2 * enough));
    CHECK(push(queue, SendClass::request, enough - 1));
    CHECK(push(queue, SendClass::request, 2));
    CHECK(queue.size(SendClass::request) == enough + 1);
    Buffer body = bytes("kept");
    CHECK_FALSE(queue.push(SendClass::request, "m", body));
    CHECK(body.text() == "kept");
    CHECK(push(queue, SendClass::response, 10));
    queue.pop("a queue", "a connection", false);
    CHECK(queue.size(SendClass::response) == 2 * enough + 10);  // until it is confirmed
}

TEST_CASE("room is told of once, to one who was turned away, when there is some") {
    MessageQueue queue(nullptr, nullptr);
    CHECK(push(queue, SendClass::request, 100));
    CHECK_FALSE(queue.confirm(SendClass::request, 100));  // nobody waits for it
    CHECK(push(queue, SendClass::request, 2 * enough));
    CHECK_FALSE(push(queue, SendClass::request, 100));
    CHECK(push(queue, SendClass::response, 100));
    CHECK_FALSE(queue.confirm(SendClass::response, 100));
    CHECK_FALSE(queue.confirm(SendClass::request, enough));
    CHECK(queue.confirm(SendClass::request, 1));
    CHECK_FALSE(queue.confirm(SendClass::request, 1));
    CHECK(push(queue, SendClass::request, 100));
}

TEST_CASE("what is not confirmed is taken from the entity's budget") {
    constexpr std::size_t step = communica::BudgetReservation::step;
    const auto budget = std::make_shared<communica::Budget>(step);
    MessageQueue queue(budget, nullptr);
    push(queue, SendClass::response, 2 * step);
    push(queue, SendClass::request, step);
    queue.pop("a queue", "a connection", false);
    CHECK(budget->used() == 3 * step);
    queue.confirm(SendClass::response, 2 * step);
    CHECK(budget->used() == step);
    queue.take_unsent();
    CHECK(budget->used() == 0);
}

TEST_CASE("messages that no write has begun are given back as they came, and nothing is taken from then on") {
    MessageQueue queue(nullptr, nullptr);
    push(queue, SendClass::request, "sent", "1");
    push(queue, SendClass::request, "first", "2");
    push(queue, SendClass::response, "", "3");
    queue.pop("a queue", "a connection", false);
    const auto unsent = queue.take_unsent();
    REQUIRE(unsent.size() == 2);
    CHECK(unsent[0].metadata == "first");
    CHECK(unsent[0].body.text() == "2");
    CHECK(unsent[1].metadata.empty());
    CHECK(unsent[1].body.text() == "3");
    CHECK(queue.empty());
    for (const SendClass send_class : {SendClass::request, SendClass::response, SendClass::rejection}) {
        CHECK_FALSE(push(queue, send_class, "late"));
        CHECK(queue.size(send_class) == 0);
    }
    CHECK(queue.take_unsent().empty());
    CHECK_FALSE(queue.confirm(SendClass::request, 6));  // of what was sent before
    CHECK(queue.size(SendClass::request) == 0);
}

TEST_CASE("requests of high priority come first, in their order, and are given back as such") {
    MessageQueue queue(nullptr, nullptr);
    for (const char* name : {"n1", "h1", "n2", "h2"}) {
        push(queue, *name == 'h' ? SendClass::high_request : SendClass::request, name);
    }
    CHECK(queue.size(SendClass::request) == 4 * 3);
    CHECK(queue.pop("a queue", "a connection", false)->head == std::string("h1\0", 3));
    push(queue, SendClass::high_request, "h3");
    push(queue, SendClass::low_request, "l");
    const auto unsent = queue.take_unsent();
    REQUIRE(unsent.size() == 5);
    for (std::size_t index = 0; index != unsent.size(); ++index) {
        CHECK(unsent[index].metadata == std::array{"h2", "h3", "n1", "n2", "l"}[index]);
        CHECK((unsent[index].send_class == SendClass::high_request) == (index < 2));
    }
}

TEST_CASE("a queue that was closed takes nothing more, and hands out what it has") {
    MessageQueue queue(nullptr, nullptr);
    push(queue, SendClass::response, "before");
    queue.close();
    Buffer body = bytes("kept");
    CHECK_FALSE(queue.push(SendClass::response, "m", body));
    CHECK(body.text() == "kept");
    CHECK(queue.pop("a queue", "a connection", false)->head == std::string("before\0", 7));
    CHECK_FALSE(queue.pop("a queue", "a connection", false));
}

TEST_CASE("bytes are counted when they are on their way") {
    const auto counters = std::make_shared<communica::Counters>();
    MessageQueue queue(nullptr, counters);
    push(queue, SendClass::request, 100);
    push(queue, SendClass::response, 10);
    CHECK(counters->bytes_sent == 0);
    queue.pop("a queue", "a connection", false);
    CHECK(counters->bytes_sent == 100);
    queue.pop("a queue", "a connection", false);
    CHECK(counters->bytes_sent == 110);
}

}  // namespace rabbitmq_message_queue_tests

// How much there is in a queue, for whom, and at whose cost.
#include "support/catch.hpp"
#include "support/frames.hpp"

#include <communica/stream/write_queue.hpp>

namespace write_queue_room_tests {

namespace {

using communica::Buffer;
using communica::SendClass;
using communica::stream::WriteQueue;

constexpr communica::Limits no_limit;

std::size_t push(WriteQueue& queue, SendClass send_class, std::size_t size) {
    Buffer body;
    body.append(std::string(size, 'b'));
    const std::size_t before = queue.size();
    queue.push(send_class, "m", body);
    return queue.size() - before;
}

bool has_room(WriteQueue& queue) { return queue.admits(SendClass::request, 1); }

}  // namespace

TEST_CASE("a queue knows what there is of each send_class, until it is written") {
    WriteQueue queue(no_limit);
    const std::size_t asked = push(queue, SendClass::request, 10);
    const std::size_t answered = push(queue, SendClass::response, 100) + push(queue, SendClass::response, 20'000);
    CHECK(asked == test::message_frame("m", std::string(10, 'b')).size());
    queue.begin_write();
    const std::size_t refused = push(queue, SendClass::rejection, 5);
    const std::size_t later = push(queue, SendClass::request, 1);
    CHECK(queue.size(SendClass::request) == asked + later);
    CHECK(queue.size(SendClass::response) == answered);
    CHECK(queue.size(SendClass::rejection) == refused);
    queue.end_write(asked + answered);
    CHECK(queue.size(SendClass::request) == later);
    CHECK(queue.size(SendClass::response) == 0);
    CHECK(queue.size(SendClass::rejection) == refused);
    CHECK(queue.take_unsent().size() == 2);
    for (const SendClass send_class : {SendClass::request, SendClass::response, SendClass::rejection}) {
        CHECK(queue.size(send_class) == 0);
    }
}

TEST_CASE("a frame counts for its send_class") {
    WriteQueue queue(no_limit);
    queue.push_frame(SendClass::rejection, communica::wire::pong_frame);
    CHECK(queue.size(SendClass::rejection) == communica::wire::pong_frame.size());
    CHECK(queue.size() == communica::wire::pong_frame.size());
}

TEST_CASE("chunks count with their heads") {
    WriteQueue queue({.max_frame = 100});
    push(queue, SendClass::request, 1000);
    CHECK(queue.size(SendClass::request) == queue.size());
    CHECK(queue.size() > 1000 + 10 * communica::wire::ChunkHead::size);
}

TEST_CASE("there is room below enough bytes of requests, whatever there is of answers") {
    WriteQueue queue(no_limit);
    push(queue, SendClass::response, 2 * communica::Room::high_watermark);
    push(queue, SendClass::rejection, 2 * communica::Room::high_watermark);
    CHECK(has_room(queue));
    const std::size_t head = test::message_frame("m", "").size();
    push(queue, SendClass::request, communica::Room::high_watermark - head - 1);
    CHECK(has_room(queue));
    push(queue, SendClass::request, 0);
    CHECK_FALSE(has_room(queue));
    queue.begin_write();
    CHECK_FALSE(has_room(queue));
    queue.end_write(queue.size());
    CHECK(has_room(queue));
}

TEST_CASE("at enough bytes of requests there is no room") {
    WriteQueue queue(no_limit);
    push(queue, SendClass::request, communica::Room::high_watermark - test::message_frame("m", "").size());
    CHECK(queue.size() == communica::Room::high_watermark);
    CHECK_FALSE(has_room(queue));
}

TEST_CASE("of streams as much is queued as a request may wait behind, but one message in any case") {
    constexpr std::size_t most = communica::max_stream_message;
    WriteQueue queue(no_limit);
    CHECK(queue.admits(SendClass::stream, 10 * most));
    push(queue, SendClass::request, 2 * communica::Room::high_watermark);
    CHECK(queue.admits(SendClass::stream, most));
    const std::size_t first = push(queue, SendClass::stream, 1000);
    CHECK(queue.admits(SendClass::stream, most - first));
    CHECK_FALSE(queue.admits(SendClass::stream, most - first + 1));
}

TEST_CASE("room for those that were turned away is told once, of each send_class") {
    communica::Room room;
    CHECK_FALSE(room.is_back(0, 0));
    CHECK_FALSE(room.admits(SendClass::request, communica::Room::high_watermark, 1));
    CHECK_FALSE(room.is_back(communica::Room::high_watermark, 0));
    CHECK(room.is_back(communica::Room::high_watermark - 1, communica::max_stream_message));
    CHECK_FALSE(room.is_back(0, 0));
    CHECK_FALSE(room.admits(SendClass::stream, 1, communica::max_stream_message));
    CHECK_FALSE(room.is_back(0, communica::max_stream_message / 2 + 1));
    CHECK(room.is_back(0, communica::max_stream_message / 2));
    CHECK(room.admits(SendClass::response, communica::Room::high_watermark, communica::Room::high_watermark));
    CHECK_FALSE(room.is_back(0, 0));
}

TEST_CASE("what is queued is taken from the entity's budget, over it if need be, until it is written") {
    constexpr std::size_t step = communica::BudgetReservation::step;
    const auto budget = std::make_shared<communica::Budget>(3 * step);
    WriteQueue queue(no_limit, budget);
    push(queue, SendClass::response, 2 * step);
    CHECK(budget->used() == 2 * step);
    queue.begin_write();
    push(queue, SendClass::request, 2 * step);
    CHECK(budget->used() == 4 * step);
    CHECK(budget->is_over());
    queue.end_write(queue.size(SendClass::response));
    CHECK(budget->used() == 2 * step);
    queue.take_unsent();
    CHECK(budget->used() == 0);
    push(queue, SendClass::request, 5 * step);
    {
        const WriteQueue other(no_limit, budget);
    }
    CHECK(budget->used() == 5 * step);
}

TEST_CASE("pings and pongs between messages are not given back as messages") {
    WriteQueue queue(no_limit);
    push(queue, SendClass::request, 1);
    queue.push_frame(SendClass::rejection, communica::wire::ping_frame);
    queue.push_frame(SendClass::rejection, communica::wire::pong_frame);
    push(queue, SendClass::response, 2);
    const auto unsent = queue.take_unsent();
    REQUIRE(unsent.size() == 2);
    CHECK(unsent[0].body.size() == 1);
    CHECK(unsent[1].body.size() == 2);
}

}  // namespace write_queue_room_tests

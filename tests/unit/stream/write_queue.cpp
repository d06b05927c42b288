#include "support/catch.hpp"
#include "support/frames.hpp"
#include "support/golden.hpp"

#include <communica/stream/write_queue.hpp>

namespace write_queue_tests {

namespace {

using communica::Buffer;
using communica::SendClass;
using communica::stream::WriteQueue;
using test::Kind;
using test::OwnedFrame;

constexpr communica::Limits no_limit;

Buffer buffer_of(std::string_view text) {
    Buffer buffer;
    buffer.append(text);
    return buffer;
}

void push(WriteQueue& queue, std::string_view metadata, std::string_view body) {
    Buffer buffer = buffer_of(body);
    queue.push(SendClass::request, metadata, buffer);
}

std::string joined(std::span<const asio::const_buffer> buffers) {
    std::string bytes;
    for (const asio::const_buffer& buffer : buffers) {
        bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
    }
    return bytes;
}

/// What one write of all that is queued would send.
std::string written(WriteQueue& queue) {
    const std::size_t size = queue.size();
    std::string bytes = joined(queue.begin_write());
    CHECK(bytes.size() == size);
    queue.end_write(bytes.size());
    return bytes;
}

const std::string large(WriteQueue::large_body, 'L');

}  // namespace

TEST_CASE("a new write queue is empty") {
    WriteQueue queue(no_limit);
    CHECK(queue.empty());
    CHECK(queue.size() == 0);
    CHECK(queue.take_unsent().empty());
}

TEST_CASE("messages are framed as the Python library frames them") {
    WriteQueue queue(no_limit);
    std::string expected;
    for (const char* name :
         {"simple_ok_request", "simple_ok_unicode_request", "throw", "meta_extra_request", "route_msgpack_request"}) {
        push(queue, test::golden_metadata(name), test::golden_body(name));
        expected += test::golden(name);
    }
    CHECK(written(queue) == expected);
    CHECK(queue.empty());
}

TEST_CASE("small messages go out in one piece of memory, in their order") {
    WriteQueue queue(no_limit);
    std::string expected;
    for (int number = 0; number != 100; ++number) {
        push(queue, "m" + std::to_string(number), std::string(static_cast<std::size_t>(number), 'b'));
        expected +=
            test::message_frame("m" + std::to_string(number), std::string(static_cast<std::size_t>(number), 'b'));
    }
    const auto buffers = queue.begin_write();
    CHECK(buffers.size() == 1);
    CHECK(joined(buffers) == expected);
}

TEST_CASE("a large body is taken as it is, a smaller one is copied and stays with the caller") {
    WriteQueue queue(no_limit);
    Buffer taken = buffer_of(large);
    const char* memory = taken.data();
    queue.push(SendClass::request, "m", taken);
    CHECK(taken.empty());
    Buffer copied = buffer_of(large.substr(1));
    queue.push(SendClass::request, "n", copied);
    CHECK(copied.size() == large.size() - 1);

    const auto buffers = queue.begin_write();
    REQUIRE(buffers.size() == 3);
    CHECK(buffers[1].data() == memory);
    CHECK(buffers[1].size() == large.size());
    CHECK(joined(buffers) == test::message_frame("m", large) + test::message_frame("n", large.substr(1)));
}

TEST_CASE("nothing is added behind a body that was taken") {
    WriteQueue queue(no_limit);
    push(queue, "a", large);
    queue.push_frame(SendClass::response, communica::wire::close_notify);
    CHECK(written(queue) == test::message_frame("a", large) + test::close_frame());

    push(queue, "a", large);
    push(queue, "b", large);
    const auto buffers = queue.begin_write();
    CHECK(buffers.size() == 4);
    CHECK(joined(buffers) == test::message_frame("a", large) + test::message_frame("b", large));
}

TEST_CASE("what is pushed during a write goes out with the next") {
    WriteQueue queue(no_limit);
    push(queue, "a", "1");
    const std::string first = joined(queue.begin_write());
    CHECK(queue.empty());
    push(queue, "b", "2");
    CHECK_FALSE(queue.empty());
    CHECK(queue.size() == first.size() + test::message_frame("b", "2").size());
    CHECK(first == test::message_frame("a", "1"));
    queue.end_write(first.size());
    CHECK(written(queue) == test::message_frame("b", "2"));
    CHECK(queue.size() == 0);
}

TEST_CASE("the memory of a write is used again for the next ones, but a large one is given back") {
    WriteQueue queue(no_limit);
    for (int round = 0; round != 3; ++round) {
        push(queue, "a", "small");
        const void* memory = queue.begin_write().front().data();
        queue.end_write(queue.size());
        push(queue, "a", "small");
        written(queue);
        push(queue, "a", "small");
        CHECK(queue.begin_write().front().data() == memory);
        queue.end_write(queue.size());
    }
}

TEST_CASE("a hundred thousand messages take few pieces of memory") {
    WriteQueue queue(no_limit);
    for (int number = 0; number != 100'000; ++number) {
        push(queue, "m", "0123456789");
    }
    const auto buffers = queue.begin_write();
    CHECK(buffers.size() == 100'000 * test::message_frame("m", "0123456789").size() / (64 * 1024) + 1);
    for (const auto& buffer : buffers) {
        CHECK(buffer.size() < 64 * 1024 + 100);
    }
}

TEST_CASE("a message over max_frame goes in chunks that are put together again") {
    for (const std::size_t max_frame : {20u, 30u, 64u, 100u}) {
        for (const std::size_t size : {0u, 1u, 30u, 63u, 64u, 65u, 300u}) {
            WriteQueue queue({.max_frame = max_frame});
            const std::string metadata = R"({"id": "", "type": 2})";
            const std::string body(size, 'b');
            push(queue, metadata, body);
            const auto frames = test::read_frames(written(queue));
            const bool whole = metadata.size() + size <= max_frame;
            CHECK((frames.front().kind == Kind::message) == whole);
            std::string together;
            for (std::size_t index = 0; index != frames.size(); ++index) {
                together += frames[index].body;
                if (!whole) {
                    CHECK(frames[index].kind == Kind::chunk);
                    CHECK(frames[index].index == index);
                    CHECK(frames[index].total == frames.size());
                    CHECK(frames[index].metadata == (index == 0 ? metadata : ""));
                    CHECK((index == 0 || frames[index].body.size() + 12 <= max_frame));
                }
            }
            CHECK(together == body);
        }
    }
}

TEST_CASE("chunked and whole messages keep their order") {
    WriteQueue queue({.max_frame = 40});
    push(queue, "a", "small");
    push(queue, "b", std::string(100, 'b'));
    push(queue, "c", "small");
    const auto frames = test::read_frames(written(queue));
    CHECK(frames.front() == OwnedFrame{Kind::message, "a", "small"});
    CHECK(frames[1].metadata == "b");
    CHECK(frames.back() == OwnedFrame{Kind::message, "c", "small"});
    CHECK(frames.size() == 2 + 4);
}

}  // namespace write_queue_tests

// Messages whose bodies are in lent memory.
#include "support/catch.hpp"
#include "support/frames.hpp"
#include "support/lent_memory.hpp"

#include <communica/stream/write_queue.hpp>

#include <deque>

namespace write_queue_lent_tests {

namespace {

using communica::Buffer;
using communica::SendClass;
using communica::stream::WriteQueue;

struct Queue : WriteQueue {
    Queue() : WriteQueue(communica::Limits()) { set_lender(this); }

    test::LentMemory& push_lent(std::uint32_t number, std::string_view metadata,
                                SendClass send_class = SendClass::request) {
        auto& memory = memories.emplace_back(100'000, number, this);
        Buffer body = memory.lend();
        body.drop_front(10);
        body.truncate(50'000);
        push(send_class, metadata, body);
        CHECK(body.empty());
        return memory;
    }
    std::string written() {
        std::string bytes;
        for (const asio::const_buffer& buffer : begin_write()) {
            bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
        }
        return bytes;
    }

    std::deque<test::LentMemory> memories;
};

}  // namespace

TEST_CASE("a body in the connection's own memory is referred to, and passed on once it is written") {
    Queue queue;
    Buffer small;
    small.append("s");
    queue.push(SendClass::request, "before", small);
    const auto& memory = queue.push_lent(7, "meta");
    queue.push(SendClass::request, "behind", small);
    const std::string bytes = test::message_frame("before", "s") + test::lent_frame(7, 10, 50'000, "meta") +
                              test::message_frame("behind", "s");
    CHECK(queue.size() == bytes.size());
    CHECK(memory.sent == 0);
    CHECK(queue.written() == bytes);
    CHECK(memory.sent == 1);
    CHECK(memory.passed_on == 0);
    queue.end_write(bytes.size());
    CHECK(memory.passed_on == 1);
    CHECK(memory.given_back == 0);
}

TEST_CASE("a body in other memory is sent as it is, and the memory given back") {
    Queue queue;
    test::LentMemory other(20'000, 1, &queue.memories);
    Buffer body = other.lend();
    queue.push(SendClass::request, "m", body);
    const std::string bytes = queue.written();
    CHECK(bytes == test::message_frame("m", std::string(20'000, '\0')));
    CHECK(other.sent == 0);
    queue.end_write(bytes.size());
    CHECK(other.given_back == 1);
    CHECK(other.passed_on == 0);
}

TEST_CASE("messages not written whole are given back with their memory, wherever the write broke off") {
    const std::size_t each = test::lent_frame(0, 0, 0, "m").size();
    for (std::size_t position = 0; position <= 2 * each; ++position) {
        Queue queue;
        for (std::uint32_t number = 0; number != 2; ++number) {
            queue.push_lent(number, "m");
        }
        queue.begin_write();
        queue.push_lent(2, "m");
        queue.push_lent(3, "h", SendClass::high_request);
        queue.end_write(position);
        {
            const auto unsent = queue.take_unsent();
            const std::size_t written = position / each;
            REQUIRE(unsent.size() == 4 - written);
            for (std::size_t at = 0; at != unsent.size(); ++at) {
                const std::size_t number = at + 2 == unsent.size() ? 3 : at + 1 == unsent.size() ? 2 : written + at;
                CHECK(unsent[at].body.data() == queue.memories[number == 3 ? 3 : number].data() + 10);
                CHECK(unsent[at].body.size() == 50'000);
            }
            for (std::size_t number = 0; number != 2; ++number) {
                CHECK(queue.memories[number].passed_on == (number < written ? 1 : 0));
            }
        }
        for (const auto& memory : queue.memories) {
            CHECK(memory.passed_on + memory.given_back == 1);
        }
    }
}

TEST_CASE("a queue that is destroyed gives the memory back") {
    test::LentMemory memory(50'000, 1, &memory);
    {
        WriteQueue queue{communica::Limits()};
        queue.set_lender(&memory);
        Buffer body = memory.lend();
        queue.push(SendClass::high_request, "m", body);
    }
    CHECK(memory.given_back == 1);
}

}  // namespace write_queue_lent_tests

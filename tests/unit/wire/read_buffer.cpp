#include "support/catch.hpp"

#include <communica/wire/read_buffer.hpp>

#include <cstring>
#include <random>
#include <string>

namespace read_buffer_tests {

namespace {

using communica::wire::ReadBuffer;

std::size_t put(ReadBuffer& buffer, std::string_view bytes) {
    const auto room = buffer.prepare();
    const std::size_t count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    buffer.commit(count);
    return count;
}

void put_all(ReadBuffer& buffer, std::string_view bytes) {
    while (!bytes.empty()) {
        bytes.remove_prefix(put(buffer, bytes));
    }
}

}  // namespace

TEST_CASE("a read buffer begins small") {
    ReadBuffer buffer;
    CHECK(buffer.unread().empty());
    CHECK(buffer.prepare().size() == ReadBuffer::initial_capacity);
    buffer.commit(0);
    CHECK(buffer.prepare().size() == ReadBuffer::initial_capacity);
}

TEST_CASE("what was committed is unread until it is consumed") {
    ReadBuffer buffer;
    put(buffer, "abcdef");
    CHECK(buffer.unread() == "abcdef");
    buffer.consume(2);
    CHECK(buffer.unread() == "cdef");
    put(buffer, "gh");
    CHECK(buffer.unread() == "cdefgh");
    buffer.consume(6);
    CHECK(buffer.unread().empty());
}

TEST_CASE("a read buffer that is filled each time grows to its steady size and stays there") {
    ReadBuffer buffer;
    const std::string bytes(ReadBuffer::steady_capacity, 'x');
    std::size_t room = 0;
    for (int round = 0; round != 20; ++round) {
        room = buffer.prepare().size();
        put(buffer, bytes);
        buffer.consume(buffer.unread().size());
    }
    CHECK(room == ReadBuffer::steady_capacity);
}

TEST_CASE("a read buffer that is never filled stays small") {
    ReadBuffer buffer;
    for (int round = 0; round != 1000; ++round) {
        put(buffer, std::string(100, 'x'));
        buffer.consume(100);
    }
    CHECK(buffer.prepare().size() == ReadBuffer::initial_capacity);
}

TEST_CASE("a read buffer grows by what has come, not by what is expected") {
    ReadBuffer buffer;
    buffer.expect(1'000'000'000);
    std::size_t arrived = 0;
    while (arrived < 1'000'000) {
        const std::size_t size = buffer.prepare().size() + buffer.unread().size();
        REQUIRE(size <= std::max(ReadBuffer::steady_capacity, 2 * arrived));
        arrived += put(buffer, std::string(10'000, 'x'));
    }
}

TEST_CASE("a read buffer grows at once to what is expected if it may") {
    constexpr std::size_t size = 10 * ReadBuffer::steady_capacity;
    ReadBuffer buffer;
    buffer.expect(size, true);
    put(buffer, "the first bytes");
    CHECK(buffer.prepare().size() + buffer.unread().size() == size);
    CHECK(buffer.unread() == "the first bytes");
}

TEST_CASE("the memory of a large read buffer can be moved away with what ends its unread bytes") {
    constexpr std::size_t size = 3 * ReadBuffer::steady_capacity;
    ReadBuffer buffer;
    buffer.expect(size);
    put_all(buffer, std::string(size, 'x'));
    CHECK_FALSE(buffer.memory_of(buffer.unread().substr(0, size - 1)));  // there is one byte behind it
    CHECK_FALSE(buffer.forget_taken());
    communica::Buffer* backing_buffer = buffer.memory_of(buffer.unread().substr(5));
    REQUIRE(backing_buffer);
    CHECK_FALSE(buffer.forget_taken());
    CHECK(buffer.unread().size() == size);
    const char* at = buffer.unread().data();
    const communica::Buffer taken = std::move(*backing_buffer);
    CHECK(taken.data() == at);
    CHECK(buffer.forget_taken());
    CHECK(buffer.unread().empty());
    buffer.expect(0);
    put_all(buffer, "goes on");
    CHECK(buffer.unread() == "goes on");
    CHECK_FALSE(buffer.memory_of(buffer.unread()));  // too small
}

TEST_CASE("a read buffer stops growing at what is expected") {
    ReadBuffer buffer;
    constexpr std::size_t size = 3 * ReadBuffer::steady_capacity + 17;
    buffer.expect(size);
    put_all(buffer, std::string(size, 'x'));
    CHECK(buffer.unread().size() == size);
    buffer.consume(size);
    buffer.expect(0);
    CHECK(buffer.prepare().size() == size);
}

TEST_CASE("shrink gives the memory of a large message back, once it is used up") {
    ReadBuffer buffer;
    buffer.expect(1'000'000);
    put_all(buffer, std::string(1'000'000, 'x'));
    buffer.consume(999'999);
    buffer.shrink();
    CHECK(buffer.unread() == "x");
    buffer.consume(1);
    buffer.shrink();
    buffer.expect(0);
    CHECK(buffer.prepare().size() == ReadBuffer::initial_capacity);
}

TEST_CASE("shrink keeps a buffer of the steady size") {
    ReadBuffer buffer;
    for (int round = 0; round != 10; ++round) {
        put(buffer, std::string(ReadBuffer::steady_capacity, 'x'));
        buffer.consume(buffer.unread().size());
        buffer.shrink();
    }
    CHECK(buffer.prepare().size() == ReadBuffer::steady_capacity);
}

TEST_CASE("a read buffer gives out what was put in under random use, and always has room") {
    std::mt19937 random(7);  // NOLINT(bugprone-random-generator-seed)
    ReadBuffer buffer;
    std::string expected;
    char next = 0;
    for (int step = 0; step != 2'000; ++step) {
        buffer.expect(random() % 4 == 0 ? random() % 200'000 : 0);
        const auto room = buffer.prepare();
        REQUIRE_FALSE(room.empty());
        const std::size_t count = random() % 3 == 0 ? room.size() : random() % std::min<std::size_t>(room.size(), 500);
        for (std::size_t at = 0; at != count; ++at) {
            room[at] = next;
            expected += next++;
        }
        buffer.commit(count);
        REQUIRE(buffer.unread() == expected);
        const std::size_t used = random() % 3 == 0 ? expected.size() : random() % (expected.size() + 1);
        buffer.consume(used);
        expected.erase(0, used);
        if (random() % 16 == 0) {
            buffer.shrink();
        }
        REQUIRE(buffer.unread() == expected);
    }
}

}  // namespace read_buffer_tests

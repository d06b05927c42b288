#include "support/catch.hpp"

#include <communica/buffer.hpp>

#include <random>
#include <string>
#include <thread>
#include <type_traits>

namespace buffer_tests {

namespace {

using communica::Buffer;

static_assert(std::is_nothrow_move_constructible_v<Buffer> && std::is_nothrow_move_assignable_v<Buffer>);
static_assert(!std::is_copy_constructible_v<Buffer> && !std::is_copy_assignable_v<Buffer>);

bool is_inside(const Buffer& buffer) {
    const auto* begin = reinterpret_cast<const char*>(&buffer);
    return buffer.data() >= begin && buffer.data() < begin + sizeof buffer;
}

Buffer buffer_of(std::string_view text) {
    Buffer buffer;
    buffer.append(text);
    return buffer;
}

const std::string small(Buffer::inline_capacity, 's');
const std::string large(Buffer::inline_capacity + 1, 'l');

}  // namespace

TEST_CASE("a new buffer is empty and holds its first bytes inside itself") {
    const Buffer buffer{};
    CHECK(buffer.empty());
    CHECK(buffer.size() == 0);
    CHECK(buffer.text().empty());
    CHECK(buffer.capacity() == Buffer::inline_capacity);
    CHECK(is_inside(buffer));
}

TEST_CASE("a buffer allocates only for more than its inline capacity") {
    Buffer buffer = buffer_of(small);
    CHECK(is_inside(buffer));
    CHECK(buffer.text() == small);

    buffer.push_back('!');
    CHECK_FALSE(is_inside(buffer));
    CHECK(buffer.text() == small + "!");
    CHECK(buffer.capacity() >= 2 * Buffer::inline_capacity);
}

TEST_CASE("moving a large buffer moves its memory, moving a small one its bytes") {
    Buffer from = buffer_of(large);
    const char* memory = from.data();
    const Buffer to(std::move(from));
    CHECK(to.data() == memory);
    CHECK(to.text() == large);

    Buffer short_from = buffer_of("short");
    const Buffer short_to(std::move(short_from));
    CHECK(is_inside(short_to));
    CHECK(short_to.text() == "short");
}

TEST_CASE("a buffer that was moved from is empty and works again") {
    for (const std::string& text : {small, large}) {
        Buffer from = buffer_of(text);
        const Buffer to(std::move(from));
        CHECK(from.empty());  // NOLINT(bugprone-use-after-move)
        CHECK(from.capacity() == Buffer::inline_capacity);
        CHECK(is_inside(from));
        from.append(large);
        CHECK(from.text() == large);
        CHECK(to.text() == text);
    }
}

TEST_CASE("a buffer forgets its first bytes, and has their room again when it grows") {
    for (const std::string& text : {small, large, std::string(100'000, 'x') + "yz"}) {
        Buffer buffer = buffer_of(text);
        const char* memory = buffer.data();
        const std::size_t capacity = buffer.capacity();
        buffer.drop_front(0);
        CHECK(buffer.text() == text);
        buffer.drop_front(10);
        CHECK(buffer.text() == text.substr(10));
        CHECK(is_inside(buffer) == (text == small));
        Buffer moved = std::move(buffer);
        CHECK(moved.text() == text.substr(10));
        moved.append(std::string(capacity - moved.size(), '!'));
        CHECK(moved.text() == text.substr(10) + std::string(capacity - text.size() + 10, '!'));
        CHECK(moved.size() == capacity);
        CHECK(moved.capacity() == capacity);
        CHECK((is_inside(moved) || moved.data() == memory));
        moved.drop_front(moved.size());
        CHECK(moved.empty());
        moved.append(text);
        CHECK(moved.text() == text);
        moved.drop_front(1);
        moved.release();
        CHECK(moved.capacity() == Buffer::inline_capacity);
    }
}

TEST_CASE("assigning a buffer replaces what was there, small or large") {
    for (const std::string& before : {std::string("before"), large}) {
        for (const std::string& after : {std::string("after"), large + "after"}) {
            Buffer buffer = buffer_of(before);
            buffer = buffer_of(after);
            CHECK(buffer.text() == after);
        }
    }
}

TEST_CASE("a buffer assigned to itself keeps its bytes") {
    for (const std::string& text : {small, large}) {
        Buffer buffer = buffer_of(text);
        Buffer& itself = buffer;
        buffer = std::move(itself);
        CHECK(buffer.text() == text);
    }
}

TEST_CASE("growing at least doubles, or takes exactly what one large piece needs") {
    Buffer buffer;
    std::size_t grown = 0;
    for (std::size_t capacity = buffer.capacity(); buffer.size() < 100'000; buffer.push_back('x')) {
        if (buffer.capacity() != capacity) {
            CHECK(buffer.capacity() >= 2 * capacity);
            capacity = buffer.capacity();
            ++grown;
        }
    }
    CHECK(grown < 12);

    std::size_t one_piece = 0;
    std::thread([&] {  // which has no spare block of another case
        Buffer one;
        one.extend(1'000'000);
        one_piece = one.capacity();
    })
        .join();
    CHECK(one_piece == communica::base::block_capacity(1'000'000));
}

TEST_CASE("reserve makes room without changing the bytes, and never takes room away") {
    Buffer buffer = buffer_of("abc");
    buffer.reserve(5000);
    CHECK(buffer.capacity() == 5000);
    CHECK(buffer.text() == "abc");
    const char* memory = buffer.data();
    buffer.extend(4997);
    CHECK(buffer.data() == memory);
    buffer.reserve(10);
    CHECK(buffer.capacity() == 5000);
}

TEST_CASE("extend returns where the new bytes begin") {
    Buffer buffer = buffer_of("ab");
    char* at = buffer.extend(2);
    at[0] = 'c';
    at[1] = 'd';
    CHECK(buffer.text() == "abcd");
    CHECK(at == buffer.data() + 2);
}

TEST_CASE("truncate and clear keep the memory, release gives it back") {
    Buffer buffer = buffer_of(large);
    const std::size_t capacity = buffer.capacity();
    buffer.truncate(3);
    CHECK(buffer.text() == "lll");
    buffer.clear();
    CHECK(buffer.empty());
    CHECK(buffer.capacity() == capacity);
    buffer.release();
    CHECK(buffer.capacity() == Buffer::inline_capacity);
    CHECK(is_inside(buffer));
    buffer.append("again");
    CHECK(buffer.text() == "again");
}

TEST_CASE("bytes and text show the same memory") {
    const Buffer buffer = buffer_of("\x01\xff");
    CHECK(buffer.bytes().size() == 2);
    CHECK(buffer.bytes()[1] == std::byte{0xff});
    CHECK(communica::as_text(buffer.bytes()) == buffer.text());
    CHECK(communica::as_text(buffer.bytes()).data() == buffer.data());
    CHECK(communica::as_bytes("xy").size() == 2);
}

TEST_CASE("appending nothing, also from a null pointer, changes nothing") {
    Buffer buffer = buffer_of("a");
    buffer.append(nullptr, 0);
    buffer.append(communica::Bytes{});
    buffer.append(std::string_view{});
    CHECK(buffer.text() == "a");
}

TEST_CASE("a buffer behaves as a string does under random use") {
    std::mt19937 random(20240701);  // NOLINT(bugprone-random-generator-seed)
    Buffer buffer;
    std::string expected;
    for (int step = 0; step != 20'000; ++step) {
        const std::size_t count = random() % 400;
        switch (random() % 8) {
            case 0: buffer.push_back('p'), expected += 'p'; break;
            case 1: buffer.clear(), expected.clear(); break;
            case 2: buffer.release(), expected.clear(); break;
            case 3: buffer.reserve(count); break;
            case 4: {
                const std::size_t size = expected.empty() ? 0 : random() % expected.size();
                buffer.truncate(size), expected.resize(size);
                break;
            }
            case 5: {
                Buffer moved(std::move(buffer));
                buffer = std::move(moved);
                break;
            }
            default: {
                const std::string piece(count, static_cast<char>('a' + random() % 26));
                buffer.append(piece), expected += piece;
            }
        }
        REQUIRE(buffer.text() == expected);
        REQUIRE(buffer.capacity() >= buffer.size());
    }
}

}  // namespace buffer_tests

// Buffers whose memory is lent.
#include "support/catch.hpp"
#include "support/lent_memory.hpp"

#include <memory>
#include <string>
#include <utility>

namespace buffer_lent_tests {

using communica::Buffer;

TEST_CASE("lent memory is used in place, and given back once, by the last buffer that it was moved to") {
    test::LentMemory memory(1'000);
    {
        Buffer first = memory.lend();
        CHECK(first.is_lent());
        CHECK(first.size() == 1'000);
        CHECK(first.data() == memory.data());
        Buffer second(std::move(first));
        CHECK_FALSE(first.is_lent());  // NOLINT(bugprone-use-after-move)
        CHECK(first.empty());
        first = std::move(second);
        CHECK(first.data() == memory.data());
        first.truncate(10);
        first.drop_front(4);
        CHECK(first.data() == memory.data() + 4);
        first.append(std::string(990, 'a'));
        CHECK(first.is_lent());  // it fits
        CHECK(first.size() == 996);
        CHECK(memory.given_back == 0);
    }
    CHECK(memory.given_back == 1);
    CHECK(memory.passed_on == 0);
}

TEST_CASE("a buffer that grows beyond lent memory moves to the heap") {
    test::LentMemory memory(1'000);
    Buffer buffer = memory.lend();
    buffer.clear();
    buffer.append(std::string(1'000, 'a'));
    buffer.drop_front(100);
    buffer.push_back('b');
    CHECK_FALSE(buffer.is_lent());
    CHECK(memory.given_back == 1);
    CHECK(buffer.text() == std::string(900, 'a') + 'b');
    buffer.append(std::string(100'000, 'c'));
    CHECK(buffer.size() == 100'901);
}

TEST_CASE("lent memory is given back by release, by assignment, and not after it was passed on") {
    test::LentMemory memory(1'000);
    Buffer buffer = memory.lend();
    buffer.release();
    CHECK(memory.given_back == 1);
    CHECK(buffer.capacity() == Buffer::inline_capacity);
    buffer = memory.lend();
    buffer = Buffer();
    CHECK(memory.given_back == 2);
    buffer = memory.lend();
    buffer.pass_on();
    CHECK(buffer.empty());
    buffer.append("again");
    CHECK(buffer.text() == "again");
    CHECK(memory.passed_on == 1);
    CHECK(memory.given_back == 2);
}

TEST_CASE("a lent buffer that gets attachments moves to the heap, and one that is lent has none") {
    struct Attached final : communica::base::Attachments {};
    const auto attached = std::make_shared<Attached>();
    for (const std::size_t size : {std::size_t{1}, std::size_t{1'000}}) {
        test::LentMemory memory(size);
        Buffer buffer = memory.lend();
        buffer.clear();
        buffer.append(std::string(size, 'a'));
        CHECK(buffer.attached() == nullptr);
        CHECK(memory.given_back == 0);
        buffer.attachments() = attached;
        CHECK_FALSE(buffer.is_lent());
        CHECK(memory.given_back == 1);
        CHECK(buffer.text() == std::string(size, 'a'));
        CHECK(buffer.attached() == attached.get());
        CHECK(buffer.copy().attached() == attached.get());
        Buffer lent = memory.lend();
        CHECK(lent.copy().attached() == nullptr);
        lent = std::move(buffer);
        CHECK(memory.given_back == 2);
        CHECK(lent.attached() == attached.get());
        lent = memory.lend();
        CHECK(lent.attached() == nullptr);
        CHECK(attached.use_count() == 1);
    }
}

}  // namespace buffer_lent_tests

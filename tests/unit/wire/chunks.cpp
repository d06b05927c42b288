#include "support/catch.hpp"
#include "support/frames.hpp"
#include "support/golden.hpp"

#include <communica/wire/chunks.hpp>

namespace chunks_tests {

namespace wire = communica::wire;

namespace {

using test::Kind;
using test::OwnedFrame;

/// What a connection gets out of these bytes: whole messages, and the metadata of those over the limit.
std::vector<OwnedFrame> messages_in(std::string_view bytes, communica::Limits limits = {}) {
    wire::FrameReader reader(limits);
    wire::ChunkAssembler chunks(limits);
    std::vector<OwnedFrame> messages;
    test::feed(reader, bytes, 13, [&](wire::Frame frame) {
        if (frame.kind != Kind::chunk || chunks.add(frame)) {
            messages.push_back(OwnedFrame::of(frame));
        }
    });
    return messages;
}

OwnedFrame message(std::string metadata, std::string body) {
    return {Kind::message, std::move(metadata), std::move(body)};
}

using Messages = std::vector<OwnedFrame>;

}  // namespace

TEST_CASE("a plan's chunks hold the whole body in order, and no frame is over the limit") {
    for (std::size_t metadata_size = 0; metadata_size < 40; metadata_size += 3) {
        for (std::size_t body_size = 0; body_size != 200; ++body_size) {
            for (const std::size_t limit : {13u, 14u, 20u, 52u, 64u, 100u, 1000u}) {
                const wire::ChunkPlan plan(metadata_size, body_size, limit);
                std::size_t sum = 0;
                for (std::size_t index = 0; index != plan.total(); ++index) {
                    const wire::ChunkHead head = plan.head(index);
                    const bool first = index == 0;
                    const bool told = head.index == index && head.total == plan.total() &&
                                      head.metadata_size == (first ? metadata_size : 0);
                    const bool fits = 12 + head.metadata_size + head.body_size <= limit ||
                                      (first && head.body_size == 0 && 12 + metadata_size > limit);
                    const bool joins = plan.offset(index) == sum && (first || head.body_size != 0);
                    if (!told || !fits || !joins) {
                        FAIL("chunk " << index << " of " << metadata_size << " + " << body_size << " at " << limit);
                    }
                    sum += head.body_size;
                }
                REQUIRE(sum == body_size);
            }
        }
    }
}

TEST_CASE("a plan fills its chunks: none could be left out") {
    const wire::ChunkPlan plan(10, 1000, 112);
    CHECK(plan.head(0).body_size == 90);
    CHECK(plan.head(1).body_size == 100);
    CHECK(plan.total() == 11);
    CHECK(plan.head(10).body_size == 10);
    CHECK(wire::ChunkPlan(10, 990, 112).total() == 10);
}

TEST_CASE("metadata larger than a chunk goes alone, whole, with the first") {
    const wire::ChunkPlan plan(500, 10, 64);
    CHECK(plan.head(0).metadata_size == 500);
    CHECK(plan.head(0).body_size == 0);
    CHECK(plan.total() == 2);
}

TEST_CASE("a limit too small for any chunk still leaves one byte for each") {
    const wire::ChunkPlan plan(5, 7, 3);
    CHECK(plan.total() == 8);
    CHECK(plan.head(7).body_size == 1);
}

TEST_CASE("the chunks that the Python library writes and reads become its messages") {
    CHECK(
        messages_in(test::golden("chunk_c2s_0of3") + test::golden("chunk_c2s_1of3") + test::golden("chunk_c2s_2of3")) ==
        Messages{message(R"({"id": "c1", "type": 1})", "\"abcdefghi\"")});
    const std::string answer = test::golden("chunk_s2c_max64_0of3") + test::golden("chunk_s2c_max64_1of3") +
                               test::golden("chunk_s2c_max64_2of3");
    CHECK(messages_in(answer) == Messages{message(R"({"id": "k1", "type": 11})", '"' + std::string(148, 'a') + '"')});
}

TEST_CASE("a plan's chunks are put together to what they were cut from") {
    const std::string metadata = R"({"id": "", "type": 2})";
    for (const std::size_t limit : {13u, 33u, 34u, 35u, 64u, 100u}) {
        for (const std::size_t size : {0u, 1u, 50u, 51u, 52u, 53u, 200u}) {
            const std::string body = std::string(size, 'b') + "!";
            const wire::ChunkPlan plan(metadata.size(), body.size(), limit);
            std::string bytes;
            for (std::size_t index = 0; index != plan.total(); ++index) {
                const wire::ChunkHead head = plan.head(index);
                bytes += test::chunk_frame(index, plan.total(), metadata.substr(0, head.metadata_size),
                                           body.substr(plan.offset(index), head.body_size));
            }
            CHECK(messages_in(bytes) == Messages{message(metadata, body)});
        }
    }
}

TEST_CASE("a message in one chunk is legal") {
    CHECK(messages_in(test::chunk_frame(0, 1, "m", "body")) == Messages{message("m", "body")});
    CHECK(messages_in(test::chunk_frame(0, 1, "", "")) == Messages{message("", "")});
}

TEST_CASE("chunks are put together in the order in which they come") {
    CHECK(messages_in(test::chunk_frame(0, 3, "m", "a") + test::chunk_frame(2, 3, "", "c") +
                      test::chunk_frame(1, 3, "", "b")) == Messages{message("m", "acb")});
    CHECK(messages_in(test::chunk_frame(0, 2, "m", "a") + test::chunk_frame(0, 2, "other", "z")) ==
          Messages{message("m", "az")});
}

TEST_CASE("a chunk whose first chunk never came is dropped") {
    CHECK(messages_in(test::chunk_frame(1, 2, "", "lost") + test::chunk_frame(2, 2, "", "lost") +
                      test::chunk_frame(0, 2, "m", "a") + test::chunk_frame(1, 2, "", "b")) ==
          Messages{message("m", "ab")});
}

TEST_CASE("metadata in later chunks is ignored") {
    CHECK(messages_in(test::chunk_frame(0, 2, "m", "a") + test::chunk_frame(1, 2, "ignored", "b")) ==
          Messages{message("m", "ab")});
}

TEST_CASE("the last total counts, as in the Python library") {
    CHECK(messages_in(test::chunk_frame(0, 9, "m", "a") + test::chunk_frame(1, 2, "", "b")) ==
          Messages{message("m", "ab")});
}

TEST_CASE("whole messages may come between chunks") {
    CHECK(messages_in(test::chunk_frame(0, 2, "m", "a") + test::message_frame("whole", "w") +
                      test::chunk_frame(1, 2, "", "b")) == Messages{message("whole", "w"), message("m", "ab")});
}

TEST_CASE("one chunked message after another starts anew") {
    CHECK(messages_in(test::chunk_frame(0, 2, "m", "a") + test::chunk_frame(1, 2, "", "b") +
                      test::chunk_frame(0, 2, "n", "c") + test::chunk_frame(1, 2, "", "d")) ==
          Messages{message("m", "ab"), message("n", "cd")});
}

TEST_CASE("chunks at the limit together make a message, above it an oversized one, told once") {
    constexpr communica::Limits limits{.max_message = 10};
    const auto chunked = [](const std::string& last) {
        return test::chunk_frame(0, 4, "m", "aaa") + test::chunk_frame(1, 4, "", "bbb") +
               test::chunk_frame(2, 4, "", last) + test::chunk_frame(3, 4, "", "");
    };
    CHECK(messages_in(chunked("ccc"), limits) == Messages{message("m", "aaabbbccc")});
    CHECK(messages_in(chunked("cccc") + test::message_frame("n", "fine"), limits) ==
          Messages{OwnedFrame::discarded("m"), message("n", "fine")});
}

TEST_CASE("after an oversized chunked message the next one is put together") {
    constexpr communica::Limits limits{.max_message = 10};
    CHECK(messages_in(test::chunk_frame(0, 3, "m", std::string(8, 'a')) +
                          test::chunk_frame(1, 3, "", std::string(8, 'b')) + test::chunk_frame(2, 3, "", "c") +
                          test::chunk_frame(0, 2, "n", "d") + test::chunk_frame(1, 2, "", "e"),
                      limits) == Messages{OwnedFrame::discarded("m"), message("n", "de")});
}

TEST_CASE("a chunk over the limit by itself makes its message oversized") {
    constexpr communica::Limits limits{.max_message = 100};
    const std::string huge(200, 'x');
    const std::string next = test::chunk_frame(0, 1, "n", "fine");
    CHECK(messages_in(test::chunk_frame(0, 2, "m", huge) + test::chunk_frame(1, 2, "", "b") + next, limits) ==
          Messages{OwnedFrame::discarded("m"), message("n", "fine")});
    CHECK(messages_in(test::chunk_frame(0, 2, "m", "a") + test::chunk_frame(1, 2, "", huge) + next, limits) ==
          Messages{OwnedFrame::discarded("m"), message("n", "fine")});
}

TEST_CASE("a later chunk that its own metadata makes oversized does not leave a hole in the message") {
    // The reader counts that metadata and drops the body; without it the message would have been within the limit.
    constexpr communica::Limits limits{.max_message = 100};
    const auto messages = messages_in(
        test::chunk_frame(0, 2, "m", "a") + test::chunk_frame(1, 2, std::string(50, 'i'), std::string(60, 'b')),
        limits);
    CHECK(messages == Messages{OwnedFrame::discarded("m")});
}

}  // namespace chunks_tests

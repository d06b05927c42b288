#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/frames.hpp"

#include <communica/wire/frame_reader.hpp>

namespace frame_reader_limits_tests {

namespace wire = communica::wire;

namespace {

using communica::errc;
using test::Kind;
using test::OwnedFrame;

constexpr std::size_t gibibyte = 1024 * 1024 * 1024;

std::string message_head(std::size_t metadata_size, std::size_t body_size) {
    return test::u32(5 + metadata_size + body_size) + '\x0a' + test::u32(4 + metadata_size);
}

/// What becomes of a message of these sizes under these limits.
std::vector<OwnedFrame> read_message(std::size_t metadata_size, std::size_t body_size, communica::Limits limits) {
    return test::read_frames(test::message_frame(std::string(metadata_size, 'm'), std::string(body_size, 'b')), limits,
                             64);
}

}  // namespace

TEST_CASE("metadata and body together count against max_message") {
    constexpr communica::Limits limits{.max_message = 100, .max_metadata = 100};
    for (std::size_t metadata_size = 0; metadata_size <= 100; ++metadata_size) {
        const std::size_t fitting = 100 - metadata_size;
        CHECK(read_message(metadata_size, fitting, limits).front().kind == Kind::message);
        const auto over = read_message(metadata_size, fitting + 1, limits);
        REQUIRE(over.size() == 1);
        CHECK(over.front() == OwnedFrame::discarded(std::string(metadata_size, 'm')));
    }
}

TEST_CASE("an oversized message says how large its body is") {
    wire::FrameReader reader({.max_message = 10});
    test::feed(reader, test::message_frame("m", std::string(50, 'b')), 7, [](const wire::Frame& frame) {
        CHECK(frame.body_size == 50);
        CHECK(frame.body.empty());
    });
}

TEST_CASE("metadata over its limit ends the connection, at it does not") {
    constexpr communica::Limits limits{.max_message = 1000, .max_metadata = 30};
    CHECK(read_message(30, 1, limits).size() == 1);
    CHECK(test::code_of([&] { return test::read_frames(message_head(31, 1), limits); }) == errc::message_too_large);
    const std::string chunk = test::u32(13 + 31) + '\x0b' + test::u32(0) + test::u32(1) + test::u32(31);
    CHECK(test::code_of([&] { return test::read_frames(chunk, limits); }) == errc::message_too_large);
}

TEST_CASE("metadata may be larger than a message may: then the message is oversized") {
    constexpr communica::Limits limits{.max_message = 10, .max_metadata = 100};
    CHECK(read_message(50, 1, limits).front() == OwnedFrame::discarded(std::string(50, 'm')));
}

TEST_CASE("after an oversized message the next frame is read, at every split") {
    const std::string bytes = test::message_frame("big", std::string(300, 'x')) + test::message_frame("next", "fine");
    const std::vector<OwnedFrame> expected{OwnedFrame::discarded("big"), {Kind::message, "next", "fine"}};
    for (std::size_t split = 1; split != bytes.size(); ++split) {
        wire::FrameReader reader({.max_message = 100});
        auto frames = test::read_frames(reader, std::string_view(bytes).substr(0, split));
        for (auto& frame : test::read_frames(reader, std::string_view(bytes).substr(split))) {
            frames.push_back(std::move(frame));
        }
        REQUIRE(frames == expected);
    }
}

TEST_CASE("an oversized message is told with its metadata, before its body has come") {
    wire::FrameReader reader({.max_message = 100});
    const auto frames = test::read_frames(reader, message_head(4, 1'000'000) + "meta");
    CHECK(frames == std::vector<OwnedFrame>{OwnedFrame::discarded("meta")});
}

TEST_CASE("the body of an oversized message is skipped in constant memory") {
    wire::FrameReader reader({.max_message = 1000});
    std::vector<OwnedFrame> frames;
    const auto keep = [&](const wire::Frame& frame) { frames.push_back(OwnedFrame::of(frame)); };
    constexpr std::size_t size = 20'000'000;
    std::size_t largest = test::feed(reader, message_head(4, size) + "meta", 100, keep);
    const std::string piece(100'000, 'x');
    for (std::size_t skipped = 0; skipped != size; skipped += piece.size()) {
        largest = std::max(largest, test::feed(reader, piece, piece.size(), keep));
    }
    largest = std::max(largest, test::feed(reader, test::message_frame("next", "fine"), 100, keep));
    CHECK(frames == std::vector<OwnedFrame>{OwnedFrame::discarded("meta"), {Kind::message, "next", "fine"}});
    CHECK(largest <= wire::ReadBuffer::steady_capacity);
}

TEST_CASE("a chunk over the limit by itself keeps its place, and loses its body") {
    const std::string bytes =
        test::chunk_frame(0, 2, "meta", std::string(200, 'x')) + test::chunk_frame(1, 2, "", "rest");
    CHECK(test::read_frames(bytes, {.max_message = 100}) ==
          std::vector<OwnedFrame>{{Kind::chunk, "meta", "", 0, 2, errc::message_too_large},
                                  {Kind::chunk, "", "rest", 1, 2}});
}

TEST_CASE("a message above 1 GiB that is over the limit ends the connection at its head") {
    const auto error = [](std::size_t body_size, communica::Limits limits) {
        return test::code_of([&] { return test::read_frames(message_head(0, body_size), limits); });
    };
    CHECK(error(gibibyte, {}) == std::error_code());
    CHECK(error(gibibyte + 1, {}) == errc::message_too_large);
    CHECK(error(0xffffffff - 5, {}) == errc::message_too_large);
    CHECK(error(gibibyte + 1, {.max_message = 2 * gibibyte}) == std::error_code());

    const std::string chunk = test::u32(13 + gibibyte + 1) + '\x0b' + test::u32(0) + test::u32(1) + test::u32(0);
    CHECK(test::code_of([&] { return test::read_frames(chunk); }) == errc::message_too_large);
}

TEST_CASE("nothing is allocated for a length that is only claimed") {
    wire::FrameReader reader({.max_message = 2 * gibibyte});
    const auto ignore = [](const wire::Frame&) {};
    test::feed(reader, message_head(0, 2 * gibibyte - 10), 100, ignore);
    CHECK(reader.prepare().size() <= wire::ReadBuffer::steady_capacity);
}

TEST_CASE("the reader's memory is bounded by twice what has come") {
    wire::FrameReader reader({.max_message = gibibyte});
    const auto ignore = [](const wire::Frame&) {};
    test::feed(reader, message_head(0, gibibyte), 100, ignore);
    std::size_t arrived = 9;
    const std::string piece(30'000, 'x');
    while (arrived < 3'000'000) {
        const std::size_t largest = test::feed(reader, piece, piece.size(), ignore);
        arrived += piece.size();
        REQUIRE(largest <= std::max(wire::ReadBuffer::steady_capacity, 2 * arrived));
    }
}

TEST_CASE("a large message within the limit is read whole, and its memory is exactly its size") {
    wire::FrameReader reader;
    const std::string body(5'000'000, 'b');
    std::size_t size = 0;
    const std::size_t largest =
        test::feed(reader, test::message_frame("m", body), 40'000, [&](const wire::Frame& frame) {
            CHECK(frame.body == body);
            size = reader.buffer().unread().size();
        });
    CHECK(size == wire::MessageHead::size + 1 + body.size());
    CHECK(largest == size);
}

}  // namespace frame_reader_limits_tests

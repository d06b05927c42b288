// Frames of bodies in lent memory.
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/frames.hpp"

#include <communica/wire/frame.hpp>

namespace frame_reader_lent_tests {

namespace {

using communica::errc;
using test::Kind;
using test::OwnedFrame;

std::vector<OwnedFrame> read(std::string_view bytes, communica::Limits limits = {}, std::size_t step = 1'000) {
    communica::wire::FrameReader reader(limits);
    reader.accept_lent();
    return test::read_frames(reader, bytes, step);
}

}  // namespace

TEST_CASE("frames of lent memory come out the same however the bytes are cut") {
    const std::string bytes = test::lent_frame(2, 3, 0xfffffff, "meta") + test::message_frame("m", "b") +
                              test::returned_frame(0xffffffff) + test::retired_frame(1) + test::lent_frame(0, 0, 0, "");
    const communica::Limits limits{.max_message = 0x20000000};
    const std::vector<OwnedFrame> expected{
        {.kind = Kind::lent, .metadata = "meta", .index = 2, .total = 3, .lent_size = 0xfffffff},
        {.kind = Kind::message, .metadata = "m", .body = "b"},
        {.kind = Kind::returned, .index = 0xffffffff},
        {.kind = Kind::retired, .index = 1},
        {.kind = Kind::lent}};
    for (std::size_t step = 1; step != bytes.size() + 1; ++step) {
        CHECK(read(bytes, limits, step) == expected);
    }
}

TEST_CASE("a lent body over the limit is told with its memory, and what follows is read") {
    const auto frames =
        read(test::lent_frame(2, 0, 96, "meta") + test::lent_frame(4, 0, 97, "meta") + test::ping_frame(),
             {.max_message = 100});
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].why == errc{});
    CHECK(frames[1].why == errc::message_too_large);
    CHECK(frames[1].index == 4);
    CHECK(frames[2].kind == Kind::ping);
}

TEST_CASE("a frame of lent memory of the wrong length is a protocol error") {
    for (std::size_t length = 1; length != 20; ++length) {
        CHECK(test::code_of([&] { read(test::u32(length) + '\x20'); }) ==
              (length >= 13 ? std::error_code() : errc::protocol_error));
        for (const char code : {'\x21', '\x22'}) {
            CHECK(test::code_of([&] { read(test::u32(length) + code); }) ==
                  (length == 5 ? std::error_code() : errc::protocol_error));
        }
    }
}

TEST_CASE("the heads of lent memory are stored as they are read") {
    std::string head(communica::wire::LentHead::size, '?');
    communica::wire::LentHead{1, 2, 3, 4}.store(head.data());
    CHECK(head + "meta" == test::lent_frame(1, 2, 3, "meta"));
    std::string notice(communica::wire::SegmentNotice::size, '?');
    communica::wire::SegmentNotice{communica::wire::FrameCode::retired, 9}.store(notice.data());
    CHECK(notice == test::retired_frame(9));
}

}  // namespace frame_reader_lent_tests

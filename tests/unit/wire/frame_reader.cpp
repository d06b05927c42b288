#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/frames.hpp"

#include <communica/wire/frame_reader.hpp>

namespace frame_reader_tests {

namespace {

using communica::errc;
using test::Kind;
using test::OwnedFrame;

constexpr communica::Limits tight{.max_message = 100, .max_metadata = 40};

/// Every kind of frame, one of them over the limit, the close notify last.
struct Mixture {
    std::string bytes;
    std::vector<OwnedFrame> frames;

    Mixture() {
        bytes = test::message_frame(R"({"type": 1})", "body") + test::message_frame("", "") +
                test::chunk_frame(0, 2, "meta", "part") + test::message_frame("over", std::string(200, 'o')) +
                test::ping_frame() + test::chunk_frame(1, 2, "", "rest") + test::pong_frame() + test::u32(1) + '\x23' +
                test::u32(1) + '\x24' + test::u32(2) + "\x25\xfd" + test::message_frame("m", std::string(90, '\0')) +
                test::close_frame();
        frames = {{Kind::message, R"({"type": 1})", "body"},
                  {Kind::message},
                  {Kind::chunk, "meta", "part", 0, 2},
                  OwnedFrame::discarded("over"),
                  {Kind::ping},
                  {Kind::chunk, "", "rest", 1, 2},
                  {Kind::pong},
                  {Kind::ask_for_descriptors},
                  {Kind::permit_descriptors},
                  {.kind = Kind::descriptors, .total = 253},
                  {Kind::message, "m", std::string(90, '\0')},
                  {Kind::close}};
    }
};

std::error_code error_for(std::string_view bytes, communica::Limits limits = {}) {
    return test::code_of([&] { return test::read_frames(bytes, limits); });
}

}  // namespace

TEST_CASE("frames that came at once are given one by one") {
    const Mixture mixture;
    CHECK(test::read_frames(mixture.bytes, tight) == mixture.frames);
}

TEST_CASE("frames come out the same however the bytes are cut into reads") {
    const Mixture mixture;
    for (std::size_t step = 1; step != 50; ++step) {
        CHECK(test::read_frames(mixture.bytes, tight, step) == mixture.frames);
    }
}

TEST_CASE("frames come out the same at every single split") {
    const Mixture mixture;
    for (std::size_t split = 0; split <= mixture.bytes.size(); ++split) {
        communica::wire::FrameReader reader(tight);
        auto frames = test::read_frames(reader, std::string_view(mixture.bytes).substr(0, split));
        if (split != mixture.bytes.size()) {
            const auto more = test::read_frames(reader, std::string_view(mixture.bytes).substr(split));
            frames.insert(frames.end(), more.begin(), more.end());
        }
        REQUIRE(frames == mixture.frames);
    }
}

TEST_CASE("a frame is given with its last byte, and not before") {
    const std::string bytes = test::message_frame(R"({"id": "", "type": 2})", "twenty bytes of body");
    communica::wire::FrameReader reader;
    CHECK(test::read_frames(reader, std::string_view(bytes).substr(0, bytes.size() - 1)).empty());
    CHECK(test::read_frames(reader, std::string_view(bytes).substr(bytes.size() - 1)).size() == 1);
}

TEST_CASE("a message says how large its body is") {
    communica::wire::FrameReader reader;
    test::feed(reader, test::message_frame("abc", "12345"), 3,
               [](const communica::wire::Frame& frame) { CHECK(frame.body_size == 5); });
}

TEST_CASE("a frame of an unknown code is a protocol error, as soon as the code is there") {
    for (int code = 0; code != 256; ++code) {
        if (code != 10 && code != 11 && code != 20 && code != 30 && code != 31) {
            CHECK(error_for(test::u32(100) + static_cast<char>(code)) == errc::protocol_error);
        }
    }
}

TEST_CASE("a frame of length 0 is a protocol error") {
    CHECK(error_for(test::u32(0) + '\x0a') == errc::protocol_error);
    CHECK(error_for(test::u32(0) + '\x14') == errc::protocol_error);
}

TEST_CASE("a frame too short for its head is a protocol error, before more bytes come") {
    for (std::size_t length = 1; length != 20; ++length) {
        const bool message_fits = length >= 5;
        const bool chunk_fits = length >= 13;
        CHECK(error_for(test::u32(length) + '\x0a') == (message_fits ? std::error_code() : errc::protocol_error));
        CHECK(error_for(test::u32(length) + '\x0b') == (chunk_fits ? std::error_code() : errc::protocol_error));
    }
}

TEST_CASE("a metadata length that does not count itself is a protocol error") {
    for (std::size_t counted = 0; counted != 4; ++counted) {
        CHECK(error_for(test::u32(20) + '\x0a' + test::u32(counted)) == errc::protocol_error);
    }
    CHECK(error_for(test::u32(20) + '\x0a' + test::u32(4)) == std::error_code());
}

TEST_CASE("a metadata length beyond its frame is a protocol error") {
    const std::string message = test::u32(20) + '\x0a';
    CHECK(error_for(message + test::u32(19)) == std::error_code());
    CHECK(error_for(message + test::u32(20)) == errc::protocol_error);
    CHECK(error_for(message + test::u32(0xffffffff)) == errc::protocol_error);

    const std::string chunk = test::u32(20) + '\x0b' + test::u32(0) + test::u32(1);
    CHECK(error_for(chunk + test::u32(7)) == std::error_code());
    CHECK(error_for(chunk + test::u32(8)) == errc::protocol_error);
    CHECK(error_for(chunk + test::u32(0xffffffff)) == errc::protocol_error);
}

TEST_CASE("a close notify counts whatever follows it in its frame") {
    for (const std::size_t length : {1u, 2u, 1000u, 0xffffffffu}) {
        const auto frames = test::read_frames(test::u32(length) + '\x14' + "extra");
        REQUIRE(frames.size() == 1);
        CHECK(frames.front().kind == Kind::close);
    }
}

TEST_CASE("a frame that has to be empty and is not is a protocol error, as soon as its code is there") {
    for (const char code : {'\x1e', '\x1f', '\x23', '\x24'}) {
        CHECK(error_for(test::u32(1) + code) == std::error_code());
        for (const std::size_t length : {0u, 2u, 5u, 1000u, 0xffffffffu}) {
            CHECK(error_for(test::u32(length) + code) == errc::protocol_error);
        }
    }
}

TEST_CASE("a frame of descriptors has their number and nothing else") {
    CHECK(error_for(test::u32(2) + '\x25') == std::error_code());
    CHECK(error_for(test::u32(2) + "\x25\x01") == std::error_code());
    for (const std::size_t length : {1u, 3u, 1000u, 0xffffffffu}) {
        CHECK(error_for(test::u32(length) + '\x25') == errc::protocol_error);
    }
}

TEST_CASE("a ping borrows nothing from the frame before it") {
    const auto frames = test::read_frames(test::message_frame("m", "b") + test::ping_frame());
    CHECK(frames == std::vector<OwnedFrame>{{Kind::message, "m", "b"}, {Kind::ping}});
}

TEST_CASE("the memory of a large frame can be moved away, and the frames behind it are read on") {
    const std::string large(300'000, 'x');
    communica::wire::FrameReader reader;
    communica::wire::Frame frame;
    const auto feed = [&](std::string_view bytes) {
        while (!bytes.empty()) {
            const auto room = reader.prepare();
            const std::size_t count = std::min(room.size(), bytes.size());
            std::memcpy(room.data(), bytes.data(), count);
            reader.commit(count);
            bytes.remove_prefix(count);
            if (!bytes.empty()) {
                REQUIRE_FALSE(reader.next(frame));
            }
        }
    };
    for (int round = 0; round != 3; ++round) {
        feed(test::message_frame("m", large));
        REQUIRE(reader.next(frame));
        communica::Buffer* backing_buffer = reader.memory_of(frame);
        REQUIRE(backing_buffer);
        if (round != 1) {  // once nobody wants it
            const communica::Buffer taken = std::move(*backing_buffer);
        }
        reader.forget_taken();
        REQUIRE_FALSE(reader.next(frame));
        feed(test::message_frame("s", "small"));
        REQUIRE(reader.next(frame));
        CHECK(OwnedFrame::of(frame) == OwnedFrame{Kind::message, "s", "small"});
        CHECK(reader.memory_of(frame) == nullptr);  // it would take a large block along
    }
}

TEST_CASE("the bytes before the first frame can be taken from the reader's buffer") {
    communica::wire::FrameReader reader;
    const std::string bytes = "hello" + test::message_frame("m", "b");
    const auto room = reader.prepare();
    std::memcpy(room.data(), bytes.data(), bytes.size());
    reader.commit(bytes.size());
    reader.buffer().consume(5);
    communica::wire::Frame frame;
    REQUIRE(reader.next(frame));
    CHECK(OwnedFrame::of(frame) == OwnedFrame{Kind::message, "m", "b"});
}

}  // namespace frame_reader_tests

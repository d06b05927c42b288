#include "support/catch.hpp"
#include "support/frames.hpp"
#include "support/golden.hpp"

#include <communica/wire/frame.hpp>

namespace frame_tests {

namespace wire = communica::wire;

namespace {

template <class Head>
std::string stored(const Head& head) {
    std::string bytes(Head::size, '?');
    head.store(bytes.data());
    return bytes;
}

}  // namespace

TEST_CASE("u32 is big-endian, and every byte counts as unsigned") {
    for (const std::uint32_t value : {0u, 1u, 0x7fu, 0x80u, 0x01020304u, 0x80000000u, 0xfffefdfcu, 0xffffffffu}) {
        char bytes[4];
        wire::store_u32(bytes, value);
        CHECK(std::string(bytes, 4) == test::u32(value));
        CHECK(wire::load_u32(bytes) == value);
    }
}

TEST_CASE("the head of a message counts itself as the Python library does") {
    const std::string metadata = test::golden_metadata("simple_ok_request");
    const std::string body = test::golden_body("simple_ok_request");
    CHECK(stored(wire::MessageHead{metadata.size(), body.size()}) + metadata + body ==
          test::golden("simple_ok_request"));
    CHECK(stored(wire::MessageHead{0, 0}) == test::message_frame("", ""));
}

TEST_CASE("the head of a chunk is the Python library's") {
    const std::string metadata = R"({"id": "c1", "type": 1})";
    CHECK(stored(wire::ChunkHead{0, 3, metadata.size(), 4}) + metadata + "\"abc" == test::golden("chunk_c2s_0of3"));
    CHECK(stored(wire::ChunkHead{1, 3, 0, 3}) + "def" == test::golden("chunk_c2s_1of3"));
    CHECK(stored(wire::ChunkHead{2, 3, 0, 4}) + "ghi\"" == test::golden("chunk_c2s_2of3"));
}

TEST_CASE("a ping and a pong are frames of one byte") {
    CHECK(wire::ping_frame == test::ping_frame());
    CHECK(wire::pong_frame == test::pong_frame());
}

TEST_CASE("the frames about descriptors are those of docs/protocol.md") {
    CHECK(wire::ask_for_descriptors_frame == test::u32(1) + '\x23');
    CHECK(wire::permit_descriptors_frame == test::u32(1) + '\x24');
    std::string two = stored(wire::DescriptorsFrame{2});
    CHECK(two == test::u32(2) + "\x25\x02");
    CHECK(wire::DescriptorsFrame::has_any(two.data()));
    wire::DescriptorsFrame::set_refused(two.data());
    CHECK(two == test::u32(2) + '\x25' + '\0');
    CHECK_FALSE(wire::DescriptorsFrame::has_any(two.data()));
}

TEST_CASE("the close notify is one frame of one byte") { CHECK(wire::close_notify == test::golden("close_notify")); }

}  // namespace frame_tests

#include "support/catch.hpp"
#include "support/errors.hpp"

#include <communica/connectors/rabbitmq/frames.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace rabbitmq_frames_tests {

namespace {

using namespace communica::rabbitmq;
using communica::errc;

/// What a frame says, kept.
struct Seen {
    int type = 0;
    int channel = 0;
    amqp_method_number_t method = 0;
    std::string text = {};
    std::uint64_t number = 0;
    bool operator==(const Seen&) const = default;
};

Seen seen(const amqp_frame_t& frame) {
    Seen result{.type = frame.frame_type, .channel = frame.channel};
    if (frame.frame_type == AMQP_FRAME_METHOD) {
        result.method = frame.payload.method.id;
        if (result.method == AMQP_QUEUE_DECLARE_METHOD) {
            result.text = text_of(static_cast<amqp_queue_declare_t*>(frame.payload.method.decoded)->queue);
        } else if (result.method == AMQP_BASIC_ACK_METHOD) {
            result.number = static_cast<amqp_basic_ack_t*>(frame.payload.method.decoded)->delivery_tag;
        }
    } else if (frame.frame_type == AMQP_FRAME_HEADER) {
        result.text = text_of(static_cast<amqp_basic_properties_t*>(frame.payload.properties.decoded)->type);
        result.number = frame.payload.properties.body_size;
    } else if (frame.frame_type == AMQP_FRAME_BODY) {
        result.text = text_of(frame.payload.body_fragment);
    }
    return result;
}

std::string body_frame(std::uint16_t channel, std::string_view text) {
    std::string frame(FrameHead::size, '\0');
    FrameHead{AMQP_FRAME_BODY, channel, static_cast<std::uint32_t>(text.size())}.store(frame.data());
    return frame.append(text) + FrameHead::end;
}

std::string some_frames() {
    std::string out;
    amqp_queue_declare_t declare{};
    declare.queue = bytes_of("a queue");
    append_method(out, 3, AMQP_QUEUE_DECLARE_METHOD, declare);
    append_heartbeat(out);
    append_method(out, 65535, AMQP_BASIC_ACK_METHOD, amqp_basic_ack_t{0x0102030405060708, 0});
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_TYPE_FLAG;
    properties.type = bytes_of("message");
    append_header(out, 7, properties, 0x0102030405);
    return out + body_frame(7, "body");
}

const std::vector<Seen> what_they_say{
    {AMQP_FRAME_METHOD, 3, AMQP_QUEUE_DECLARE_METHOD, "a queue", 0},
    {AMQP_FRAME_HEARTBEAT, 0},
    {AMQP_FRAME_METHOD, 65535, AMQP_BASIC_ACK_METHOD, "", 0x0102030405060708},
    {AMQP_FRAME_HEADER, 7, 0, "message", 0x0102030405},
    {AMQP_FRAME_BODY, 7, 0, "body", 0},
};

std::vector<Seen> feed(FrameDecoder& decoder, std::string bytes, std::size_t piece = 1'000'000) {
    std::vector<Seen> came;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        decoder.feed({bytes.data() + at, std::min(piece, bytes.size() - at)},
                     [&](const amqp_frame_t& frame) { came.push_back(seen(frame)); });
    }
    return came;
}

std::error_code feed_error(const std::string& bytes) {
    return test::code_of([&] {
        FrameDecoder decoder;
        return feed(decoder, bytes);
    });
}

/// A decoder that takes frames of up to so many bytes, and channels up to 100.
void limit(FrameDecoder& decoder, std::uint32_t frame_max) {
    std::string bytes;
    append_method(bytes, 3, AMQP_BASIC_ACK_METHOD, amqp_basic_ack_t{1, 0});
    decoder.feed(bytes, [&](const amqp_frame_t&) { decoder.set_limits(100, frame_max); });
}

}  // namespace

TEST_CASE("frames that were written are read, in one piece and byte by byte") {
    FrameDecoder decoder;
    CHECK(feed(decoder, some_frames()) == what_they_say);
    CHECK(feed(decoder, some_frames(), 1) == what_they_say);
    CHECK(feed(decoder, some_frames(), 7) == what_they_say);
}

TEST_CASE("a name that AMQP can't carry is refused, and nothing of it is written") {
    std::string out = "before";
    const std::string name(256, 'n');
    amqp_queue_declare_t declare{};
    declare.queue = bytes_of(name);
    CHECK(test::code_of([&] { append_method(out, 1, AMQP_QUEUE_DECLARE_METHOD, declare); }) == errc::invalid_argument);
    CHECK(out == "before");
    declare.queue.len = 255;
    append_method(out, 1, AMQP_QUEUE_DECLARE_METHOD, declare);
    FrameDecoder decoder;
    CHECK(feed(decoder, out.substr(6)).at(0).text == name.substr(1));
}

TEST_CASE("bytes that are no frames are refused") {
    CHECK(feed_error("AMQP" + std::string("\1\1\0\x09", 4)) == errc::protocol_error);  // version 0-9
    std::string wrong_end = some_frames();
    wrong_end.back() = '\0';
    CHECK(feed_error(wrong_end) == errc::protocol_error);
    CHECK(feed_error("HTTP/1.1 400 Bad Request\r\n\r\n") == errc::protocol_error);
    CHECK(feed_error(std::string("\x01\0\0\0\0\0\0\xce", 8)) == errc::protocol_error);  // a method without a number
}

TEST_CASE("limits are set between two frames alone") {
    FrameDecoder decoder;
    CHECK_THROWS_AS(decoder.set_limits(100, 5000), std::logic_error);
    CHECK(feed(decoder, some_frames().substr(0, 10)).empty());
    CHECK_THROWS_AS(decoder.set_limits(100, 5000), std::logic_error);
}

TEST_CASE("a frame is of a channel that was agreed on") {
    FrameDecoder decoder;
    limit(decoder, 5000);
    CHECK(feed(decoder, body_frame(100, "here")).at(0).text == "here");
    CHECK(test::code_of([&] { return feed(decoder, body_frame(101, "beyond")); }) == errc::protocol_error);
}

TEST_CASE("a frame may be as large as was agreed, and no larger") {
    FrameDecoder decoder;
    limit(decoder, 5000);
    const std::string text(5000 - FrameHead::size - 1, 'x');
    CHECK(feed(decoder, body_frame(1, text)).at(0).text == text);
    CHECK(test::code_of([&] { return feed(decoder, body_frame(1, text + "x")); }) == errc::protocol_error);
}

}  // namespace rabbitmq_frames_tests

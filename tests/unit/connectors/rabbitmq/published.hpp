// What a publisher has written, read back as a broker reads it.
#pragma once

#include "support/catch.hpp"

#include <communica/connectors/rabbitmq/publisher.hpp>

#include <string>
#include <utility>
#include <vector>

namespace test {

struct Published {
    int channel = 0;
    std::string exchange = {};
    std::string routing_key = {};
    bool mandatory = false;
    std::string type = {};
    std::string reply_to = {};
    std::string expiration = {};
    std::uint64_t size = 0;
    std::string body = {};
    std::vector<std::size_t> frames = {};  ///< how much of the body is in each
    bool operator==(const Published&) const = default;
};

inline std::string bytes_in(communica::rabbitmq::Batch& batch) {
    std::string bytes;
    for (const auto& buffer : batch.buffers()) {
        bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
    }
    return bytes;
}

/// The messages in these frames, none of which may be larger than `frame_max`.
inline std::vector<Published> read_published(std::string bytes, std::uint32_t frame_max) {
    using namespace communica::rabbitmq;
    FrameDecoder decoder;
    std::string first;  // has to be a method, and has limits of its own
    append_method(first, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, amqp_connection_close_ok_t{});
    decoder.feed(first, [&](const amqp_frame_t&) { decoder.set_limits(100, frame_max); });

    std::vector<Published> messages;
    decoder.feed(bytes, [&](const amqp_frame_t& frame) {
        if (frame.frame_type == AMQP_FRAME_METHOD) {
            REQUIRE(frame.payload.method.id == AMQP_BASIC_PUBLISH_METHOD);
            const auto& publish = *static_cast<const amqp_basic_publish_t*>(frame.payload.method.decoded);
            messages.push_back({.channel = frame.channel,
                                .exchange = std::string(text_of(publish.exchange)),
                                .routing_key = std::string(text_of(publish.routing_key)),
                                .mandatory = publish.mandatory != 0});
            return;
        }
        REQUIRE_FALSE(messages.empty());
        Published& message = messages.back();
        CHECK(frame.channel == message.channel);
        if (frame.frame_type == AMQP_FRAME_HEADER) {
            const auto& properties = *static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
            const auto property = [&](amqp_flags_t flag, const amqp_bytes_t& value) {
                return (properties._flags & flag) != 0 ? std::string(text_of(value)) : std::string();
            };
            message.type = property(AMQP_BASIC_TYPE_FLAG, properties.type);
            message.reply_to = property(AMQP_BASIC_REPLY_TO_FLAG, properties.reply_to);
            message.expiration = property(AMQP_BASIC_EXPIRATION_FLAG, properties.expiration);
            message.size = frame.payload.properties.body_size;
        } else {
            REQUIRE(frame.frame_type == AMQP_FRAME_BODY);
            const std::string_view part = text_of(frame.payload.body_fragment);
            message.body += part;
            message.frames.push_back(part.size());
        }
    });
    return messages;
}

/// All that the publisher has, written to the end.
inline void write_all(communica::rabbitmq::Publisher& publisher, communica::rabbitmq::Batch& batch,
                      std::uint16_t channel, std::uint32_t frame_max) {
    while (publisher.is_within_message() || !publisher.empty()) {
        if (publisher.is_within_message()) {
            publisher.write_on(batch, channel, frame_max);
        } else {
            publisher.write_next(batch, channel, frame_max);
        }
    }
}

/// A message, written and read back.
inline Published published(communica::rabbitmq::Publication publication,
                           std::uint32_t frame_max = communica::rabbitmq::smallest_frame_max) {
    communica::rabbitmq::Publisher publisher("an exchange");
    communica::rabbitmq::Batch batch;
    publisher.publish(std::move(publication));
    write_all(publisher, batch, 5, frame_max);
    const auto messages = read_published(bytes_in(batch), frame_max);
    REQUIRE(messages.size() == 1);
    return messages.front();
}

}  // namespace test

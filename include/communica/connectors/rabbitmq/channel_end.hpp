// What a link knows of its channels.
#pragma once

#include "../../error.hpp"
#include "batch.hpp"
#include "frames.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace communica::rabbitmq {

/// One end of an AMQP channel, as its link knows it. Called on the link's strand; what frames refer to lives during the
/// call.
class ChannelEnd {
 public:
    virtual ~ChannelEnd() = default;
    ChannelEnd(const ChannelEnd&) = delete;
    ChannelEnd& operator=(const ChannelEnd&) = delete;

    virtual void on_method(const amqp_method_t& method) = 0;
    virtual void on_header(const amqp_basic_properties_t& properties, std::uint64_t body_size) = 0;
    virtual void on_body(std::string_view bytes) = 0;
    /// All that has come in one read was handed out.
    virtual void on_turn_over() = 0;
    /// Does nobody use it any more?
    virtual bool is_closing() const noexcept = 0;
    /// The link is no more.
    virtual void on_lost(const Error& why) = 0;
    /// Adds what is to be written, not too much of it at a time. Says whether there may be more.
    virtual bool gather(Batch& batch) = 0;

 protected:
    ChannelEnd() = default;
};

/// What the broker says when it closes a channel or a connection: its text and code.
inline Error broker_error(errc code, std::uint16_t number, std::string_view text) {
    return {code, "RabbitMQ: " + std::string(text) + " (" + std::to_string(number) + ")"};
}

}  // namespace communica::rabbitmq

// The link's interface to its channels.
#pragma once

#include "../../error.hpp"
#include "batch.hpp"
#include "frames.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace communica::rabbitmq {

/// One end of an AMQP channel, as seen by its link. Called on the link's strand, with memory valid during the call.
class ChannelEnd {
 public:
    virtual ~ChannelEnd() = default;
    ChannelEnd(const ChannelEnd&) = delete;
    ChannelEnd& operator=(const ChannelEnd&) = delete;

    virtual void on_method(const amqp_method_t& method) = 0;
    virtual void on_header(const amqp_basic_properties_t& properties, std::uint64_t body_size) = 0;
    virtual void on_body(std::string_view bytes) = 0;
    /// All messages of one read were dispatched.
    virtual void on_turn_over() = 0;
    /// Is the channel no longer used?
    virtual bool is_closing() const noexcept = 0;
    /// The link is lost.
    virtual void on_lost(const Error& why) = 0;
    /// Adds a limited amount of bytes to write. Returns whether there may be more.
    virtual bool gather(Batch& batch) = 0;

 protected:
    ChannelEnd() = default;
};

/// The broker's text and code for closing a channel or a connection.
inline Error broker_error(errc code, std::uint16_t number, std::string_view text) {
    return {code, "RabbitMQ: " + std::string(text) + " (" + std::to_string(number) + ")"};
}

}  // namespace communica::rabbitmq

// The limits that a broker and this side negotiate for a link.
#pragma once

#include "frames.hpp"

#include <algorithm>
#include <cstdint>

namespace communica::rabbitmq {

/// The negotiated limits of a link.
struct Agreement {
    static constexpr std::uint16_t most_channels = 2047;
    static constexpr std::uint32_t largest_frame = 128 * 1024;

    std::uint16_t channel_max = most_channels;
    std::uint32_t frame_max = smallest_frame_max;
    std::uint16_t heartbeat = 0;  ///< seconds; 0: none

    /// The broker proposes; `heartbeat` is this side's wish. Accepts the proposed frame size up to `largest_frame`,
    /// never a smaller one: RabbitMQ 4.1 and later close connections that ask for less than 8,192 bytes.
    static Agreement with(const amqp_connection_tune_t& tune, std::uint16_t heartbeat) {
        Agreement agreement;
        agreement.channel_max = tune.channel_max == 0 ? most_channels : std::min(tune.channel_max, most_channels);
        agreement.frame_max =
            tune.frame_max == 0 ? largest_frame : std::clamp(tune.frame_max, smallest_frame_max, largest_frame);
        agreement.heartbeat = heartbeat == 0 || tune.heartbeat == 0  // one side wants none
                                  ? std::uint16_t{0}
                                  : std::min(heartbeat, tune.heartbeat);
        return agreement;
    }
};

}  // namespace communica::rabbitmq

// AMQP 0-9-1 frames, encoded and decoded by rabbitmq-c. Its sockets are not used, because they block.
#pragma once

#include "../../error.hpp"
#include "rabbitmq_c.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace communica::rabbitmq {

/// Text and bytes for rabbitmq-c, which only reads them.
inline amqp_bytes_t bytes_of(std::string_view text) noexcept { return {text.size(), const_cast<char*>(text.data())}; }
/// Borrowed from a decoded frame.
inline std::string_view text_of(const amqp_bytes_t& bytes) noexcept {
    return {static_cast<const char*>(bytes.bytes), bytes.len};
}

/// The head of a frame, 7 bytes. Behind the payload is an end byte.
struct FrameHead {
    static constexpr std::size_t size = 7;
    static constexpr char end = static_cast<char>(AMQP_FRAME_END);

    std::uint8_t type = 0;
    std::uint16_t channel = 0;
    std::uint32_t payload = 0;

    void store(char* at) const noexcept {
        at[0] = static_cast<char>(type);
        for (int byte = 0; byte != 2; ++byte) {
            at[1 + byte] = static_cast<char>(channel >> (8 * (1 - byte)));
        }
        for (int byte = 0; byte != 4; ++byte) {
            at[3 + byte] = static_cast<char>(payload >> (8 * (3 - byte)));
        }
    }
};

/// The smallest maximum that every broker accepts, and the largest frame of this side's methods and headers.
inline constexpr std::uint32_t smallest_frame_max = AMQP_FRAME_MIN_SIZE;

namespace detail {

/// Appends a frame. Its payload is `prefix` bytes, which the caller stores, and the output of `encode(amqp_bytes_t)`.
template <class Encode>
char* append_frame(std::string& out, std::uint8_t type, std::uint16_t channel, std::size_t prefix, Encode encode) {
    const std::size_t begin = out.size();
    out.resize(begin + smallest_frame_max);
    char* const payload = out.data() + begin + FrameHead::size;
    const std::size_t room = smallest_frame_max - FrameHead::size - 1 - prefix;
    const int count = encode(amqp_bytes_t{room, payload + prefix});
    if (count < 0) {
        out.resize(begin);
        throw std::system_error(errc::invalid_argument,
                                std::string("AMQP can't carry that: ") + amqp_error_string2(count));
    }
    const std::size_t size = prefix + static_cast<std::size_t>(count);
    FrameHead{type, channel, static_cast<std::uint32_t>(size)}.store(out.data() + begin);
    payload[size] = FrameHead::end;
    out.resize(begin + FrameHead::size + size + 1);
    return payload;
}

inline void store_number(char* at, std::uint64_t number, int size) noexcept {
    for (int byte = 0; byte != size; ++byte) {
        at[byte] = static_cast<char>(number >> (8 * (size - 1 - byte)));
    }
}

}  // namespace detail

/// Appends a method: `append_method(out, 1, AMQP_BASIC_ACK_METHOD, amqp_basic_ack_t{...})`. Throws
/// `errc::invalid_argument` for a name over 255 bytes, which AMQP can't carry.
template <class Method>
void append_method(std::string& out, std::uint16_t channel, amqp_method_number_t id, const Method& method) {
    constexpr std::size_t id_size = 4;
    char* const payload = detail::append_frame(out, AMQP_FRAME_METHOD, channel, id_size, [&](amqp_bytes_t room) {
        return amqp_encode_method(id, const_cast<Method*>(&method), room);
    });
    detail::store_number(payload, id, id_size);
}

/// Appends the header of a message. Body frames with `body_size` bytes must follow.
inline void append_header(std::string& out, std::uint16_t channel, const amqp_basic_properties_t& properties,
                          std::uint64_t body_size) {
    constexpr std::size_t prefix = 12;  // the class, a weight of 0, the size
    char* const payload = detail::append_frame(out, AMQP_FRAME_HEADER, channel, prefix, [&](amqp_bytes_t room) {
        return amqp_encode_properties(AMQP_BASIC_CLASS, const_cast<amqp_basic_properties_t*>(&properties), room);
    });
    detail::store_number(payload, AMQP_BASIC_CLASS, 2);
    detail::store_number(payload + 2, 0, 2);
    detail::store_number(payload + 4, body_size, 8);
}

inline void append_heartbeat(std::string& out) {
    out.resize(out.size() + FrameHead::size);
    FrameHead{AMQP_FRAME_HEARTBEAT, 0, 0}.store(out.data() + out.size() - FrameHead::size);
    out += FrameHead::end;
}

/// The first bytes of a connection: the protocol's name and version.
inline constexpr std::string_view protocol_header{"AMQP\0\0\x09\x01", 8};

/// Decodes frames incrementally. Not thread-safe.
class FrameDecoder {
 public:
    FrameDecoder() : state_(amqp_new_connection(), &amqp_destroy_connection) {
        if (!state_) {
            throw std::bad_alloc();
        }
    }

    /// Sets the negotiated limits. Larger frames and higher channel numbers are refused from now on. Call it only from
    /// `on_frame`, which is between two frames: anywhere else rabbitmq-c would abort the process.
    void set_limits(std::uint16_t channel_max, std::uint32_t frame_max) {
        if (!between_frames_) {
            throw std::logic_error("AMQP's limits are set when a frame has just come");
        }
        check(amqp_tune_connection(state_.get(), channel_max, static_cast<int>(frame_max), 0));
        channel_max_ = channel_max;
    }

    /// Calls `on_frame(const amqp_frame_t&)` for each complete frame. A frame's memory is valid only during the call.
    /// Throws `errc::protocol_error`, and any exception of `on_frame`; the decoder can't be used afterwards.
    template <class OnFrame>
    void feed(std::span<char> bytes, OnFrame on_frame) {
        amqp_bytes_t rest{bytes.size(), bytes.data()};
        while (rest.len != 0) {
            amqp_frame_t frame{};
            const int used = amqp_handle_input(state_.get(), rest, &frame);
            check(used);
            rest.bytes = static_cast<char*>(rest.bytes) + used;
            rest.len -= static_cast<std::size_t>(used);
            if (frame.frame_type == other_version) {
                throw std::system_error(errc::protocol_error, "the broker speaks another version of AMQP than 0-9-1");
            }
            if (frame.channel > channel_max_) {  // not every version of rabbitmq-c checks it
                throw std::system_error(errc::protocol_error, "a frame of a channel that was not agreed on");
            }
            if (frame.frame_type != 0) {
                between_frames_ = true;
                on_frame(std::as_const(frame));
                between_frames_ = false;
            }
        }
        amqp_maybe_release_buffers(state_.get());
    }

 private:
    /// The frame type that rabbitmq-c reports for a protocol header, with which a broker asks for another version.
    static constexpr std::uint8_t other_version = 'A';

    static void check(int result) {
        if (result < 0) {
            throw std::system_error(errc::protocol_error, std::string("AMQP: ") + amqp_error_string2(result));
        }
    }

    std::unique_ptr<amqp_connection_state_t_, decltype(&amqp_destroy_connection)> state_;
    std::uint16_t channel_max_ = 65535;
    bool between_frames_ = false;
};

}  // namespace communica::rabbitmq

// The frames of a stream transport: a length, a code, and a payload (docs/protocol.md, "Frames").
#pragma once

#include "big_endian.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace communica::wire {

/// The codes in use. The others from 30 to 39 are reserved for extensions of this library, 40 to 59 for streams.
enum class FrameCode : std::uint8_t {
    message = 10,
    chunk = 11,
    close_notify = 20,
    ping = 30,
    pong = 31,
    lent = 32,
    returned = 33,
    retired = 34,
    ask_for_descriptors = 35,
    permit_descriptors = 36,
    descriptors = 37,
};

/// The length field of a frame counts everything after itself.
inline constexpr std::size_t length_size = 4;

/// A whole message: the size of the metadata (which counts its own four bytes), the metadata, the body.
struct MessageHead {
    static constexpr std::size_t size = length_size + 1 + 4;
    std::size_t metadata_size = 0;
    std::size_t body_size = 0;

    void store(char* bytes) const noexcept {
        store_u32(bytes, static_cast<std::uint32_t>(1 + 4 + metadata_size + body_size));
        bytes[4] = static_cast<char>(FrameCode::message);
        store_u32(bytes + 5, static_cast<std::uint32_t>(4 + metadata_size));
    }
};

/// A part of a message: its index, the number of parts, the size of the metadata (which does not count itself).
struct ChunkHead {
    static constexpr std::size_t size = length_size + 1 + 12;
    std::uint32_t index = 0;
    std::uint32_t total = 0;
    std::size_t metadata_size = 0;
    std::size_t body_size = 0;

    void store(char* bytes) const noexcept {
        store_u32(bytes, static_cast<std::uint32_t>(1 + 12 + metadata_size + body_size));
        bytes[4] = static_cast<char>(FrameCode::chunk);
        store_u32(bytes + 5, index);
        store_u32(bytes + 9, total);
        store_u32(bytes + 13, static_cast<std::uint32_t>(metadata_size));
    }
};

/// A message whose body lies in lent memory: the number of the memory, the offset and the size of the body there. The
/// metadata follows.
struct LentHead {
    static constexpr std::size_t size = length_size + 1 + 12;
    std::uint32_t segment = 0;
    std::size_t offset = 0;
    std::size_t body_size = 0;
    std::size_t metadata_size = 0;

    void store(char* bytes) const noexcept {
        store_u32(bytes, static_cast<std::uint32_t>(1 + 12 + metadata_size));
        bytes[4] = static_cast<char>(FrameCode::lent);
        store_u32(bytes + 5, segment);
        store_u32(bytes + 9, static_cast<std::uint32_t>(offset));
        store_u32(bytes + 13, static_cast<std::uint32_t>(body_size));
    }
};

/// Says of lent memory that it is given back (`returned`), or not used any more (`retired`).
struct SegmentNotice {
    static constexpr std::size_t size = length_size + 1 + 4;
    FrameCode code = FrameCode::returned;
    std::uint32_t segment = 0;

    void store(char* bytes) const noexcept {
        store_u32(bytes, 1 + 4);
        bytes[4] = static_cast<char>(code);
        store_u32(bytes + 5, segment);
    }
};

/// The frame that closes a connection in order.
inline constexpr std::string_view close_notify{"\0\0\0\1\x14", 5};
/// A request for a sign of life, and the reply.
inline constexpr std::string_view ping_frame{"\0\0\0\1\x1e", 5};
inline constexpr std::string_view pong_frame{"\0\0\0\1\x1f", 5};
/// A request to send one message with descriptors, and the permission.
inline constexpr std::string_view ask_for_descriptors_frame{"\0\0\0\1\x23", 5};
inline constexpr std::string_view permit_descriptors_frame{"\0\0\0\1\x24", 5};

/// Says how many descriptors were sent with the bytes of this frame. They belong to the message behind it.
struct DescriptorsFrame {
    static constexpr std::size_t size = length_size + 2;
    std::uint8_t count = 0;  ///< 0: the system refused to send them

    void store(char* bytes) const noexcept {
        store_u32(bytes, 2);
        bytes[4] = static_cast<char>(FrameCode::descriptors);
        bytes[5] = static_cast<char>(count);
    }
    static bool has_any(const char* bytes) noexcept { return bytes[5] != 0; }
    static void set_refused(char* bytes) noexcept { bytes[5] = 0; }
};

}  // namespace communica::wire

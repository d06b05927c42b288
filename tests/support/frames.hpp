// Frames for tests: written by hand, not by the code under test, and read into copies.
#pragma once

#include <communica/wire/frame_reader.hpp>

#include <algorithm>
#include <cstring>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

using Kind = communica::wire::Frame::Kind;

inline std::string u32(std::size_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) {
        bytes += static_cast<char>(value >> shift & 255);
    }
    return bytes;
}

inline std::string message_frame(std::string_view metadata, std::string_view body) {
    return u32(5 + metadata.size() + body.size()) + '\x0a' + u32(4 + metadata.size()) + std::string(metadata) +
           std::string(body);
}

inline std::string chunk_frame(std::size_t index, std::size_t total, std::string_view metadata, std::string_view body) {
    return u32(13 + metadata.size() + body.size()) + '\x0b' + u32(index) + u32(total) + u32(metadata.size()) +
           std::string(metadata) + std::string(body);
}

/// A message whose body is in lent memory.
inline std::string lent_frame(std::size_t segment, std::size_t offset, std::size_t size, std::string_view metadata) {
    return u32(13 + metadata.size()) + '\x20' + u32(segment) + u32(offset) + u32(size) + std::string(metadata);
}
inline std::string returned_frame(std::size_t segment) { return u32(5) + '\x21' + u32(segment); }
inline std::string retired_frame(std::size_t segment) { return u32(5) + '\x22' + u32(segment); }

/// About descriptors: a question for a permission, the permission, and the frame that goes with so many of them.
inline const std::string ask = u32(1) + '\x23';
inline const std::string permission = u32(1) + '\x24';
inline std::string frame_of(int count) { return u32(2) + '\x25' + static_cast<char>(count); }

inline std::string close_frame() { return u32(1) + '\x14'; }
inline std::string ping_frame() { return u32(1) + '\x1e'; }
inline std::string pong_frame() { return u32(1) + '\x1f'; }

/// A frame that borrows nothing.
struct OwnedFrame {
    Kind kind = Kind::message;
    std::string metadata = {};
    std::string body = {};
    std::uint32_t index = 0;
    std::uint32_t total = 0;
    communica::errc why{};
    std::size_t lent_size = 0;

    static OwnedFrame of(const communica::wire::Frame& frame) {
        return {frame.kind,
                std::string(frame.metadata),
                std::string(frame.body),
                frame.index,
                frame.total,
                frame.why,
                frame.kind == Kind::lent ? frame.body_size : 0};
    }
    /// A message that was dropped, but for its metadata.
    static OwnedFrame discarded(std::string metadata, communica::errc why = communica::errc::message_too_large) {
        return {.kind = Kind::discarded, .metadata = std::move(metadata), .why = why};
    }
    bool operator==(const OwnedFrame&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const OwnedFrame& frame) {
    return out << "frame of kind " << static_cast<int>(frame.kind) << ", chunk " << frame.index << "/" << frame.total
               << ", metadata " << frame.metadata << ", body of " << frame.body.size() << ", error "
               << static_cast<int>(frame.why);
}

/// Feeds bytes to a reader, at most `step` at a time, and calls `each(frame)` for what comes out. Says how large the
/// reader's buffer was at the most.
template <class Each>
std::size_t feed(communica::wire::FrameReader& reader, std::string_view bytes, std::size_t step, Each each) {
    std::size_t largest = 0;
    communica::wire::Frame frame;
    while (!bytes.empty()) {
        const auto room = reader.prepare();
        largest = std::max(largest, room.size() + reader.buffer().unread().size());
        const std::size_t count = std::min({room.size(), step, bytes.size()});
        std::memcpy(room.data(), bytes.data(), count);
        reader.commit(count);
        bytes.remove_prefix(count);
        while (reader.next(frame)) {
            each(frame);
            if (frame.kind == Kind::close) {
                return largest;
            }
        }
    }
    return largest;
}

inline std::vector<OwnedFrame> read_frames(communica::wire::FrameReader& reader, std::string_view bytes,
                                           std::size_t step = std::string_view::npos) {
    std::vector<OwnedFrame> frames;
    feed(reader, bytes, step, [&](const communica::wire::Frame& frame) { frames.push_back(OwnedFrame::of(frame)); });
    return frames;
}

inline std::vector<OwnedFrame> read_frames(std::string_view bytes, communica::Limits limits = {},
                                           std::size_t step = std::string_view::npos) {
    communica::wire::FrameReader reader(limits);
    return read_frames(reader, bytes, step);
}

}  // namespace test

// A second decoder of frames, written from docs/protocol.md: it has all bytes at once, and borrows nothing.
#pragma once

#include "frames.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// What a stream of frames holds: those that are whole, and whether what follows them can't be a frame.
struct DecodedFrames {
    std::vector<OwnedFrame> frames = {};
    bool failed = false;
    bool operator==(const DecodedFrames&) const = default;
};

/// What a frame without content says.
inline std::optional<Kind> kind_of_empty(char code) {
    switch (code) {
        case 30: return Kind::ping;
        case 31: return Kind::pong;
        case 35: return Kind::ask_for_descriptors;
        case 36: return Kind::permit_descriptors;
        default: return std::nullopt;
    }
}

/// `lends`: bodies may be in lent memory.
inline DecodedFrames decode_frames(std::string_view bytes, const communica::Limits& limits = {}, bool lends = false) {
    DecodedFrames result;
    const auto number = [&](std::size_t at) {
        std::size_t value = 0;
        for (const char byte : bytes.substr(at, 4)) {
            value = value << 8 | static_cast<unsigned char>(byte);
        }
        return value;
    };
    const auto fail = [&] {
        result.failed = true;
        return result;
    };
    while (bytes.size() >= 4) {
        const std::size_t length = number(0);
        if (length == 0) {
            return fail();
        }
        if (bytes.size() == 4) {
            break;
        }
        const char code = bytes[4];
        if (code == 20) {
            result.frames.push_back({.kind = Kind::close});
            break;
        }
        if (const auto kind = kind_of_empty(code); kind && length == 1) {
            result.frames.push_back({.kind = *kind});
            bytes.remove_prefix(5);
            continue;
        }
        if (lends && (code == 33 || code == 34)) {
            if (length != 5) {
                return fail();
            }
            if (bytes.size() < 9) {
                break;
            }
            result.frames.push_back(
                {.kind = code == 33 ? Kind::returned : Kind::retired, .index = static_cast<std::uint32_t>(number(5))});
            bytes.remove_prefix(9);
            continue;
        }
        if (lends && code == 32) {
            if (length < 13 || length - 13 > limits.max_metadata) {
                return fail();
            }
            if (bytes.size() < length + 4) {
                break;
            }
            OwnedFrame frame{.kind = Kind::lent,
                             .metadata = std::string(bytes.substr(17, length - 13)),
                             .index = static_cast<std::uint32_t>(number(5)),
                             .total = static_cast<std::uint32_t>(number(9)),
                             .lent_size = number(13)};
            if (frame.lent_size != 0 && frame.lent_size + frame.metadata.size() > limits.max_message) {
                frame.why = communica::errc::message_too_large;
            }
            result.frames.push_back(std::move(frame));
            bytes.remove_prefix(length + 4);
            continue;
        }
        if (code == 37 && length == 2) {
            if (bytes.size() == 5) {
                break;
            }
            result.frames.push_back({.kind = Kind::descriptors, .total = static_cast<unsigned char>(bytes[5])});
            bytes.remove_prefix(6);
            continue;
        }
        if (code != 10 && code != 11) {
            return fail();
        }
        const std::size_t head = code == 10 ? 9 : 17;
        if (length + 4 < head) {
            return fail();
        }
        if (bytes.size() < head) {
            break;
        }
        const std::size_t counted = number(head - 4);
        const std::size_t own = code == 10 ? 4 : 0;  // the metadata length of a message counts its own field
        if (counted < own || counted - own > length + 4 - head || counted - own > limits.max_metadata) {
            return fail();
        }
        const std::size_t metadata = counted - own;
        const std::size_t body = length + 4 - head - metadata;
        const bool over = body != 0 && metadata + body > limits.max_message;
        if (over && body > communica::wire::max_discarded) {
            return fail();
        }
        if (bytes.size() < head + metadata + (over ? 0 : body)) {
            break;
        }
        OwnedFrame frame{.kind = code == 11 ? Kind::chunk
                                 : over     ? Kind::discarded
                                            : Kind::message,
                         .metadata = std::string(bytes.substr(head, metadata)),
                         .body = over ? std::string() : std::string(bytes.substr(head + metadata, body)),
                         .why = over ? communica::errc::message_too_large : communica::errc{}};
        if (code == 11) {
            frame.index = static_cast<std::uint32_t>(number(5));
            frame.total = static_cast<std::uint32_t>(number(9));
        }
        result.frames.push_back(std::move(frame));
        bytes.remove_prefix(std::min(bytes.size(), head + metadata + body));
    }
    return result;
}

/// The same without pings, pongs and frames about descriptors, and with chunks put together; one that is not finished is left out.
inline DecodedFrames decode_messages(std::string_view bytes) {
    DecodedFrames decoded = decode_frames(bytes);
    DecodedFrames result{.failed = decoded.failed};
    OwnedFrame chunked;
    std::size_t parts = 0;
    for (OwnedFrame& frame : decoded.frames) {
        if (frame.kind > Kind::close) {
            continue;
        }
        if (frame.kind != Kind::chunk) {
            result.frames.push_back(std::move(frame));
        } else if (parts != 0 || frame.index == 0) {
            chunked = parts == 0 ? OwnedFrame{.metadata = frame.metadata} : std::move(chunked);
            chunked.body += frame.body;
            if (++parts == frame.total) {
                parts = 0;
                result.frames.push_back(std::move(chunked));
            }
        }
    }
    return result;
}

}  // namespace test

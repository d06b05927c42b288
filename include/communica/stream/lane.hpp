// Framed messages that are written one behind the other.
#pragma once

#include "../buffer.hpp"
#include "../wire/chunks.hpp"
#include "../wire/frame.hpp"
#include "lent_bodies.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::stream {

/// A part of a queue. Each head of a frame lies in one segment. Functions that throw change nothing.
struct Lane {
    /// A body of at least this size is moved instead of copied.
    static constexpr std::size_t large_body = 16 * 1024;
    static constexpr std::size_t segment_size = 64 * 1024;

    std::vector<Buffer> segments = {};
    bool tail_is_borrowed = false;  // nothing may be appended to the last segment: it is a body, or has attachments
    LentBodies lent = {};           // bodies that the frames refer to

    [[gnu::always_inline]] Buffer& open_segment() {
        if (segments.empty() || tail_is_borrowed || segments.back().size() >= segment_size) {
            segments.emplace_back();
            tail_is_borrowed = false;
        }
        return segments.back();
    }

    /// Adds a message, in chunks if it is over `max_frame`. Returns its bytes.
    [[gnu::always_inline]] std::size_t push(std::string_view metadata, Buffer& body, std::size_t max_frame) {
        if (metadata.size() + body.size() > max_frame) {
            return all_or_nothing([&] { return push_chunks(metadata, body.text(), max_frame); });
        }
        if (body.size() >= large_body) {
            return all_or_nothing([&] { return push_large(metadata, body); });
        }
        std::memcpy(push_head(metadata, body.size(), body.size()), body.data(), body.size());
        return wire::MessageHead::size + metadata.size() + body.size();
    }

    /// Adds a message that refers to its body in lent memory.
    std::size_t push_lent(std::string_view metadata, Buffer& body) {
        const base::LentMemory& memory = *body.lent_memory();
        const std::size_t size = wire::LentHead::size + metadata.size();
        lent.reserve_one_more();
        char* const at = open_segment().extend(size);
        wire::LentHead{memory.segment, static_cast<std::size_t>(body.data() - memory.start), body.size(),
                       metadata.size()}
            .store(at);
        std::memcpy(at + wire::LentHead::size, metadata.data(), metadata.size());
        lent.add(std::move(body));
        return size;
    }

    /// Moves the messages of another lane to the end.
    void append(Lane&& other) {
        segments.reserve(segments.size() + other.segments.size());
        lent.reserve(lent.size() + other.lent.size());
        std::ranges::move(other.segments, std::back_inserter(segments));
        lent.add(std::move(other.lent));
        tail_is_borrowed = other.segments.empty() ? tail_is_borrowed : other.tail_is_borrowed;
    }

 private:
    /// Adds the head. Returns where the following `room` bytes are to be written.
    [[gnu::always_inline]] char* push_head(std::string_view metadata, std::size_t body_size, std::size_t room) {
        const std::size_t size = wire::MessageHead::size + metadata.size();
        char* const at = open_segment().extend(size + room);
        wire::MessageHead{metadata.size(), body_size}.store(at);
        std::memcpy(at + wire::MessageHead::size, metadata.data(), metadata.size());
        return at + size;
    }

    std::size_t push_large(std::string_view metadata, Buffer& body) {
        const std::size_t body_size = body.size();
        push_head(metadata, body_size, 0);
        segments.push_back(std::move(body));
        tail_is_borrowed = true;
        return wire::MessageHead::size + metadata.size() + body_size;
    }

    std::size_t push_chunks(std::string_view metadata, std::string_view body, std::size_t max_frame) {
        const wire::ChunkPlan plan(metadata.size(), body.size(), max_frame);
        std::size_t bytes = 0;
        for (std::size_t index = 0; index != plan.total(); ++index) {
            const wire::ChunkHead head = plan.head(index);
            Buffer& segment = open_segment();
            head.store(segment.extend(wire::ChunkHead::size));
            segment.append(metadata.substr(0, head.metadata_size));
            segment.append(body.substr(plan.offset(index), head.body_size));
            bytes += wire::ChunkHead::size + head.metadata_size + head.body_size;
        }
        return bytes;
    }

    /// Removes a message that is added in part if memory runs out.
    template <class Push>
    [[gnu::noinline]] std::size_t all_or_nothing(Push push) {
        const std::size_t before = segments.size();
        const std::size_t size = before == 0 ? 0 : segments.back().size();
        const bool sealed = tail_is_borrowed;
        try {
            return push();
        } catch (...) {
            segments.erase(segments.begin() + static_cast<std::ptrdiff_t>(before), segments.end());
            if (before != 0) {
                segments.back().truncate(size);
            }
            tail_is_borrowed = sealed;
            throw;
        }
    }
};

}  // namespace communica::stream

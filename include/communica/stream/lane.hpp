// Framed messages that are written one behind the other.
#pragma once

#include "../attachments.hpp"
#include "../buffer.hpp"
#include "../connection.hpp"
#include "../wire/chunks.hpp"
#include "../wire/frame.hpp"
#include "lent_bodies.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::stream {

using BytesByClass = std::array<std::size_t, send_classes>;

/// A part of a queue. Each head of a frame lies in one segment. Functions that throw change nothing.
struct Lane {
    /// A body of at least this size is moved instead of copied.
    static constexpr std::size_t large_body = 16 * 1024;
    static constexpr std::size_t segment_size = 64 * 1024;

    std::vector<Buffer> segments = {};
    LentBodies lent = {};                            // bodies that the frames refer to
    std::vector<BytesByClass> behind_attached = {};  // of each message with descriptors and of what follows it
    bool tail_is_borrowed = false;  // nothing may be appended to the last segment, for example because it is a body

    [[gnu::always_inline]] Buffer& open_segment() {
        if (segments.empty() || tail_is_borrowed || segments.back().size() >= segment_size) {
            segments.emplace_back();
            tail_is_borrowed = false;
        }
        return segments.back();
    }

    /// Adds a message, in chunks if it is over `max_frame`. Returns its bytes. A body in memory of `lender` is passed on.
    [[gnu::always_inline]] std::size_t push(std::string_view metadata, Buffer& body, std::size_t max_frame,
                                            const void* lender) {
        const std::size_t size = wire::MessageHead::size + metadata.size() + body.size();
        if (body.is_lent() && body.lent_memory()->lender == lender) [[unlikely]] {
            return push_lent(metadata, body);
        }
        if (metadata.size() + body.size() > max_frame) {
            return all_or_nothing([&] { return push_chunks(metadata, body.text(), max_frame); });
        }
        if (body.size() < large_body) {
            std::memcpy(push_head(metadata, body.size(), body.size()), body.data(), body.size());
            return size;
        }
        return all_or_nothing([&] {
            push_head(metadata, body.size(), 0);
            segments.push_back(std::move(body));
            tail_is_borrowed = true;
            return size;
        });
    }

    /// Adds the frame of descriptors, before their message. It is a segment of its own.
    void push_descriptors(std::shared_ptr<base::Attachments>&& attachments) {
        Buffer frame;
        frame.attachments() = nullptr;  // from here on it has room for them
        wire::DescriptorsFrame{static_cast<std::uint8_t>(attachments->size())}.store(
            frame.extend(wire::DescriptorsFrame::size));
        behind_attached.reserve(behind_attached.size() + 1);
        segments.push_back(std::move(frame));
        segments.back().attachments() = std::move(attachments);
        behind_attached.emplace_back();
        tail_is_borrowed = true;
    }
    /// Removes that frame if it is the last. Returns false if it is not.
    bool drop_descriptors() noexcept {
        while (!segments.empty() && segments.back().empty()) {
            segments.pop_back();
        }
        if (segments.empty() || segments.back().attached() == nullptr) {
            return false;
        }
        segments.pop_back();
        behind_attached.pop_back();
        tail_is_borrowed = true;  // nothing is known of the segment before
        return true;
    }

    /// Takes the bodies that its frames refer to, for which it has reserved room.
    void take_lent(LentBodies& all) noexcept {
        std::size_t at = 0;
        for (const Buffer& segment : segments) {
            while (at < segment.size()) {
                const char* const frame = segment.data() + at;
                if (frame[wire::length_size] == static_cast<char>(wire::FrameCode::lent)) {
                    lent.add(all.take(wire::load_u32(frame + 5)));
                }
                at += wire::length_size + wire::load_u32(frame);
            }
            at -= segment.size();  // bytes of the last frame in the next segments
        }
    }

 private:
    /// Adds the head. Returns where the following `room` bytes are to be written.
    char* push_head(std::string_view metadata, std::size_t body_size, std::size_t room) {
        const std::size_t size = wire::MessageHead::size + metadata.size();
        char* const at = open_segment().extend(size + room);
        wire::MessageHead{metadata.size(), body_size}.store(at);
        std::memcpy(at + wire::MessageHead::size, metadata.data(), metadata.size());
        return at + size;
    }

    [[gnu::noinline]] std::size_t push_lent(std::string_view metadata, Buffer& body) {
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
    std::size_t all_or_nothing(Push push) {
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

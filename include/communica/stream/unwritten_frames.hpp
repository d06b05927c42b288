// The frames that a connection has not written when it ends.
#pragma once

#include "../connection.hpp"
#include "../limits.hpp"
#include "../wire/chunks.hpp"
#include "../wire/frame.hpp"
#include "../wire/frame_reader.hpp"
#include "lent_bodies.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::stream {

/// Turns frames back into messages, with their lent bodies and their attachments.
class UnwrittenFrames {
 public:
    explicit UnwrittenFrames(std::vector<Buffer> segments) {
        for (Buffer& segment : segments) {
            if (segment.attached() != nullptr) [[unlikely]] {
                attached_.emplace_back(bytes_.size(), std::move(segment.attachments()));
            }
            bytes_.append(segment.text());
        }
    }

    std::size_t size() const noexcept { return bytes_.size(); }

    /// The offset of the first message, whole or chunked, with bytes beyond the first `written`.
    std::size_t first_not_written(std::size_t written) const noexcept {
        std::size_t message = 0;
        std::size_t at = 0;
        while (at < written) {
            const char* const frame = bytes_.data() + at;
            at += wire::length_size + wire::load_u32(frame);
            if (at <= written && ends_message(frame)) {
                message = at;
            }
        }
        return message;
    }

    /// Appends the messages from `begin` to `end`. Takes the bodies that they refer to out of `lent`.
    void unframe(std::size_t begin, std::size_t end, SendClass send_class, LentBodies& lent,
                 std::vector<UnsentMessage>& messages) {
        constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
        constexpr Limits no_limits{.max_message = unlimited, .max_metadata = unlimited};
        std::string_view frames = bytes_.text().substr(begin, end - begin);
        std::shared_ptr<base::Attachments> attachments;
        wire::FrameReader reader(no_limits);
        reader.accept_lent();
        wire::ChunkAssembler chunks(no_limits);
        while (!frames.empty()) {
            const auto room = reader.prepare();
            const std::size_t count = std::min(room.size(), frames.size());
            std::memcpy(room.data(), frames.data(), count);
            reader.commit(count);
            frames.remove_prefix(count);
            wire::Frame frame;
            while (reader.next(frame)) {
                if (frame.kind == wire::Frame::Kind::close) {
                    return;  // a late goodbye: nothing is queued behind it
                }
                if (frame.kind == wire::Frame::Kind::descriptors) [[unlikely]] {
                    attachments = take_attachments(begin);
                }
                const bool whole = frame.kind == wire::Frame::Kind::message ||
                                   (frame.kind == wire::Frame::Kind::chunk && chunks.add(frame));
                if (frame.kind == wire::Frame::Kind::lent) {
                    messages.push_back({std::string(frame.metadata), lent.take(frame.index), send_class});
                } else if (whole) {
                    messages.push_back({std::string(frame.metadata), {}, send_class});
                    messages.back().body.append(frame.body);
                    if (attachments) [[unlikely]] {
                        messages.back().body.attachments() = std::move(attachments);
                    }
                }
            }
        }
    }

 private:
    static bool ends_message(const char* frame) noexcept {
        switch (static_cast<wire::FrameCode>(frame[wire::length_size])) {
            case wire::FrameCode::chunk: return wire::load_u32(frame + 5) + 1 == wire::load_u32(frame + 9);
            case wire::FrameCode::descriptors: return false;
            default: return true;
        }
    }

    /// Those of the first frame of descriptors from `begin` on whose attachments are not taken.
    std::shared_ptr<base::Attachments> take_attachments(std::size_t begin) noexcept {
        const auto next =
            std::ranges::find_if(attached_, [begin](const auto& one) { return one.first >= begin && one.second; });
        return next != attached_.end() ? std::move(next->second) : nullptr;
    }

    Buffer bytes_;
    std::vector<std::pair<std::size_t, std::shared_ptr<base::Attachments>>> attached_;
};

}  // namespace communica::stream

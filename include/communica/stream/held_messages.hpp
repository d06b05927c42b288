// Messages with descriptors, which wait for the peer's permission.
#pragma once

#include "../attachments.hpp"
#include "../buffer.hpp"
#include "../connection.hpp"
#include "../wire/frame.hpp"
#include "lane.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <utility>

namespace communica::stream {

using BytesByClass = std::array<std::size_t, send_classes>;

/// The end of a queue, in parts: a message with descriptors, and all messages behind it until the next such.
class HeldMessages {
 public:
    bool empty() const noexcept { return parts_.empty(); }
    /// Where messages are queued that must not pass those with descriptors. There has to be a part.
    Lane& last() noexcept { return parts_.back().lane; }

    /// Begins a part with the frame of these descriptors, a segment of its own. `queued`: the bytes of the whole queue.
    void begin(std::shared_ptr<base::Attachments> attachments, const BytesByClass& queued) {
        Part part;
        Buffer& frame = part.lane.open_segment();
        wire::DescriptorsFrame{static_cast<std::uint8_t>(attachments->size())}.store(
            frame.extend(wire::DescriptorsFrame::size));
        frame.attachments() = std::move(attachments);
        part.lane.tail_is_borrowed = true;
        if (!parts_.empty()) {
            part.start = difference(queued, before_);
        }
        parts_.push_back(std::move(part));
        before_ = parts_.size() == 1 ? queued : before_;
    }
    /// Removes the last part.
    void drop_last() noexcept { parts_.pop_back(); }

    /// Counts bytes that are queued before all parts.
    void count_before(std::size_t class_index, std::size_t bytes) noexcept { before_[class_index] += bytes; }
    /// Bytes queued before all parts. They are written now.
    BytesByClass take_before() noexcept { return std::exchange(before_, {}); }

    /// Moves the first part to the end of `lane`, before the others. Changes nothing if it throws.
    void release_first(Lane& lane, const BytesByClass& queued) {
        const BytesByClass bytes = parts_.size() == 1 ? difference(queued, before_) : std::next(parts_.begin())->start;
        lane.append(std::move(parts_.front().lane));
        parts_.pop_front();
        for (Part& part : parts_) {
            part.start = difference(part.start, bytes);
        }
        for (std::size_t index = 0; index != bytes.size(); ++index) {
            before_[index] += bytes[index];
        }
    }

    static BytesByClass difference(const BytesByClass& more, const BytesByClass& less) noexcept {
        BytesByClass bytes{};
        for (std::size_t index = 0; index != bytes.size(); ++index) {
            bytes[index] = more[index] - less[index];
        }
        return bytes;
    }

 private:
    struct Part {
        Lane lane = {};
        BytesByClass start{};  // bytes of the parts before this one
    };

    std::list<Part> parts_;  // allocates nothing while it is empty, and its parts stay where they are
    BytesByClass before_{};
};

}  // namespace communica::stream

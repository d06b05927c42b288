// Messages queued for a stream: framed, coalesced, and returned if they were not written whole.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../limits.hpp"
#include "../wire/chunks.hpp"
#include "../wire/frame.hpp"
#include "unwritten_frames.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::stream {

/// All messages queued between two writes go out in one gathered write, those of high priority first. Small messages are
/// copied one behind the other, large bodies are moved in. Does no I/O; not thread-safe.
///
/// Descriptors are those of the attachments of a segment, which is a frame of its own before their message. Each such
/// message waits, with all behind it, for the peer's permission: only then the peer reads with room for descriptors.
class WriteQueue {
 public:
    /// A body of at least this size is moved instead of copied.
    static constexpr std::size_t large_body = 16 * 1024;

    /// Without `passes_descriptors` they are dropped.
    explicit WriteQueue(const Limits& limits, std::shared_ptr<Budget> budget = nullptr, bool passes_descriptors = false)
        : max_frame_(limits.max_frame), passes_descriptors_(passes_descriptors), share_(std::move(budget)) {}

    bool empty() const noexcept { return queued_bytes_ == 0; }
    /// Bytes queued, and those of the pending write.
    std::size_t size() const noexcept { return queued_bytes_ + in_flight_bytes_; }
    /// The same for one class.
    std::size_t size(SendClass send_class) const noexcept {
        const auto index = index_of(send_class);
        return queued_by_class_[index] + in_flight_by_class_[index];
    }

    /// Is there room for `more` bytes? If not, `room_is_back` tells when there is.
    bool admits(SendClass send_class, std::size_t more) noexcept {
        return room_.admits(send_class, size(send_class), more);
    }
    bool room_is_back() noexcept { return room_.is_back(size(SendClass::request), size(SendClass::stream)); }

    void push(SendClass send_class, std::string_view metadata, Buffer& body) {
        Lane& lane = send_class == SendClass::high_request ? first_ : queued_;
        if (body.attached() != nullptr) [[unlikely]] {
            push_attachments(lane, body);
        }
        const std::size_t before = queued_bytes_;
        try {
            push_message(lane, metadata, body);
        } catch (...) {
            drop_last_attachments(lane);
            throw;
        }
        count(lane, send_class, queued_bytes_ - before);
        share_.set(size());
    }
    /// Queues bytes that are already framed.
    void push_frame(SendClass send_class, std::string_view frame) {
        queued_.open_segment().append(frame);
        queued_bytes_ += frame.size();
        count(queued_, send_class, frame.size());
    }

    /// Queues a frame before all others.
    void push_first(std::string_view frame) {
        Buffer segment;
        segment.append(frame);
        first_.segments.insert(first_.segments.begin(), std::move(segment));
        queued_bytes_ += frame.size();
        queued_by_class_[index_of(SendClass::response)] += frame.size();
    }

    /// The peer permits one message with descriptors. Returns false if this side did not ask.
    bool permit_descriptors() noexcept { return asked_ && !std::exchange(permitted_, true); }

    /// Moves everything queued into one write. Throws with the queue unchanged. Buffers are valid until `end_write`.
    /// Returns none if all waits for a permission.
    std::span<const asio::const_buffer> begin_write() {
        in_flight_high_ = first_.segments.empty() ? 0 : put_first();
        buffers_.reserve(queued_.segments.size());
        if (attached_ != 0) [[unlikely]] {
            in_flight_.reserve(queued_.segments.size());
            first_.segments.reserve(1);
        }
        std::swap(queued_.segments, in_flight_);
        in_flight_bytes_ = std::exchange(queued_bytes_, 0);
        in_flight_by_class_ = std::exchange(queued_by_class_, {});
        queued_.tail_is_borrowed = false;
        buffers_.clear();
        for (const Buffer& segment : in_flight_) {
            buffers_.emplace_back(segment.data(), segment.size());
        }
        if (attached_ != 0) [[unlikely]] {
            hold_back_attached();
        }
        return buffers_;
    }

    /// Does the write contain descriptors, or nothing because all waits for a permission? It is written piece by piece.
    bool has_pieces() const noexcept { return has_pieces_; }
    /// Bytes of the write.
    std::size_t in_flight() const noexcept { return in_flight_bytes_; }

    /// Bytes that are written at once. With `attachments`: one frame, with which they are sent.
    struct Piece {
        std::span<const asio::const_buffer> buffers;
        asio::mutable_buffer frame = {};
        const base::Attachments* attachments = nullptr;
    };
    /// The piece of the write behind its first `written` bytes.
    Piece piece(std::size_t written) {
        std::size_t index = 0;
        for (; written >= in_flight_[index].size(); ++index) {
            written -= in_flight_[index].size();
        }
        Buffer& segment = in_flight_[index];
        if (segment.attached() != nullptr && written == 0 && wire::DescriptorsFrame::has_any(segment.data())) {
            return {{}, asio::mutable_buffer(segment.data(), segment.size()), segment.attached()};
        }
        std::size_t end = index + 1;
        while (end != in_flight_.size() && in_flight_[end].attached() == nullptr) {
            ++end;
        }
        buffers_[index] = asio::const_buffer(segment.data() + written, segment.size() - written);
        return {std::span<const asio::const_buffer>(buffers_).subspan(index, end - index)};
    }

    /// The rest of the write behind its first `count` bytes.
    std::span<const asio::const_buffer> skip(std::size_t count) {
        auto buffer = buffers_.begin();
        for (; count >= buffer->size(); ++buffer) {
            count -= buffer->size();
        }
        *buffer += count;
        return {buffer, buffers_.end()};
    }

    /// The write is done. `written` of a failed write is an upper bound of the bytes that went out.
    void end_write(std::size_t written) {
        if (written < in_flight_bytes_) {
            written_ = written;
            return;
        }
        in_flight_bytes_ = 0;
        in_flight_by_class_ = {};
        share_.set(size());
        if (std::exchange(has_pieces_, false)) [[unlikely]] {
            return in_flight_.clear();
        }
        if (in_flight_.size() > 1) {
            in_flight_.erase(in_flight_.begin() + 1, in_flight_.end());
        }
        if (in_flight_.front().capacity() > segment_size) {
            in_flight_.clear();
        } else {
            in_flight_.front().clear();  // kept for the next messages
        }
    }

    /// Empties the queue. Returns messages not written whole, which the peer can't have handled, oldest first.
    std::vector<UnsentMessage> take_unsent() {
        if (in_flight_bytes_ == 0) {
            in_flight_.clear();
        }
        std::vector<UnsentMessage> unsent;
        UnwrittenFrames begun(std::exchange(in_flight_, {}));
        const std::size_t begin = begun.first_not_written(written_);
        const std::size_t high = std::clamp(in_flight_high_, begin, begun.size());
        begun.unframe(begin, high, SendClass::high_request, unsent);
        begun.unframe(high, begun.size(), SendClass::request, unsent);
        UnwrittenFrames first(std::exchange(first_, {}).segments);
        first.unframe(0, first.size(), SendClass::high_request, unsent);
        UnwrittenFrames queued(std::exchange(queued_, {}).segments);
        queued.unframe(0, queued.size(), SendClass::request, unsent);
        queued_bytes_ = in_flight_bytes_ = written_ = attached_ = 0;
        queued_by_class_ = in_flight_by_class_ = {};
        share_.set(0);
        return unsent;
    }

 private:
    static constexpr std::size_t segment_size = 64 * 1024;

    using BytesByClass = std::array<std::size_t, send_classes>;

    struct Lane {
        std::vector<Buffer> segments = {};
        std::vector<BytesByClass> behind_attached = {};  // of each message with descriptors and of what follows it
        bool tail_is_borrowed = false;                   // the last segment is a body: nothing may be appended to it

        Buffer& open_segment() {
            if (segments.empty() || tail_is_borrowed || segments.back().size() >= segment_size) {
                segments.emplace_back();
                tail_is_borrowed = false;
            }
            return segments.back();
        }
    };

    static constexpr std::size_t index_of(SendClass send_class) noexcept {
        return static_cast<std::size_t>(counted_as(send_class));
    }

    void count(Lane& lane, SendClass send_class, std::size_t bytes) {
        queued_by_class_[index_of(send_class)] += bytes;
        if (attached_ != 0 && !lane.behind_attached.empty()) [[unlikely]] {
            lane.behind_attached.back()[index_of(send_class)] += bytes;
        }
    }

    void push_message(Lane& lane, std::string_view metadata, Buffer& body) {
        if (metadata.size() + body.size() > max_frame_) {
            all_or_nothing(lane, [&] { push_chunks(lane, metadata, body.text()); });
        } else if (body.size() < large_body) {
            char* const at = push_head(lane, metadata, body.size(), body.size());
            std::memcpy(at, body.data(), body.size());
        } else {
            all_or_nothing(lane, [&] {
                push_head(lane, metadata, body.size(), 0);
                lane.segments.push_back(std::move(body));
                lane.tail_is_borrowed = true;
            });
        }
    }

    /// Queues the frame of the descriptors before their message.
    [[gnu::noinline]] void push_attachments(Lane& lane, Buffer& body) {
        if (!passes_descriptors_) {
            return body.attachments().reset();
        }
        ask();
        Buffer frame;
        frame.attachments() = std::move(body.attachments());
        const auto number = static_cast<std::uint8_t>(frame.attached()->size());
        wire::DescriptorsFrame{number}.store(frame.extend(wire::DescriptorsFrame::size));
        lane.behind_attached.reserve(lane.behind_attached.size() + 1);
        lane.segments.push_back(std::move(frame));
        lane.behind_attached.emplace_back();
        lane.tail_is_borrowed = true;
        queued_bytes_ += wire::DescriptorsFrame::size;
        ++attached_;
        count(lane, SendClass::response, wire::DescriptorsFrame::size);
    }
    /// The message of the frame that was queued last, if that is one of descriptors, could not be queued.
    void drop_last_attachments(Lane& lane) noexcept {
        while (!lane.segments.empty() && lane.segments.back().empty()) {
            lane.segments.pop_back();
        }
        if (!lane.segments.empty() && lane.segments.back().attached() != nullptr) {
            lane.segments.pop_back();
            lane.tail_is_borrowed = true;  // nothing is known of the segment before
            lane.behind_attached.pop_back();
            queued_bytes_ -= wire::DescriptorsFrame::size;
            queued_by_class_[index_of(SendClass::response)] -= wire::DescriptorsFrame::size;
            --attached_;
        }
    }
    static bool has_attachments(const Buffer& segment) noexcept { return segment.attached() != nullptr; }
    void ask() {
        if (!std::exchange(asked_, true)) {
            push_first(wire::ask_for_descriptors_frame);
        }
    }

    /// Moves back what waits for a permission: from the first message with descriptors on, or the second if there is a
    /// permission.
    [[gnu::noinline]] void hold_back_attached() {
        has_pieces_ = false;
        auto held = std::ranges::find_if(in_flight_, has_attachments);
        if (held != in_flight_.end() && std::exchange(permitted_, false)) {
            has_pieces_ = true;
            --attached_;
            queued_.behind_attached.erase(queued_.behind_attached.begin());
            held = std::find_if(std::next(held), in_flight_.end(), has_attachments);
            asked_ = false;
            if (attached_ != 0) {
                ask();
            }
        }
        const auto kept = static_cast<std::size_t>(held - in_flight_.begin());
        has_pieces_ = has_pieces_ || kept == 0;
        if (kept == in_flight_.size()) {
            return;
        }
        queued_.segments.assign(std::move_iterator(held), std::move_iterator(in_flight_.end()));
        queued_.tail_is_borrowed = true;
        in_flight_.resize(kept);
        buffers_.resize(kept);
        const std::size_t before = in_flight_bytes_;
        in_flight_bytes_ = asio::buffer_size(buffers_);
        queued_bytes_ += before - in_flight_bytes_;
        in_flight_high_ = std::min(in_flight_high_, in_flight_bytes_);
        for (const BytesByClass& held_bytes : queued_.behind_attached) {
            for (std::size_t index = 0; index != send_classes; ++index) {
                queued_by_class_[index] += held_bytes[index];
                in_flight_by_class_[index] -= held_bytes[index];
            }
        }
    }

    /// Appends the head. Returns where the following `room` bytes are to be written.
    char* push_head(Lane& lane, std::string_view metadata, std::size_t body_size, std::size_t room) {
        const std::size_t size = wire::MessageHead::size + metadata.size();
        char* const at = lane.open_segment().extend(size + room);
        wire::MessageHead{metadata.size(), body_size}.store(at);
        std::memcpy(at + wire::MessageHead::size, metadata.data(), metadata.size());
        queued_bytes_ += size + body_size;
        return at + size;
    }

    /// Removes a partly queued message if memory runs out.
    template <class Push>
    void all_or_nothing(Lane& lane, Push push) {
        const std::size_t segments = lane.segments.size();
        const std::size_t size = segments == 0 ? 0 : lane.segments.back().size();
        const std::size_t bytes = queued_bytes_;
        const bool sealed = lane.tail_is_borrowed;
        try {
            push();
        } catch (...) {
            lane.segments.erase(lane.segments.begin() + static_cast<std::ptrdiff_t>(segments), lane.segments.end());
            if (segments != 0) {
                lane.segments.back().truncate(size);
            }
            queued_bytes_ = bytes;
            lane.tail_is_borrowed = sealed;
            throw;
        }
    }

    void push_chunks(Lane& lane, std::string_view metadata, std::string_view body) {
        const wire::ChunkPlan plan(metadata.size(), body.size(), max_frame_);
        for (std::size_t index = 0; index != plan.total(); ++index) {
            const wire::ChunkHead head = plan.head(index);
            Buffer& segment = lane.open_segment();
            head.store(segment.extend(wire::ChunkHead::size));
            segment.append(metadata.substr(0, head.metadata_size));
            segment.append(body.substr(plan.offset(index), head.body_size));
            queued_bytes_ += wire::ChunkHead::size + head.metadata_size + head.body_size;
        }
    }

    /// Moves the messages of high priority before the others. Returns their bytes. Throws with the queue unchanged.
    [[gnu::noinline]] std::size_t put_first() {
        first_.segments.reserve(first_.segments.size() + queued_.segments.size());
        buffers_.reserve(first_.segments.capacity());
        first_.behind_attached.insert(first_.behind_attached.end(), queued_.behind_attached.begin(),
                                      queued_.behind_attached.end());
        std::size_t bytes = 0;
        for (const Buffer& segment : first_.segments) {
            bytes += segment.size();
        }
        for (Buffer& segment : queued_.segments) {
            first_.segments.push_back(std::move(segment));
        }
        std::swap(first_.segments, queued_.segments);
        std::swap(first_.behind_attached, queued_.behind_attached);
        first_ = {};
        return bytes;
    }

    std::size_t max_frame_;
    bool passes_descriptors_;
    BudgetReservation share_;  // for all bytes in the queue
    Room room_;
    Lane first_;  // requests of high priority
    Lane queued_;
    std::vector<Buffer> in_flight_;
    std::vector<asio::const_buffer> buffers_;
    std::size_t queued_bytes_ = 0;
    std::size_t in_flight_bytes_ = 0;
    std::size_t in_flight_high_ = 0;  // of high priority, in front of the others
    BytesByClass queued_by_class_{};
    BytesByClass in_flight_by_class_{};
    std::size_t written_ = 0;   // of the failed write
    std::size_t attached_ = 0;  // queued messages with descriptors
    bool asked_ = false;        // for the permission to send one of them
    bool permitted_ = false;
    bool has_pieces_ = false;  // the pending write has descriptors
};

}  // namespace communica::stream

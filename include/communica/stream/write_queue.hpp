// Messages queued for a stream: framed, coalesced, and returned if they were not written whole.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../limits.hpp"
#include "../wire/frame.hpp"
#include "lane.hpp"
#include "lent_bodies.hpp"
#include "unwritten_frames.hpp"

#include <algorithm>
#include <cstddef>
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
    static constexpr std::size_t large_body = Lane::large_body;

    /// Without `passes_descriptors` they are dropped.
    explicit WriteQueue(const Limits& limits, std::shared_ptr<Budget> budget = nullptr, bool passes_descriptors = false)
        : max_frame_(limits.max_frame), passes_descriptors_(passes_descriptors), share_(std::move(budget)) {}

    /// From now on the memory lent by `lender` is passed on instead of copied.
    void set_lender(const void* lender) noexcept { lender_ = lender; }

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
    bool is_room_awaited() const noexcept { return room_.is_awaited(); }
    bool room_is_back() noexcept { return room_.is_back(size(SendClass::request), size(SendClass::stream)); }

    void push(SendClass send_class, std::string_view metadata, Buffer& body) {
        Lane& lane = send_class == SendClass::high_request ? first_ : queued_;
        if (body.attached() != nullptr) [[unlikely]] {
            push_attached(lane, send_class, metadata, body);
        } else {
            count(lane, send_class, lane.push(metadata, body, max_frame_, lender_));
        }
        share_.set(size());
    }
    /// Queues bytes that are already framed.
    void push_frame(SendClass send_class, std::string_view frame) {
        queued_.open_segment().append(frame);
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
    [[gnu::always_inline]] std::span<const asio::const_buffer> begin_write() {
        in_flight_high_ = first_.segments.empty() ? 0 : put_first();
        buffers_.reserve(queued_.segments.size());
        const bool has_more_than_bytes = attached_ != 0 || !queued_.lent.empty();
        if (has_more_than_bytes) [[unlikely]] {
            begin_with_more();
        }
        std::swap(queued_.segments, in_flight_);
        in_flight_bytes_ = std::exchange(queued_bytes_, 0);
        in_flight_by_class_ = std::exchange(queued_by_class_, {});
        queued_.tail_is_borrowed = false;
        buffers_.clear();
        for (const Buffer& segment : in_flight_) {
            buffers_.emplace_back(segment.data(), segment.size());
        }
        if (has_more_than_bytes) [[unlikely]] {
            hold_back();
        }
        return buffers_;
    }

    /// Are there descriptors in the queue?
    bool has_attached() const noexcept { return attached_ != 0; }
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
        lent_in_flight_.pass_on();
        if (std::exchange(has_pieces_, false)) [[unlikely]] {
            return in_flight_.clear();
        }
        if (in_flight_.size() > 1) {
            in_flight_.erase(in_flight_.begin() + 1, in_flight_.end());
        }
        if (in_flight_.front().capacity() > Lane::segment_size) {
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
        LentBodies lent = std::exchange(lent_in_flight_, {});
        lent.add(std::exchange(first_.lent, {}));
        lent.add(std::exchange(queued_.lent, {}));
        UnwrittenFrames begun(std::exchange(in_flight_, {}));
        const std::size_t begin = begun.first_not_written(written_);
        const std::size_t high = std::clamp(in_flight_high_, begin, begun.size());
        begun.unframe(begin, high, SendClass::high_request, lent, unsent);
        begun.unframe(high, begun.size(), SendClass::request, lent, unsent);
        UnwrittenFrames first(std::exchange(first_, {}).segments);
        first.unframe(0, first.size(), SendClass::high_request, lent, unsent);
        UnwrittenFrames queued(std::exchange(queued_, {}).segments);
        queued.unframe(0, queued.size(), SendClass::request, lent, unsent);
        lent.pass_on();  // written whole
        queued_bytes_ = in_flight_bytes_ = written_ = attached_ = 0;
        queued_by_class_ = in_flight_by_class_ = {};
        share_.set(0);
        return unsent;
    }

 private:
    static constexpr std::size_t index_of(SendClass send_class) noexcept {
        return static_cast<std::size_t>(counted_as(send_class));
    }

    void count(Lane& lane, SendClass send_class, std::size_t bytes) noexcept {
        queued_bytes_ += bytes;
        queued_by_class_[index_of(send_class)] += bytes;
        if (attached_ != 0 && !lane.behind_attached.empty()) [[unlikely]] {
            lane.behind_attached.back()[index_of(send_class)] += bytes;
        }
    }

    [[gnu::noinline]] void push_attached(Lane& lane, SendClass send_class, std::string_view metadata, Buffer& body) {
        push_attachments(lane, body);
        try {
            count(lane, send_class, lane.push(metadata, body, max_frame_, lender_));
        } catch (...) {
            drop_last_attachments(lane);
            throw;
        }
    }
    /// Queues the frame of the descriptors before their message.
    void push_attachments(Lane& lane, Buffer& body) {
        if (!passes_descriptors_) {
            return body.attachments().reset();
        }
        ask();
        lane.push_descriptors(std::move(body.attachments()));
        ++attached_;
        count(lane, SendClass::response, wire::DescriptorsFrame::size);
    }
    /// The message of the frame that was queued last, if that is one of descriptors, could not be queued.
    void drop_last_attachments(Lane& lane) noexcept {
        if (lane.drop_descriptors()) {
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

    /// The first half of `begin_write` with descriptors or lent bodies. Throws with the queue unchanged.
    [[gnu::noinline]] void begin_with_more() {
        in_flight_.reserve(queued_.segments.size());
        first_.segments.reserve(1);
        lent_in_flight_.reserve(queued_.lent.size());
        std::swap(queued_.lent, lent_in_flight_);
    }
    /// The second half.
    [[gnu::noinline]] void hold_back() {
        if (attached_ != 0) {
            hold_back_attached();
        }
        lent_in_flight_.note_sent();
    }

    /// Moves back what waits for a permission: from the first message with descriptors on, or the second if there is a
    /// permission.
    void hold_back_attached() {
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
        queued_.take_lent(lent_in_flight_);
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

    /// Moves the messages of high priority before the others. Returns their bytes. Throws with the queue unchanged.
    [[gnu::noinline]] std::size_t put_first() {
        first_.segments.reserve(first_.segments.size() + queued_.segments.size());
        queued_.lent.reserve(queued_.lent.size() + first_.lent.size());
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
        queued_.lent.add(std::move(first_.lent));
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
    LentBodies lent_in_flight_;
    const void* lender_ = nullptr;
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

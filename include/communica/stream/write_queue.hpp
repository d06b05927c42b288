// Messages queued for a stream: framed, coalesced, and returned if they were not written whole.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../limits.hpp"
#include "../wire/frame.hpp"
#include "held_messages.hpp"
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
/// A message with descriptors waits, with all behind it that are not of high priority, for the peer's permission: only
/// then the peer reads with room for descriptors. It is not of high priority itself.
class WriteQueue {
 public:
    static constexpr std::size_t large_body = Lane::large_body;

    /// Without `passes_descriptors` they are dropped.
    explicit WriteQueue(const Limits& limits, std::shared_ptr<Budget> budget = nullptr, bool passes_descriptors = false)
        : max_frame_(limits.max_frame), share_(std::move(budget)), passes_descriptors_(passes_descriptors) {}
    WriteQueue(const WriteQueue&) = delete;
    WriteQueue& operator=(const WriteQueue&) = delete;
    ~WriteQueue() = default;

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
        if (send_class == SendClass::high_request || !body.is_plain()) [[unlikely]] {
            push_special(send_class, metadata, body);
        } else {
            count(send_class, last_->push(metadata, body, max_frame_));
        }
        share_.set(size());
    }
    /// Queues bytes that are already framed. They pass the messages that wait for a permission.
    void push_frame(SendClass send_class, std::string_view frame) {
        queued_.open_segment().append(frame);
        count_before_held(send_class, frame.size());
    }
    /// Queues such bytes behind all others.
    void push_last(SendClass send_class, std::string_view frame) {
        last_->open_segment().append(frame);
        count(send_class, frame.size());
    }
    /// Queues such bytes before all others.
    void push_first(SendClass send_class, std::string_view frame) {
        first_.open_segment().append(frame);
        count_before_held(send_class, frame.size());
    }

    /// The peer permits one message with descriptors. Returns false if this side did not ask.
    bool permit_descriptors() {
        if (std::exchange(permission_, Permission::unasked) == Permission::unasked) {
            return false;
        }
        held_.release_first(queued_, queued_by_class_);
        is_permitted_ = true;
        last_ = held_.empty() ? &queued_ : &held_.last();
        if (!held_.empty()) {
            ask();
        }
        return true;
    }

    /// Was the question for a permission written before the last call, and is it still not answered?
    bool is_permission_overdue() noexcept {
        const bool is_overdue = permission_ == Permission::overdue;
        permission_ = permission_ == Permission::written ? Permission::overdue : permission_;
        return is_overdue;
    }

    /// Moves everything queued into one write. Throws with the queue unchanged. Buffers are valid until `end_write`.
    [[gnu::always_inline]] std::span<const asio::const_buffer> begin_write() {
        in_flight_high_ = first_.segments.empty() ? 0 : put_first();
        buffers_.reserve(queued_.segments.size());
        std::swap(queued_.segments, in_flight_);
        in_flight_bytes_ = std::exchange(queued_bytes_, 0);
        in_flight_by_class_ = std::exchange(queued_by_class_, {});
        queued_.tail_is_borrowed = false;
        if (is_special_) [[unlikely]] {
            begin_special();
        }
        buffers_.clear();
        for (const Buffer& segment : in_flight_) {
            buffers_.emplace_back(segment.data(), segment.size());
        }
        return buffers_;
    }

    /// Are there descriptors in the queue?
    bool has_descriptors() const noexcept { return has_descriptors_; }
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
        if (is_special_in_flight_) [[unlikely]] {
            end_special();
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
        while (!held_.empty()) {
            held_.release_first(queued_, queued_by_class_);
        }
        last_ = &queued_;
        permission_ = Permission::unasked;
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
        queued_bytes_ = in_flight_bytes_ = written_ = 0;
        queued_by_class_ = in_flight_by_class_ = {};
        share_.set(0);
        return unsent;
    }

 private:
    /// The question for the permission to send the first of the held messages.
    enum class Permission { unasked, queued, in_flight, written, overdue };

    static constexpr std::size_t index_of(SendClass send_class) noexcept {
        return static_cast<std::size_t>(counted_as(send_class));
    }

    void count(SendClass send_class, std::size_t bytes) noexcept {
        queued_bytes_ += bytes;
        queued_by_class_[index_of(send_class)] += bytes;
    }
    void count_before_held(SendClass send_class, std::size_t bytes) noexcept {
        count(send_class, bytes);
        held_.count_before(index_of(send_class), bytes);
    }

    /// A message of high priority, with descriptors or in lent memory.
    [[gnu::noinline]] void push_special(SendClass send_class, std::string_view metadata, Buffer& body) {
        if (const auto attachments = body.take_attachments(); attachments && passes_descriptors_) {
            return push_held(send_class, metadata, body, attachments);
        }
        const bool is_high = send_class == SendClass::high_request;
        Lane& lane = is_high ? first_ : *last_;
        const bool is_passed_on = body.is_lent() && body.lent_memory()->lender == lender_;
        const std::size_t bytes = is_passed_on ? lane.push_lent(metadata, body) : lane.push(metadata, body, max_frame_);
        is_high ? count_before_held(send_class, bytes) : count(send_class, bytes);
        is_special_ = is_special_ || is_passed_on;
    }
    /// If it throws, the body has its attachments again, for who sends it later.
    void push_held(SendClass send_class, std::string_view metadata, Buffer& body,
                   const std::shared_ptr<base::Attachments>& attachments) {
        const std::size_t bytes = push_part(metadata, body, attachments);
        ask();
        last_ = &held_.last();
        is_special_ = has_descriptors_ = true;
        count(SendClass::response, wire::DescriptorsFrame::size);
        count(send_class, bytes);
    }
    std::size_t push_part(std::string_view metadata, Buffer& body,
                          const std::shared_ptr<base::Attachments>& attachments) {
        try {
            Buffer& tail = queued_.open_segment();
            tail.reserve(tail.size() + wire::ask_for_descriptors_frame.size());  // `ask` must not throw
            held_.begin(attachments, queued_by_class_);
            try {
                return held_.last().push(metadata, body, max_frame_);
            } catch (...) {
                held_.drop_last();
                throw;
            }
        } catch (...) {
            body.attachments() = attachments;
            throw;
        }
    }
    /// Asks for a permission, behind what is queued: the peer expects the descriptors of one message at a time.
    void ask() {
        if (permission_ == Permission::unasked) {
            push_frame(SendClass::response, wire::ask_for_descriptors_frame);
            permission_ = Permission::queued;
        }
    }

    /// A write begins with lent bodies or with permitted descriptors, or some wait.
    [[gnu::noinline]] void begin_special() noexcept {
        std::swap(queued_.lent, lent_in_flight_);
        lent_in_flight_.note_sent();
        is_special_in_flight_ = true;
        permission_ = permission_ == Permission::queued ? Permission::in_flight : permission_;
        has_pieces_ = std::exchange(is_permitted_, false);
        if (!held_.empty()) {
            const BytesByClass all = std::exchange(in_flight_by_class_, held_.take_before());
            queued_by_class_ = HeldMessages::difference(all, in_flight_by_class_);
            queued_bytes_ = std::exchange(in_flight_bytes_, 0);
            for (const std::size_t bytes : in_flight_by_class_) {
                in_flight_bytes_ += bytes;
            }
            queued_bytes_ -= in_flight_bytes_;
            has_pieces_ = has_pieces_ || in_flight_bytes_ == 0;
        }
        is_special_ = has_descriptors_ = !held_.empty();
    }
    [[gnu::noinline]] void end_special() noexcept {
        lent_in_flight_.pass_on();
        in_flight_.front().take_attachments();  // the others are destroyed
        is_special_in_flight_ = has_pieces_ = false;
        permission_ = permission_ == Permission::in_flight ? Permission::written : permission_;
    }

    /// Moves the messages of high priority before the others. Returns their bytes. Throws with the queue unchanged.
    [[gnu::noinline]] std::size_t put_first() {
        buffers_.reserve(first_.segments.size() + queued_.segments.size());
        std::size_t bytes = 0;
        for (const Buffer& segment : first_.segments) {
            bytes += segment.size();
        }
        first_.append(std::move(queued_));
        queued_ = std::exchange(first_, {});
        return bytes;
    }

    // First, next to each other in the cache, what every message needs.
    std::size_t max_frame_;
    Lane* last_ = &queued_;    // for all but requests of high priority: behind those that are held
    BudgetReservation share_;  // for all bytes in the queue
    std::size_t queued_bytes_ = 0;
    std::size_t in_flight_bytes_ = 0;
    BytesByClass queued_by_class_{};
    BytesByClass in_flight_by_class_{};
    std::size_t in_flight_high_ = 0;  // of high priority, in front of the others
    std::vector<Buffer> in_flight_;
    std::vector<asio::const_buffer> buffers_;
    Room room_;
    bool passes_descriptors_;
    bool is_special_ = false;  // the next write begins with `begin_special`
    bool is_special_in_flight_ = false;
    bool has_descriptors_ = false;
    bool has_pieces_ = false;  // the pending write has descriptors
    Lane queued_;
    Lane first_;  // requests of high priority
    LentBodies lent_in_flight_;
    const void* lender_ = nullptr;
    std::size_t written_ = 0;  // of the failed write
    Permission permission_ = Permission::unasked;
    bool is_permitted_ = false;  // one of the messages in `queued_`
    HeldMessages held_;
};

}  // namespace communica::stream

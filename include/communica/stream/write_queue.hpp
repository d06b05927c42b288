// Messages queued for a stream: framed, coalesced, and returned if they were not written whole.
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../limits.hpp"
#include "../wire/chunks.hpp"
#include "../wire/frame.hpp"
#include "../wire/frame_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::stream {

/// All messages queued between two writes go out in one gathered write. Small messages are copied one behind the other,
/// large bodies are moved in. Does no I/O; not thread-safe.
class WriteQueue {
 public:
    /// A body of at least this size is moved instead of copied.
    static constexpr std::size_t large_body = 16 * 1024;

    explicit WriteQueue(const Limits& limits, std::shared_ptr<Budget> budget = nullptr)
        : max_frame_(limits.max_frame), share_(std::move(budget)) {}

    bool empty() const noexcept { return queued_bytes_ == 0; }
    /// Bytes queued, and those of the pending write.
    std::size_t size() const noexcept { return queued_bytes_ + in_flight_bytes_; }
    /// The same for one class.
    std::size_t size(SendClass send_class) const noexcept {
        const auto index = static_cast<std::size_t>(send_class);
        return queued_by_class_[index] + in_flight_by_class_[index];
    }

    /// Is there room for `more` bytes? If not, `room_is_back` tells when there is.
    bool admits(SendClass send_class, std::size_t more) noexcept {
        return room_.admits(send_class, size(send_class), more);
    }
    bool room_is_back() noexcept { return room_.is_back(size(SendClass::request), size(SendClass::stream)); }

    void push(SendClass send_class, std::string_view metadata, Buffer& body) {
        const std::size_t before = queued_bytes_;
        push_message(metadata, body);
        queued_by_class_[static_cast<std::size_t>(send_class)] += queued_bytes_ - before;
        share_.set(size());
    }
    /// Queues bytes that are already framed.
    void push_frame(SendClass send_class, std::string_view frame) {
        open_segment().append(frame);
        queued_bytes_ += frame.size();
        queued_by_class_[static_cast<std::size_t>(send_class)] += frame.size();
    }

    /// Moves everything queued into one write. Throws with the queue unchanged. Buffers are valid until `end_write`.
    std::span<const asio::const_buffer> begin_write() {
        buffers_.reserve(queued_.size());
        std::swap(queued_, in_flight_);
        in_flight_bytes_ = std::exchange(queued_bytes_, 0);
        in_flight_by_class_ = std::exchange(queued_by_class_, {});
        tail_is_borrowed_ = false;
        buffers_.clear();
        for (const Buffer& segment : in_flight_) {
            buffers_.emplace_back(segment.data(), segment.size());
        }
        return buffers_;
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
        Buffer rest;
        for (const Buffer& segment : std::exchange(in_flight_, {})) {
            rest.append(in_flight_bytes_ != 0 ? segment.text() : std::string_view{});
        }
        const std::size_t begin = first_not_written(rest.text(), written_);
        for (const Buffer& segment : std::exchange(queued_, {})) {
            rest.append(segment.text());
        }
        queued_bytes_ = in_flight_bytes_ = written_ = 0;
        queued_by_class_ = in_flight_by_class_ = {};
        share_.set(0);
        return unframe(rest.text().substr(begin));
    }

 private:
    static constexpr std::size_t segment_size = 64 * 1024;

    Buffer& open_segment() {
        if (queued_.empty() || tail_is_borrowed_ || queued_.back().size() >= segment_size) {
            queued_.emplace_back();
            tail_is_borrowed_ = false;
        }
        return queued_.back();
    }

    void push_message(std::string_view metadata, Buffer& body) {
        if (metadata.size() + body.size() > max_frame_) {
            all_or_nothing([&] { push_chunks(metadata, body.text()); });
        } else if (body.size() < large_body) {
            char* const at = push_head(metadata, body.size(), body.size());
            std::memcpy(at, body.data(), body.size());
        } else {
            all_or_nothing([&] {
                push_head(metadata, body.size(), 0);
                queued_.push_back(std::move(body));
                tail_is_borrowed_ = true;
            });
        }
    }

    /// Appends the head. Returns where the following `room` bytes are to be written.
    char* push_head(std::string_view metadata, std::size_t body_size, std::size_t room) {
        const std::size_t size = wire::MessageHead::size + metadata.size();
        char* const at = open_segment().extend(size + room);
        wire::MessageHead{metadata.size(), body_size}.store(at);
        std::memcpy(at + wire::MessageHead::size, metadata.data(), metadata.size());
        queued_bytes_ += size + body_size;
        return at + size;
    }

    /// Removes a partly queued message if memory runs out.
    template <class Push>
    void all_or_nothing(Push push) {
        const std::size_t segments = queued_.size();
        const std::size_t size = queued_.empty() ? 0 : queued_.back().size();
        const std::size_t bytes = queued_bytes_;
        const bool sealed = tail_is_borrowed_;
        try {
            push();
        } catch (...) {
            queued_.erase(queued_.begin() + static_cast<std::ptrdiff_t>(segments), queued_.end());
            if (!queued_.empty()) {
                queued_.back().truncate(size);
            }
            queued_bytes_ = bytes;
            tail_is_borrowed_ = sealed;
            throw;
        }
    }

    void push_chunks(std::string_view metadata, std::string_view body) {
        const wire::ChunkPlan plan(metadata.size(), body.size(), max_frame_);
        for (std::size_t index = 0; index != plan.total(); ++index) {
            const wire::ChunkHead head = plan.head(index);
            Buffer& segment = open_segment();
            head.store(segment.extend(wire::ChunkHead::size));
            segment.append(metadata.substr(0, head.metadata_size));
            segment.append(body.substr(plan.offset(index), head.body_size));
            queued_bytes_ += wire::ChunkHead::size + head.metadata_size + head.body_size;
        }
    }

    /// The offset of the first message, whole or chunked, with bytes beyond the first `written`.
    static std::size_t first_not_written(std::string_view frames, std::size_t written) noexcept {
        std::size_t message = 0;
        std::size_t at = 0;
        while (at < written) {
            const char* const frame = frames.data() + at;
            const bool is_chunk = frame[wire::length_size] == static_cast<char>(wire::FrameCode::chunk);
            const bool is_last = !is_chunk || wire::load_u32(frame + 5) + 1 == wire::load_u32(frame + 9);
            at += wire::length_size + wire::load_u32(frame);
            if (at <= written && is_last) {
                message = at;
            }
        }
        return message;
    }

    static std::vector<UnsentMessage> unframe(std::string_view frames) {
        std::vector<UnsentMessage> messages;
        constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
        constexpr Limits no_limits{.max_message = unlimited, .max_metadata = unlimited};
        wire::FrameReader reader(no_limits);
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
                    return messages;  // a late goodbye: nothing is queued behind it
                }
                const bool whole = frame.kind == wire::Frame::Kind::message ||
                                   (frame.kind == wire::Frame::Kind::chunk && chunks.add(frame));
                if (whole) {
                    messages.push_back({std::string(frame.metadata), {}});
                    messages.back().body.append(frame.body);
                }
            }
        }
        return messages;
    }

    std::size_t max_frame_;
    BudgetReservation share_;  // for all bytes in the queue
    Room room_;
    std::vector<Buffer> queued_;
    std::vector<Buffer> in_flight_;
    std::vector<asio::const_buffer> buffers_;
    std::size_t queued_bytes_ = 0;
    std::size_t in_flight_bytes_ = 0;
    std::array<std::size_t, send_classes> queued_by_class_{};
    std::array<std::size_t, send_classes> in_flight_by_class_{};
    std::size_t written_ = 0;        // of the failed write
    bool tail_is_borrowed_ = false;  // the last segment is a body: nothing may be appended to it
};

}  // namespace communica::stream

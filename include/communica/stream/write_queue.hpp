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
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::stream {

/// All messages queued between two writes go out in one gathered write, those of high priority first. Small messages are
/// copied one behind the other, large bodies are moved in. Does no I/O; not thread-safe.
class WriteQueue {
 public:
    /// A body of at least this size is moved instead of copied.
    static constexpr std::size_t large_body = 16 * 1024;

    explicit WriteQueue(const Limits& limits, std::shared_ptr<Budget> budget = nullptr)
        : max_frame_(limits.max_frame), share_(std::move(budget)) {}

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
    /// Bytes of the pending write.
    std::size_t in_flight() const noexcept { return in_flight_bytes_; }
    bool room_is_back() noexcept { return room_.is_back(size(SendClass::request), size(SendClass::stream)); }

    void push(SendClass send_class, std::string_view metadata, Buffer& body) {
        const std::size_t before = queued_bytes_;
        push_message(send_class == SendClass::high_request ? first_ : queued_, metadata, body);
        queued_by_class_[index_of(send_class)] += queued_bytes_ - before;
        share_.set(size());
    }
    /// Queues bytes that are already framed.
    void push_frame(SendClass send_class, std::string_view frame) {
        queued_.open_segment().append(frame);
        queued_bytes_ += frame.size();
        queued_by_class_[index_of(send_class)] += frame.size();
    }

    /// Moves everything queued into one write. Throws with the queue unchanged. Buffers are valid until `end_write`.
    std::span<const asio::const_buffer> begin_write() {
        in_flight_high_ = first_.segments.empty() ? 0 : put_first();
        buffers_.reserve(queued_.segments.size());
        if (!queued_.lent.empty()) [[unlikely]] {
            std::swap(queued_.lent, lent_in_flight_);
            for (Buffer& body : lent_in_flight_) {
                body.lent_memory()->note_sent();
            }
        }
        std::swap(queued_.segments, in_flight_);
        in_flight_bytes_ = std::exchange(queued_bytes_, 0);
        in_flight_by_class_ = std::exchange(queued_by_class_, {});
        queued_.tail_is_borrowed = false;
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
        pass_on(lent_in_flight_);
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
        std::vector<Buffer> lent = std::exchange(lent_in_flight_, {});
        std::ranges::move(std::exchange(first_.lent, {}), std::back_inserter(lent));
        std::ranges::move(std::exchange(queued_.lent, {}), std::back_inserter(lent));
        const Buffer begun = join(std::exchange(in_flight_, {}));
        const std::size_t begin = first_not_written(begun.text(), written_);
        const std::size_t high = std::clamp(in_flight_high_, begin, begun.size());
        unframe(begun.text().substr(begin, high - begin), SendClass::high_request, lent, unsent);
        unframe(begun.text().substr(high), SendClass::request, lent, unsent);
        unframe(join(std::exchange(first_, {}).segments).text(), SendClass::high_request, lent, unsent);
        unframe(join(std::exchange(queued_, {}).segments).text(), SendClass::request, lent, unsent);
        pass_on(lent);  // written whole
        queued_bytes_ = in_flight_bytes_ = written_ = 0;
        queued_by_class_ = in_flight_by_class_ = {};
        share_.set(0);
        return unsent;
    }

 private:
    static constexpr std::size_t segment_size = 64 * 1024;

    struct Lane {
        std::vector<Buffer> segments = {};
        std::vector<Buffer> lent = {};  // bodies that the frames refer to
        bool tail_is_borrowed = false;  // the last segment is a body: nothing may be appended to it

        [[gnu::always_inline]] Buffer& open_segment() {
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

    void push_message(Lane& lane, std::string_view metadata, Buffer& body) {
        if (body.is_lent() && body.lent_memory()->lender == lender_) [[unlikely]] {
            push_lent(lane, metadata, body);
        } else if (metadata.size() + body.size() > max_frame_) {
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

    [[gnu::noinline]] void push_lent(Lane& lane, std::string_view metadata, Buffer& body) {
        const base::LentMemory& memory = *body.lent_memory();
        const std::size_t size = wire::LentHead::size + metadata.size();
        if (lane.lent.size() == lane.lent.capacity()) {
            lane.lent.reserve(2 * lane.lent.size() + 1);
        }
        char* const at = lane.open_segment().extend(size);
        wire::LentHead{memory.segment, static_cast<std::size_t>(body.data() - memory.start), body.size(),
                       metadata.size()}
            .store(at);
        std::memcpy(at + wire::LentHead::size, metadata.data(), metadata.size());
        queued_bytes_ += size;
        lane.lent.push_back(std::move(body));
    }

    static void pass_on(std::vector<Buffer>& lent) noexcept {
        for (Buffer& body : lent) {
            body.pass_on();
        }
        lent.clear();
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
        queued_.lent.reserve(queued_.lent.size() + first_.lent.size());
        buffers_.reserve(first_.segments.capacity());
        std::size_t bytes = 0;
        for (const Buffer& segment : first_.segments) {
            bytes += segment.size();
        }
        for (Buffer& segment : queued_.segments) {
            first_.segments.push_back(std::move(segment));
        }
        std::swap(first_.segments, queued_.segments);
        std::ranges::move(first_.lent, std::back_inserter(queued_.lent));
        first_ = {};
        return bytes;
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

    static Buffer join(const std::vector<Buffer>& segments) {
        Buffer all;
        for (const Buffer& segment : segments) {
            all.append(segment.text());
        }
        return all;
    }

    /// Moves the body in this memory out of `lent`. Of two the later: the earlier has come back since it was sent.
    static Buffer take_lent(std::vector<Buffer>& lent, std::uint32_t segment) noexcept {
        const auto found = std::find_if(lent.rbegin(), lent.rend(), [segment](const Buffer& body) {
            return body.lent_memory()->segment == segment;
        });
        Buffer body = std::move(*found);
        lent.erase(std::next(found).base());
        return body;
    }

    static void unframe(std::string_view frames, SendClass send_class, std::vector<Buffer>& lent,
                        std::vector<UnsentMessage>& messages) {
        constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
        constexpr Limits no_limits{.max_message = unlimited, .max_metadata = unlimited};
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
                const bool whole = frame.kind == wire::Frame::Kind::message ||
                                   (frame.kind == wire::Frame::Kind::chunk && chunks.add(frame));
                if (frame.kind == wire::Frame::Kind::lent) {
                    messages.push_back({std::string(frame.metadata), take_lent(lent, frame.index), send_class});
                } else if (whole) {
                    messages.push_back({std::string(frame.metadata), {}, send_class});
                    messages.back().body.append(frame.body);
                }
            }
        }
    }

    std::size_t max_frame_;
    BudgetReservation share_;  // for all bytes in the queue
    Room room_;
    Lane first_;  // requests of high priority
    Lane queued_;
    std::vector<Buffer> in_flight_;
    std::vector<Buffer> lent_in_flight_;
    const void* lender_ = nullptr;
    std::vector<asio::const_buffer> buffers_;
    std::size_t queued_bytes_ = 0;
    std::size_t in_flight_bytes_ = 0;
    std::size_t in_flight_high_ = 0;  // of high priority, in front of the others
    std::array<std::size_t, send_classes> queued_by_class_{};
    std::array<std::size_t, send_classes> in_flight_by_class_{};
    std::size_t written_ = 0;  // of the failed write
};

}  // namespace communica::stream

// Parses frames from the bytes of a stream, incrementally. Does no I/O.
#pragma once

#include "../budget.hpp"
#include "../error.hpp"
#include "../limits.hpp"
#include "frame.hpp"
#include "read_buffer.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace communica::wire {

/// A message with a larger body is not even skipped: the connection ends.
inline constexpr std::size_t max_discarded = 1024 * 1024 * 1024;

/// One frame. Its views are valid until the next call of `next()`.
struct Frame {
    enum class Kind {
        message,    ///< `metadata` and `body`
        chunk,      ///< `index`, `total`, `metadata` and `body`; `why` if the body was dropped
        discarded,  ///< `metadata` of a message whose body, of `body_size` bytes, is skipped as it arrives, and `why`
        close,      ///< the peer closes the connection in order
        ping,       ///< the peer expects a pong
        pong,
        lent,      ///< `metadata` of a message with its body in the lent memory `index`, at `total`; or `why`
        returned,  ///< the peer gives back the lent memory `index`
        retired,   ///< the peer does not use its memory `index` any more
        ask_for_descriptors,  ///< the peer wants to send a message with descriptors
        permit_descriptors,   ///< the peer is ready for one
        descriptors,          ///< `total` descriptors were sent with this frame, for the next message
    };
    Kind kind = Kind::message;
    std::string_view metadata = {};
    std::string_view body = {};
    std::uint32_t index = 0;
    std::uint32_t total = 0;
    std::size_t body_size = 0;
    errc why{};  ///< `message_too_large`, or `busy`: over the entity's budget
};

/// Parses frames from a `ReadBuffer`. Checks every length before its use. An invalid one throws `std::system_error`
/// with `errc::protocol_error` or `errc::message_too_large`; the stream can't be parsed any further then.
///
/// Flow: `prepare()`, read into it, `commit(n)`, then `next(frame)` until it returns false.
class FrameReader {
 public:
    explicit FrameReader(const Limits& limits = {}, std::shared_ptr<Budget> budget = nullptr)
        : max_message_(limits.max_message), max_metadata_(limits.max_metadata), share_(std::move(budget)) {}

    /// Accepts bodies in lent memory. Without this their frames are of unknown codes.
    void accept_lent() noexcept { accepts_lent_ = true; }

    /// The bytes received. The handshake reads from the same buffer before the first frame.
    ReadBuffer& buffer() noexcept { return buffer_; }

    /// The buffer for the next bytes.
    std::span<char> prepare() {
        buffer_.expect(needed_, at_once_);
        return buffer_.prepare();
    }

    void commit(std::size_t count) noexcept { buffer_.commit(count); }

    /// Is there an empty buffer that only a large message needed?
    bool has_large_buffer() const noexcept { return buffer_.is_large() && buffer_.unread().empty(); }
    /// Is the entity's budget nearly used up, so that this memory should be freed?
    bool is_under_pressure() const noexcept { return share_.is_under_pressure(); }
    /// Frees the large buffer. Only after `next` has returned false.
    void shrink() noexcept {
        if (buffer_.shrink() && !at_once_) {
            share_.set(0);
        }
    }

    /// The buffer that contains this frame, if the receiver may take it; otherwise null.
    Buffer* memory_of(const Frame& frame) noexcept { return buffer_.memory_of(frame.body); }
    /// To be called after the receiver may have moved that buffer away.
    void forget_taken() noexcept {
        if (buffer_.forget_taken()) {
            used_ = 0;
            share_.set(0);
        }
    }

    /// Parses the next frame. Returns false if more bytes are needed.
    bool next(Frame& frame) {
        buffer_.consume(std::exchange(used_, 0));
        if (skipping_ != 0 && !skip()) {
            return false;
        }
        const std::string_view bytes = buffer_.unread();
        if (bytes.size() < length_size) {
            return need(length_size + 1);
        }
        const std::size_t length = load_u32(&bytes.front());
        if (length == 0) {
            throw std::system_error(errc::protocol_error, "a frame of length 0");
        }
        if (bytes.size() == length_size) {
            return need(length_size + 1);
        }
        switch (static_cast<FrameCode>(bytes[length_size])) {
            case FrameCode::message: return next_message(frame, bytes, length);
            case FrameCode::chunk: return next_chunk(frame, bytes, length);
            default: return next_rare(frame, bytes, length);
        }
    }

 private:
    bool next_message(Frame& frame, std::string_view bytes, std::size_t length) {
        if (!has_head(bytes, length, MessageHead::size)) {
            return false;
        }
        const std::size_t counted = load_u32(bytes.data() + length_size + 1);
        if (counted < 4 || counted > length - 1) {
            throw std::system_error(errc::protocol_error, "a metadata length that its frame can't hold");
        }
        frame = {.kind = Frame::Kind::message, .body_size = length - 1 - counted};
        return take(frame, bytes, MessageHead::size, counted - 4);
    }

    bool next_chunk(Frame& frame, std::string_view bytes, std::size_t length) {
        if (!has_head(bytes, length, ChunkHead::size)) {
            return false;
        }
        const std::size_t metadata_size = load_u32(bytes.data() + length_size + 9);
        if (metadata_size > length - 13) {
            throw std::system_error(errc::protocol_error, "a metadata length that its chunk can't hold");
        }
        frame = {.kind = Frame::Kind::chunk,
                 .index = load_u32(bytes.data() + length_size + 1),
                 .total = load_u32(bytes.data() + length_size + 5),
                 .body_size = length - 13 - metadata_size};
        return take(frame, bytes, ChunkHead::size, metadata_size);
    }

    /// Sets metadata and body once all bytes are buffered, or the metadata alone if the message is over a limit.
    bool take(Frame& frame, std::string_view bytes, std::size_t head, std::size_t metadata_size) {
        if (metadata_size > max_metadata_) {
            throw std::system_error(errc::message_too_large, "metadata over the limit");
        }
        if (frame.body_size > max_message_ - std::min(metadata_size, max_message_)) {
            frame.why = errc::message_too_large;
            if (frame.body_size > max_discarded) {
                throw std::system_error(errc::message_too_large, "a frame too large to read past");
            }
        }
        const std::size_t head_size = head + metadata_size;
        const std::size_t size = head_size + (frame.why == errc{} ? frame.body_size : 0);
        if (bytes.size() < size) {
            if (bytes.size() < head_size) {
                return need(size);
            }
            // Charge the budget only for bytes received, because the buffer grows with them. A spare block of this
            // thread that is large enough is used and charged at once, if the budget is not under pressure.
            const bool at_once = base::has_spare_block(size) && !share_.is_under_pressure() && share_.grow_to(size);
            if (at_once || share_.grow_to(std::min(size, 2 * bytes.size()))) {
                return need(size, at_once);
            }
            frame.why = errc::busy;
        }
        frame.metadata = bytes.substr(head, metadata_size);
        if (frame.why == errc{}) {
            frame.body = bytes.substr(head_size, frame.body_size);
            used_ = size;
        } else {
            used_ = head_size;
            skipping_ = frame.body_size;
            if (frame.kind == Frame::Kind::message) {
                frame.kind = Frame::Kind::discarded;
            }
        }
        need(0);
        return true;
    }

    bool next_sign(Frame& frame, Frame::Kind kind, std::size_t length) {
        if (length != 1) {
            throw std::system_error(errc::protocol_error, "a frame with something in it that has to be empty");
        }
        frame = {.kind = kind};
        used_ = length_size + 1;
        need(0);
        return true;
    }

    /// Not inlined, so that the functions of messages are inlined where those are read.
    [[gnu::noinline]] bool next_rare(Frame& frame, std::string_view bytes, std::size_t length) {
        switch (static_cast<FrameCode>(bytes[length_size])) {
            case FrameCode::close_notify: frame = {.kind = Frame::Kind::close}; return true;
            case FrameCode::ping: return next_sign(frame, Frame::Kind::ping, length);
            case FrameCode::pong: return next_sign(frame, Frame::Kind::pong, length);
            case FrameCode::lent:
            case FrameCode::returned:
            case FrameCode::retired:
                if (!accepts_lent_) {
                    break;
                }
                return next_of_lent(frame, bytes, length);
            case FrameCode::ask_for_descriptors: return next_sign(frame, Frame::Kind::ask_for_descriptors, length);
            case FrameCode::permit_descriptors: return next_sign(frame, Frame::Kind::permit_descriptors, length);
            case FrameCode::descriptors: return next_descriptors(frame, bytes, length);
            default: break;
        }
        throw std::system_error(errc::protocol_error, "a frame of unknown code");
    }

    bool next_of_lent(Frame& frame, std::string_view bytes, std::size_t length) {
        const auto code = static_cast<FrameCode>(bytes[length_size]);
        const std::size_t head = code == FrameCode::lent ? LentHead::size : SegmentNotice::size;
        const std::size_t size = length_size + length;
        if (size < head || (code != FrameCode::lent && size != head)) {
            throw std::system_error(errc::protocol_error, "a frame of lent memory of the wrong length");
        }
        if (size - head > max_metadata_) {
            throw std::system_error(errc::message_too_large, "metadata over the limit");
        }
        if (bytes.size() < size) {
            return need(size);
        }
        frame = {.kind = code == FrameCode::lent       ? Frame::Kind::lent
                         : code == FrameCode::returned ? Frame::Kind::returned
                                                       : Frame::Kind::retired,
                 .metadata = bytes.substr(head, size - head),
                 .index = load_u32(bytes.data() + 5)};
        if (code == FrameCode::lent) {
            frame.total = load_u32(bytes.data() + 9);
            frame.body_size = load_u32(bytes.data() + 13);
            if (frame.body_size > max_message_ - std::min(frame.metadata.size(), max_message_)) {
                frame.why = errc::message_too_large;
            }
        }
        used_ = size;
        return !need(0);
    }

    bool next_descriptors(Frame& frame, std::string_view bytes, std::size_t length) {
        if (length_size + length != DescriptorsFrame::size) {
            throw std::system_error(errc::protocol_error, "a frame of descriptors without their number");
        }
        if (bytes.size() < DescriptorsFrame::size) {
            return need(DescriptorsFrame::size);
        }
        frame = {.kind = Frame::Kind::descriptors, .total = static_cast<unsigned char>(bytes[length_size + 1])};
        used_ = DescriptorsFrame::size;
        need(0);
        return true;
    }

    /// Skips bytes of a dropped body. Returns whether that was all of it.
    bool skip() noexcept {
        const std::size_t count = std::min(skipping_, buffer_.unread().size());
        buffer_.consume(count);
        skipping_ -= count;
        need(0);
        return skipping_ == 0;
    }

    bool need(std::size_t size, bool at_once = false) noexcept {
        needed_ = size;
        at_once_ = at_once;
        return false;
    }

    bool has_head(std::string_view bytes, std::size_t length, std::size_t head) {
        if (length_size + length < head) {
            throw std::system_error(errc::protocol_error, "a frame too short for its head");
        }
        return bytes.size() >= head || need(head);
    }

    std::size_t max_message_;
    std::size_t max_metadata_;
    BudgetReservation share_;  // for the content of `buffer_`
    ReadBuffer buffer_;
    std::size_t used_ = 0;    // of the frame returned last
    std::size_t needed_ = 0;  // bytes needed for the next frame, as far as known
    bool accepts_lent_ = false;
    bool at_once_ = false;      // all of them are charged already
    std::size_t skipping_ = 0;  // bytes of a dropped body still to come
};

}  // namespace communica::wire

// A message in parts: how it is cut, and how it is put together again.
#pragma once

#include "../budget.hpp"
#include "../error.hpp"
#include "frame_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace communica::wire {

/// How many chunks a message takes, and what each of them holds, so that no frame's payload passes `max_payload`.
/// The metadata goes whole with the first chunk.
class ChunkPlan {
 public:
    static constexpr std::size_t overhead = 12;  // index, total, metadata size

    /// `max_payload`: the most that one frame may hold besides its length and code.
    ChunkPlan(std::size_t metadata_size, std::size_t body_size, std::size_t max_payload)
        : metadata_size_(metadata_size), body_size_(body_size) {
        const std::size_t room = max_payload > overhead ? max_payload - overhead : 1;
        first_ = std::min(body_size, room > metadata_size ? room - metadata_size : 0);
        each_ = room;
        total_ = 1 + (body_size - first_ + each_ - 1) / each_;
    }

    std::size_t total() const noexcept { return total_; }

    ChunkHead head(std::size_t index) const noexcept {
        return {.index = static_cast<std::uint32_t>(index),
                .total = static_cast<std::uint32_t>(total_),
                .metadata_size = index == 0 ? metadata_size_ : 0,
                .body_size = index == 0 ? first_ : std::min(each_, body_size_ - offset(index))};
    }

    /// Where in the body chunk `index` begins.
    std::size_t offset(std::size_t index) const noexcept { return index == 0 ? 0 : first_ + (index - 1) * each_; }

 private:
    std::size_t metadata_size_;
    std::size_t body_size_;
    std::size_t first_ = 0;
    std::size_t each_ = 0;
    std::size_t total_ = 0;
};

/// Puts the chunks of one message together, in the order in which they come (the protocol has one chunked message
/// at a time for each direction). One over the limit is dropped, but for its metadata.
class ChunkAssembler {
 public:
    explicit ChunkAssembler(const Limits& limits = {}, std::shared_ptr<Budget> budget = nullptr)
        : max_message_(limits.max_message), share_(std::move(budget)) {}

    /// Takes a chunk. Says true when `frame` has become a whole message (`message`), or one that has just
    /// passed a limit (`discarded`); the views live until the next call.
    bool add(Frame& frame) {
        if (!parts_ || parts_->count == 0) {
            if (frame.index != 0) {
                return false;  // the rest of a message whose start we never saw
            }
            release();
            parts_ = std::make_unique<Parts>();
            parts_->metadata.append(frame.metadata);
        }
        ++parts_->count;
        const bool last = parts_->count == frame.total;
        if (last) {
            parts_->count = 0;
        }
        if (parts_->dropped) {
            return false;
        }
        const std::size_t size = parts_->body.size() + frame.body_size;
        if (frame.why == errc{} && parts_->metadata.size() + size > max_message_) {
            frame.why = errc::message_too_large;
        }
        // Twice: a buffer that grows may double.
        if (frame.why == errc{} && !share_.grow_to(parts_->metadata.size() + 2 * size)) {
            frame.why = errc::busy;
        }
        if (frame.why != errc{}) {
            parts_->body.release();
            share_.set(0);
            parts_->dropped = true;
            frame = {.kind = Frame::Kind::discarded, .metadata = parts_->metadata.text(), .why = frame.why};
            return true;
        }
        parts_->body.append(frame.body);
        if (last) {
            frame = {.kind = Frame::Kind::message,
                     .metadata = parts_->metadata.text(),
                     .body = parts_->body.text(),
                     .body_size = size};
        }
        return last;
    }

    /// Gives back the memory of a message that was whole. Call it when nobody looks at that any more.
    void shrink() noexcept {
        if (parts_ && parts_->count == 0) {
            release();
        }
    }

 private:
    struct Parts {
        Buffer metadata;
        Buffer body;
        std::size_t count = 0;  // of the chunks that have come; 0 again with the last
        bool dropped = false;
    };

    void release() noexcept {
        parts_.reset();
        share_.set(0);
    }

    std::size_t max_message_;
    BudgetReservation share_;       // of the message
    std::unique_ptr<Parts> parts_;  // seldom there: an idle connection takes 500 bytes less
};

}  // namespace communica::wire

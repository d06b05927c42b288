// Splits messages into chunks, and reassembles them.
#pragma once

#include "../budget.hpp"
#include "../error.hpp"
#include "frame_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace communica::wire {

/// The number of a message's chunks and the content of each, so that no frame's payload exceeds `max_payload`. The
/// first chunk has all of the metadata.
class ChunkPlan {
 public:
    static constexpr std::size_t overhead = 12;  // index, total, metadata size

    /// `max_payload`: the most bytes of a frame behind its length and code.
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

    /// The offset in the body at which chunk `index` begins.
    std::size_t offset(std::size_t index) const noexcept { return index == 0 ? 0 : first_ + (index - 1) * each_; }

 private:
    std::size_t metadata_size_;
    std::size_t body_size_;
    std::size_t first_ = 0;
    std::size_t each_ = 0;
    std::size_t total_ = 0;
};

/// Reassembles the chunks of one message in the order of arrival. (The protocol has at most one chunked message at a
/// time in each direction.) The body of a message over a limit is dropped; its metadata is kept.
class ChunkAssembler {
 public:
    explicit ChunkAssembler(const Limits& limits = {}, std::shared_ptr<Budget> budget = nullptr)
        : max_message_(limits.max_message), share_(std::move(budget)) {}

    /// Adds a chunk. Returns true if `frame` is now a whole message (`message`), or one that has just exceeded a limit
    /// (`discarded`). The views are valid until the next call.
    bool add(Frame& frame) {
        if (!parts_ || parts_->count == 0) {
            if (frame.index != 0) {
                return false;  // the rest of a message whose start was not received
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
        // Twice the size: a growing buffer may double.
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

    /// Frees the memory of a whole message. Only after its views are no longer used.
    void shrink() noexcept {
        if (parts_ && parts_->count == 0) {
            release();
        }
    }

 private:
    struct Parts {
        Buffer metadata;
        Buffer body;
        std::size_t count = 0;  // chunks received; 0 again after the last
        bool dropped = false;
    };

    void release() noexcept {
        parts_.reset();
        share_.set(0);
    }

    std::size_t max_message_;
    BudgetReservation share_;       // for the message
    std::unique_ptr<Parts> parts_;  // mostly null: an idle connection takes 500 bytes less
};

}  // namespace communica::wire

// Assembles the bodies of messages from AMQP frames.
#pragma once

#include "../../budget.hpp"
#include "../../buffer.hpp"
#include "../../error.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace communica::rabbitmq {

/// Assembles one body after another. A body that is too large, or for which there is no memory, is read to its end, but
/// only its first bytes are kept. Not thread-safe.
class Assembler {
 public:
    /// Keeps bodies of up to `limit` bytes, and the first `head` bytes of larger ones.
    Assembler(std::size_t limit, std::size_t head, std::shared_ptr<Budget> budget)
        : limit_(limit), head_(head), share_(std::move(budget)) {}

    void set_limits(std::size_t limit, std::size_t head) noexcept {
        limit_ = limit;
        head_ = head;
    }

    void begin(std::uint64_t size) {
        left_ = size;
        cut_ = size > limit_ ? std::optional(errc::message_too_large) : std::nullopt;
        buffer_.clear();
        borrowed_ = {};
    }

    bool is_whole() const noexcept { return left_ == 0; }

    /// Adds the next bytes, which must be valid until the next call if they are the whole body. Drops excess bytes.
    void add(std::string_view bytes) {
        bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
        const bool is_all = bytes.size() == left_ && buffer_.empty();
        left_ -= bytes.size();
        if (is_all && !cut_) {
            borrowed_ = bytes;
            return;
        }
        if (!cut_ && !share_.grow_to(buffer_.size() + bytes.size())) {
            cut_ = errc::busy;
            truncate_to_head();
        }
        const std::size_t room = cut_ ? head_ - std::min(head_, buffer_.size()) : bytes.size();
        buffer_.append(bytes.substr(0, room));
    }

    /// The body, or its head if it was cut.
    std::string_view body() const noexcept { return borrowed_.data() != nullptr ? borrowed_ : buffer_.text(); }
    /// Why the body was cut.
    std::optional<errc> cut() const noexcept { return cut_; }

    /// Frees the body.
    void end() noexcept {
        borrowed_ = {};
        if (buffer_.capacity() > kept_capacity) {
            buffer_.release();
        }
        buffer_.clear();
        share_.set(0);
    }

 private:
    static constexpr std::size_t kept_capacity = 64 * 1024;

    void truncate_to_head() {
        Buffer head;
        head.append(buffer_.text().substr(0, head_));
        buffer_ = std::move(head);
        share_.set(buffer_.size());
    }

    std::size_t limit_;
    std::size_t head_;
    BudgetReservation share_;
    Buffer buffer_;
    std::string_view borrowed_;
    std::uint64_t left_ = 0;
    std::optional<errc> cut_;
};

}  // namespace communica::rabbitmq

// Bodies of messages from AMQP's frames.
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

/// Puts one body after the other together. One that is too large, or for which there is no memory, is read to its end but
/// not kept, but for its first bytes. Not thread-safe.
class Assembler {
 public:
    /// Bodies of up to `limit` bytes are kept whole, and `head` bytes of any.
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

    /// The next bytes, which live until the next call if they are the whole body. More than there should be are dropped.
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
    /// Why it is not all there.
    std::optional<errc> cut() const noexcept { return cut_; }

    /// The body is not needed any more.
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

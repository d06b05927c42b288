// What a message has besides its bytes.
#pragma once

#include "budget.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace communica::base {

/// The part of an entity's budget of descriptors that one peer uses. A peer whose messages have none reduces nobody's fair share.
/// Thread-safe.
class AttachmentShare {
 public:
    explicit AttachmentShare(std::shared_ptr<Budget> budget) noexcept : budget_(std::move(budget)) {}
    AttachmentShare(const AttachmentShare&) = delete;
    AttachmentShare& operator=(const AttachmentShare&) = delete;
    ~AttachmentShare() {
        if (is_holder_.load(std::memory_order_relaxed)) {
            budget_->remove_holder();
        }
    }

    /// Returns false and takes none if the budget does not allow it. There may be no budget.
    bool take(std::size_t count) noexcept {
        if (!budget_) {
            return true;
        }
        if (!is_holder_.exchange(true, std::memory_order_relaxed)) {
            budget_->add_holder();
        }
        const std::size_t held = held_.fetch_add(count, std::memory_order_relaxed);
        const bool is_taken = budget_->take(count, held);
        held_.fetch_sub(is_taken ? 0 : count, std::memory_order_relaxed);
        return is_taken;
    }
    void give_back(std::size_t count) noexcept {
        if (budget_) {
            held_.fetch_sub(count, std::memory_order_relaxed);
            budget_->give_back(count);
        }
    }

 private:
    const std::shared_ptr<Budget> budget_;
    std::atomic<std::size_t> held_ = 0;
    std::atomic<bool> is_holder_ = false;
};

/// The descriptors of a message, on platforms that have them: a `DescriptorList`. Only transports and the codec of
/// descriptors know that type.
class Attachments : public std::enable_shared_from_this<Attachments> {
 public:
    Attachments(const Attachments&) = delete;
    Attachments& operator=(const Attachments&) = delete;

    std::size_t size() const noexcept { return size_; }

    /// Counts them in a share as long as they exist, once. Returns false if its budget does not allow that. Null: no limit.
    bool reserve(std::shared_ptr<AttachmentShare> share) noexcept {
        if (share_ || !share) {
            return true;
        }
        if (!share->take(size_)) {
            return false;
        }
        share_ = std::move(share);
        reserved_ = size_;
        return true;
    }

 protected:
    Attachments() = default;
    ~Attachments() {  // `std::make_shared` knows the type to destroy
        if (share_) {
            share_->give_back(reserved_);
        }
    }

    std::size_t size_ = 0;

 private:
    std::shared_ptr<AttachmentShare> share_;
    std::size_t reserved_ = 0;
};

/// Sets, during its lifetime, the attachments that the values loaded by this thread may take. Null: none.
class LoadingFrom {
 public:
    explicit LoadingFrom(Attachments* attachments) noexcept : before_(std::exchange(current_, attachments)) {}
    LoadingFrom(const LoadingFrom&) = delete;
    LoadingFrom& operator=(const LoadingFrom&) = delete;
    ~LoadingFrom() { current_ = before_; }

    static Attachments* current() noexcept { return current_; }
    /// The value is loaded: what runs next must not take attachments of its message.
    static void end() noexcept { current_ = nullptr; }

 private:
    static inline thread_local constinit Attachments* current_ = nullptr;

    Attachments* const before_;
};

}  // namespace communica::base

// What a message has besides its bytes.
#pragma once

#include "budget.hpp"

#include <cstddef>
#include <memory>
#include <utility>

namespace communica::base {

/// The descriptors of a message, on platforms that have them: a `DescriptorList`. Only transports and the codec of
/// descriptors know that type.
class Attachments : public std::enable_shared_from_this<Attachments> {
 public:
    Attachments(const Attachments&) = delete;
    Attachments& operator=(const Attachments&) = delete;

    std::size_t size() const noexcept { return size_; }

    /// Counts them in a budget as long as they exist. Returns false if it does not allow that. Null: no budget.
    bool reserve(std::shared_ptr<Budget> budget) noexcept {
        if (budget && !budget_) {
            budget->force_take(size_);
            if (budget->is_over()) {
                budget->give_back(size_);
                return false;
            }
            budget_ = std::move(budget);
            reserved_ = size_;
        }
        return true;
    }

 protected:
    Attachments() = default;
    ~Attachments() {  // `std::make_shared` knows the type to destroy
        if (budget_) {
            budget_->give_back(reserved_);
        }
    }

    std::size_t size_ = 0;

 private:
    std::shared_ptr<Budget> budget_;
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

 private:
    static inline thread_local constinit Attachments* current_ = nullptr;

    Attachments* const before_;
};

}  // namespace communica::base

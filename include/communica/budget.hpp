// Bytes that are held for other processes, counted for a whole entity.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace communica {

/// So many bytes may be held in all. Thread-safe.
class Budget {
 public:
    explicit Budget(std::size_t limit) noexcept : limit_(limit) {}

    std::size_t limit() const noexcept { return limit_; }
    std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
    bool is_over() const noexcept { return used() > limit_; }

    /// Takes all of them, or none and says false.
    bool take(std::size_t bytes) noexcept {
        take_anyway(bytes);
        if (is_over()) {
            give_back(bytes);
            return false;
        }
        return true;
    }
    /// Takes what is held already and can't be refused any more.
    void take_anyway(std::size_t bytes) noexcept { used_.fetch_add(bytes, std::memory_order_relaxed); }
    void give_back(std::size_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
    const std::size_t limit_;
    std::atomic<std::size_t> used_ = 0;
};

/// What one holder has taken from a budget. It takes and gives in steps, so that what is small costs nothing. Not
/// thread-safe.
class Share {
 public:
    static constexpr std::size_t step = 16 * 1024;

    explicit Share(std::shared_ptr<Budget> budget = nullptr) noexcept : budget_(std::move(budget)) {}
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { set(0); }

    /// `held` bytes would be held in all: says false, and takes none, if that is too many.
    bool grow_to(std::size_t held) noexcept {
        const std::size_t wanted = held / step * step;
        if (!budget_ || wanted <= taken_) {
            return true;
        }
        if (!budget_->take(wanted - taken_)) {
            return false;
        }
        taken_ = wanted;
        return true;
    }

    /// Is more than half of the budget used?
    bool is_tight() const noexcept { return budget_ && budget_->used() > budget_->limit() / 2; }

    /// `held` bytes are held now.
    void set(std::size_t held) noexcept {
        const std::size_t wanted = held / step * step;
        if (!budget_ || wanted == taken_) {
            return;
        }
        if (wanted > taken_) {
            budget_->take_anyway(wanted - taken_);
        } else {
            budget_->give_back(taken_ - wanted);
        }
        taken_ = wanted;
    }

 private:
    std::shared_ptr<Budget> budget_;
    std::size_t taken_ = 0;
};

}  // namespace communica

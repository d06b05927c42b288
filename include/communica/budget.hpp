// Bytes that are held for other processes, counted for a whole entity.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace communica {

/// So many bytes may be held in all. Whoever holds less than a fair share, an equal part of a quarter of the limit, may take
/// that also when the others have used it up: so it is passed by a quarter at the most. Thread-safe.
class Budget {
 public:
    explicit Budget(std::size_t limit) noexcept : limit_(limit) {}
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

    /// Bytes that may be held in all.
    std::size_t limit() const noexcept { return limit_; }
    /// Bytes that are held now.
    std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
    /// Is more held than may be?
    bool is_over() const noexcept { return used() > limit_; }

    /// May one that holds so many bytes hold as many more?
    bool admits(std::size_t held, std::size_t more) const noexcept {
        return used() + more <= limit_ || held + more <= fair_share();
    }

    /// Takes all of them for one that holds so many, or none and says false.
    bool take(std::size_t bytes, std::size_t held = 0) noexcept {
        force_take(bytes);
        if (is_over() && held + bytes > fair_share()) {
            give_back(bytes);
            return false;
        }
        return true;
    }
    /// Takes what is held already and can't be refused any more.
    void force_take(std::size_t bytes) noexcept { used_.fetch_add(bytes, std::memory_order_relaxed); }
    /// What was taken is free again.
    void give_back(std::size_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

    /// One more, or one less, who holds something.
    void add_holder() noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
    /// One that held a part is gone.
    void remove_holder() noexcept { holders_.fetch_sub(1, std::memory_order_relaxed); }

 private:
    // Not inline, so that what comes before it is.
    [[gnu::noinline]] std::size_t fair_share() const noexcept {
        return limit_ / 4 / std::max<std::size_t>(holders_.load(std::memory_order_relaxed), 1);
    }

    const std::size_t limit_;
    std::atomic<std::size_t> holders_ = 0;
    std::atomic<std::size_t> used_ = 0;
};

/// What one holder has taken from a budget. It takes and gives in steps, so that what is small costs nothing. Not
/// thread-safe.
class BudgetReservation {
 public:
    /// Bytes that are taken from the budget at a time.
    static constexpr std::size_t step = 16 * 1024;

    explicit BudgetReservation(std::shared_ptr<Budget> budget = nullptr) noexcept : budget_(std::move(budget)) {
        if (budget_) {
            budget_->add_holder();
        }
    }
    BudgetReservation(const BudgetReservation&) = delete;
    BudgetReservation& operator=(const BudgetReservation&) = delete;
    ~BudgetReservation() {
        if (budget_) {
            set(0);
            budget_->remove_holder();
        }
    }

    /// `held` bytes would be held in all: says false, and takes none, if that is too many.
    bool grow_to(std::size_t held) noexcept {
        const std::size_t wanted = held / step * step;
        if (!budget_ || wanted <= taken_) {
            return true;
        }
        if (!budget_->take(wanted - taken_, taken_)) {
            return false;
        }
        taken_ = wanted;
        return true;
    }

    /// Is more than half of the budget used?
    bool is_under_pressure() const noexcept { return budget_ && budget_->used() > budget_->limit() / 2; }

    /// `held` bytes are held now.
    void set(std::size_t held) noexcept {
        const std::size_t wanted = held / step * step;
        if (!budget_ || wanted == taken_) {
            return;
        }
        if (wanted > taken_) {
            budget_->force_take(wanted - taken_);
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

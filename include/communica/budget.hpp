// A memory budget for the bytes that an entity holds for its peers.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace communica {

/// Limits the bytes that all holders may hold together. The fair share of a holder is an equal part of a quarter of the
/// limit. A holder may take up to its fair share even if the limit is reached, so usage exceeds the limit by at most a
/// quarter. Thread-safe.
class Budget {
 public:
    explicit Budget(std::size_t limit) noexcept : limit_(limit) {}
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

    /// The limit, in bytes.
    std::size_t limit() const noexcept { return limit_; }
    /// Bytes held now.
    std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
    /// Returns true if more bytes are held than the limit allows.
    bool is_over() const noexcept { return used() > limit_; }

    /// Returns true if a holder of `held` bytes may take `more`.
    bool admits(std::size_t held, std::size_t more) const noexcept {
        return used() + more <= limit_ || held + more <= fair_share();
    }

    /// Takes `bytes` for a holder of `held` bytes. Returns false and takes none if the budget does not allow it.
    bool take(std::size_t bytes, std::size_t held = 0) noexcept {
        force_take(bytes);
        if (is_over() && held + bytes > fair_share()) {
            give_back(bytes);
            return false;
        }
        return true;
    }
    /// Takes bytes that are held already, without a check.
    void force_take(std::size_t bytes) noexcept { used_.fetch_add(bytes, std::memory_order_relaxed); }
    /// Returns bytes to the budget.
    void give_back(std::size_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

    /// Adds a holder, which reduces the fair share.
    void add_holder() noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
    /// Removes a holder.
    void remove_holder() noexcept { holders_.fetch_sub(1, std::memory_order_relaxed); }

 private:
    // Not inlined, so that its callers are.
    [[gnu::noinline]] std::size_t fair_share() const noexcept {
        return limit_ / 4 / std::max<std::size_t>(holders_.load(std::memory_order_relaxed), 1);
    }

    const std::size_t limit_;
    std::atomic<std::size_t> holders_ = 0;
    std::atomic<std::size_t> used_ = 0;
};

/// The bytes that one holder has taken from a budget. It takes and returns whole steps, so that small amounts cost
/// nothing. Not thread-safe.
class BudgetReservation {
 public:
    /// Bytes taken or returned at a time.
    static constexpr std::size_t step = 16 * 1024;

    explicit BudgetReservation(std::shared_ptr<Budget> budget = nullptr) noexcept : budget_(std::move(budget)) {
        if (budget_) {
            budget_->add_holder();
        }
    }
    /// Takes from this budget from now on, and nothing yet.
    void join(std::shared_ptr<Budget> budget) noexcept {
        leave();
        budget_ = std::move(budget);
        if (budget_) {
            budget_->add_holder();
        }
    }
    BudgetReservation(const BudgetReservation&) = delete;
    BudgetReservation& operator=(const BudgetReservation&) = delete;
    ~BudgetReservation() { leave(); }

    /// Grows the reservation to `held` bytes. Returns false and takes none if the budget does not allow it.
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

    /// Returns true if more than half of the budget is used.
    bool is_under_pressure() const noexcept { return budget_ && budget_->used() > budget_->limit() / 2; }

    /// Sets the reservation to `held` bytes, without a check.
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
    void leave() noexcept {
        if (budget_) {
            set(0);
            budget_->remove_holder();
        }
    }

    std::shared_ptr<Budget> budget_;
    std::size_t taken_ = 0;
};

}  // namespace communica

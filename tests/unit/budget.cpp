#include "support/catch.hpp"

#include <communica/budget.hpp>

#include <array>
#include <thread>

namespace budget_tests {

namespace {

using communica::Budget;
using communica::BudgetReservation;

constexpr std::size_t step = BudgetReservation::step;

}  // namespace

TEST_CASE("a budget gives up to its limit, and nothing of what is over it") {
    Budget budget(100);
    CHECK(budget.limit() == 100);
    CHECK(budget.take(60));
    CHECK_FALSE(budget.take(41));
    CHECK(budget.used() == 60);
    CHECK(budget.take(40));
    CHECK_FALSE(budget.is_over());
    CHECK_FALSE(budget.take(1, 25));
    budget.give_back(100);
    CHECK(budget.used() == 0);
}

TEST_CASE("what is held already is taken anyway, and then the budget is over") {
    Budget budget(100);
    budget.force_take(101);
    CHECK(budget.used() == 101);
    CHECK(budget.is_over());
    CHECK_FALSE(budget.take(0, 26));
    budget.give_back(1);
    CHECK_FALSE(budget.is_over());
}

TEST_CASE("a share takes and gives in whole steps, so that what is small costs nothing") {
    const auto budget = std::make_shared<Budget>(10 * step);
    BudgetReservation share(budget);
    CHECK(share.grow_to(step - 1));
    CHECK(budget->used() == 0);
    CHECK(share.grow_to(step));
    CHECK(budget->used() == step);
    CHECK(share.grow_to(2 * step - 1));
    CHECK(budget->used() == step);
    share.set(3 * step + 5);
    CHECK(budget->used() == 3 * step);
    share.set(step - 1);
    CHECK(budget->used() == 0);
}

TEST_CASE("a share that grows never shrinks, and one that is set does") {
    const auto budget = std::make_shared<Budget>(10 * step);
    BudgetReservation share(budget);
    CHECK(share.grow_to(5 * step));
    CHECK(share.grow_to(step));
    CHECK(budget->used() == 5 * step);
    share.set(step);
    CHECK(budget->used() == step);
}

TEST_CASE("shares of one budget have its limit together, and one that may not grow keeps what it has") {
    const auto budget = std::make_shared<Budget>(4 * step);
    BudgetReservation first(budget);
    BudgetReservation second(budget);
    CHECK(first.grow_to(3 * step));
    CHECK_FALSE(second.grow_to(2 * step));
    CHECK(second.grow_to(step));
    CHECK_FALSE(first.grow_to(4 * step));
    CHECK(budget->used() == 4 * step);
    second.set(0);
    CHECK(first.grow_to(4 * step));
}

TEST_CASE("a share that is set may pass the limit, which stops the others from growing") {
    const auto budget = std::make_shared<Budget>(2 * step);
    BudgetReservation first(budget);
    BudgetReservation second(budget);
    first.set(5 * step);
    CHECK(budget->is_over());
    CHECK(second.grow_to(step - 1));
    CHECK_FALSE(second.grow_to(step));
    first.set(0);
    CHECK(second.grow_to(step));
}

TEST_CASE("who holds less than an equal part of a quarter may take that, also over the limit") {
    const auto budget = std::make_shared<Budget>(16 * step);
    BudgetReservation greedy(budget);
    BudgetReservation modest(budget);  // two who hold something: two steps are a fair share
    greedy.set(20 * step);
    CHECK_FALSE(greedy.grow_to(21 * step));
    CHECK(modest.grow_to(2 * step));
    CHECK_FALSE(modest.grow_to(3 * step));
    CHECK(budget->used() == 22 * step);
    CHECK(budget->admits(step, step));
    CHECK_FALSE(budget->admits(2 * step, step));
    {
        const BudgetReservation one_more(budget);
        CHECK_FALSE(budget->admits(step, step));
    }
    CHECK(budget->admits(step, step));
}

TEST_CASE("a share gives back all it has when it is gone") {
    const auto budget = std::make_shared<Budget>(4 * step);
    {
        BudgetReservation share(budget);
        CHECK(share.grow_to(3 * step));
    }
    CHECK(budget->used() == 0);
}

TEST_CASE("a share of no budget may always grow") {
    BudgetReservation share;
    CHECK(share.grow_to(static_cast<std::size_t>(-1)));
    share.set(0);
}

TEST_CASE("shares of several threads never take more than the limit, and leave nothing") {
    const auto budget = std::make_shared<Budget>(3 * step);
    std::array<std::thread, 4> threads;
    for (auto& thread : threads) {
        thread = std::thread([budget] {
            BudgetReservation share(budget);
            for (int round = 0; round != 2000; ++round) {
                if (share.grow_to(step * static_cast<std::size_t>(round % 4))) {
                    share.set(0);
                }
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    CHECK(budget->used() == 0);
}

}  // namespace budget_tests

// What holds for a heap of deadlines and for a queue of them.
#pragma once

#include "support/catch.hpp"

#include <communica/peer/deadline_heap.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace test {

inline communica::peer::Clock::time_point at(int milliseconds) {
    return communica::peer::Clock::time_point(std::chrono::milliseconds(milliseconds));
}

/// `All(n)` has keys below `n`, and `deadlines` is what it keeps their deadlines in.
template <class All, class Deadlines>
void require_order(Deadlines All::* deadlines) {
    std::array<std::uint32_t, 6> order{0, 1, 2, 3, 4, 5};
    do {
        for (std::uint32_t removed = 0; removed != order.size(); ++removed) {
            All all(order.size());
            for (const std::uint32_t key : order) {
                (all.*deadlines).push(at(static_cast<int>(key)), key);
            }
            (all.*deadlines).remove(removed);
            (all.*deadlines).remove(removed);
            for (std::uint32_t key = 0; key != order.size(); ++key) {
                if (key != removed) {
                    REQUIRE((all.*deadlines).expired(at(100)) == key);
                    (all.*deadlines).remove(key);
                }
            }
            REQUIRE_FALSE((all.*deadlines).earliest());
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

}  // namespace test

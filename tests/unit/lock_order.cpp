#include "support/catch.hpp"

#include <communica/lock_order.hpp>

#include <mutex>
#include <thread>

namespace lock_order_tests {

using communica::base::HeldLocks;
using communica::base::LockOrder;
using communica::base::OrderedMutex;

namespace {

bool may_lock(LockOrder order) { return HeldLocks::of_this_thread().may_add(order); }

}  // namespace

TEST_CASE("under a lock only those below it may be taken") {
    if (!communica::base::checks_lock_order) {
        WARN("skipped: an optimised build does not check the order of locks");
        return;
    }
    OrderedMutex<LockOrder::peer> peer;
    OrderedMutex<LockOrder::connection> connection;
    {
        const std::lock_guard outer(peer);
        CHECK_FALSE(may_lock(LockOrder::clients));
        CHECK_FALSE(may_lock(LockOrder::peer));
        CHECK(may_lock(LockOrder::requests));
        {
            const std::lock_guard inner(connection);
            CHECK_FALSE(may_lock(LockOrder::requests));
            std::thread([] { CHECK(may_lock(LockOrder::publishing)); }).join();  // each thread has its own
        }
        CHECK(may_lock(LockOrder::requests));
    }
    CHECK(may_lock(LockOrder::publishing));

    // Released in another order:
    OrderedMutex<LockOrder::requests> requests;
    std::unique_lock outer(peer);
    const std::unique_lock inner(requests);
    outer.unlock();
    CHECK_FALSE(may_lock(LockOrder::peer));
    CHECK(may_lock(LockOrder::stream));
}

}  // namespace lock_order_tests

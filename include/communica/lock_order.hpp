// Mutexes that a thread locks in one order only. The library's own tests check that it does.
#pragma once

#include "mutex.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace communica::base {

/// While a thread holds one of these locks, it takes only those below it. docs/architecture.md tells what each guards.
enum class LockOrder : std::uint8_t {
    publishing,
    topic,
    topic_readers,
    clients,
    peer,
    location,
    requests,  // of a requester or a responder
    stream,    // of one end of a stream, or a window of notifications
    streams,
    connection,
};

/// Which of these locks a thread holds.
class HeldLocks {
 public:
    static HeldLocks& of_this_thread() noexcept {
        thread_local HeldLocks held;
        return held;
    }

    bool may_add(LockOrder order) const noexcept { return held_ < bit(order); }
    void add(LockOrder order) noexcept { held_ |= bit(order); }
    void remove(LockOrder order) noexcept { held_ &= ~bit(order); }

 private:
    static std::uint32_t bit(LockOrder order) noexcept { return std::uint32_t{1} << static_cast<unsigned>(order); }

    std::uint32_t held_ = 0;
};

/// Defined for a whole program, or not at all.
#if defined(COMMUNICA_CHECK_LOCK_ORDER)
inline constexpr bool checks_lock_order = true;
#else
inline constexpr bool checks_lock_order = false;
#endif

/// A mutex with a place in the order. Ends the process at a lock that is out of order, where this is checked.
template <LockOrder Order>
class OrderedMutex {
 public:
    void lock() {
        if constexpr (checks_lock_order) {
            if (!HeldLocks::of_this_thread().may_add(Order)) {
                std::fputs("communica: a lock was taken out of order\n", stderr);
                std::abort();
            }
            HeldLocks::of_this_thread().add(Order);
        }
        mutex_.lock();
    }

    void unlock() {
        mutex_.unlock();
        if constexpr (checks_lock_order) {
            HeldLocks::of_this_thread().remove(Order);
        }
    }

 private:
    Mutex mutex_;
};

}  // namespace communica::base

// Where the programs of a measurement run.
#pragma once

#include <sched.h>
#include <sys/types.h>

namespace test {

/// Gives a process a core of its own, and the others, as long as this lives, to this process and to those that it starts.
/// Two measurements can only be compared where the scheduler does not put a server beside its client in the one and apart
/// from it in the other (12 and 45 us a request). With a single core there is nothing to give.
class OwnCore {
 public:
    explicit OwnCore(::pid_t process) {
        ::sched_getaffinity(0, sizeof all_, &all_);
        if (CPU_COUNT(&all_) < 2) {
            return;
        }
        int first = 0;
        while (!CPU_ISSET(first, &all_)) {
            ++first;
        }
        ::cpu_set_t own;
        CPU_ZERO(&own);
        CPU_SET(first, &own);
        ::cpu_set_t others = all_;
        CPU_CLR(first, &others);
        ::sched_setaffinity(process, sizeof own, &own);
        ::sched_setaffinity(0, sizeof others, &others);
    }
    OwnCore(const OwnCore&) = delete;
    OwnCore& operator=(const OwnCore&) = delete;
    ~OwnCore() { ::sched_setaffinity(0, sizeof all_, &all_); }

 private:
    ::cpu_set_t all_{};
};

}  // namespace test

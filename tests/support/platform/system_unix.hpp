// What tests ask of a POSIX system.
#pragma once

#include <communica/connection.hpp>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>

#include <sched.h>
#include <sys/types.h>
#include <unistd.h>

namespace test {

/// Whether a message is sent in a few microseconds.
inline constexpr bool sends_quickly = true;

inline std::int64_t own_process_id() { return ::getpid(); }

/// What the system vouches for when this process connects to itself.
inline communica::Credentials own_credentials() { return {.pid = ::getpid(), .uid = ::geteuid()}; }

/// Bytes of the process `id` that are in memory now.
inline std::size_t resident_bytes(std::int64_t id = own_process_id()) {
    std::ifstream file("/proc/" + std::to_string(id) + "/statm");
    std::size_t all = 0;
    std::size_t resident = 0;
    if (!(file >> all >> resident)) {
        throw std::runtime_error("no process " + std::to_string(id));
    }
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// Gives a process a core of its own, and the others, as long as this lives, to this process and to those that it starts.
/// Two measurements can only be compared where the scheduler does not put a server beside its client in the one and apart
/// from it in the other (12 and 45 us a request). With a single core there is nothing to give.
class OwnCore {
 public:
    explicit OwnCore(std::int64_t process) {
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
        ::sched_setaffinity(static_cast<::pid_t>(process), sizeof own, &own);
        ::sched_setaffinity(0, sizeof others, &others);
    }
    OwnCore(const OwnCore&) = delete;
    OwnCore& operator=(const OwnCore&) = delete;
    ~OwnCore() { ::sched_setaffinity(0, sizeof all_, &all_); }

 private:
    ::cpu_set_t all_{};
};

}  // namespace test

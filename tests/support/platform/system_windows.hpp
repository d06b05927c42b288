// What tests ask of Windows.
#pragma once

#include <communica/connection.hpp>
#include <communica/connectors/detail/users_windows.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include <psapi.h>

namespace test {

/// Whether a message is sent in a few microseconds: not under Wine.
inline constexpr bool sends_quickly = false;

inline std::int64_t own_process_id() { return ::GetCurrentProcessId(); }

/// What the system vouches for when this process connects to itself.
inline communica::Credentials own_credentials() {
    return {.pid = own_process_id(), .sid = communica::detail::user_of_process(::GetCurrentProcess())};
}

/// Bytes of the process `id` that are in memory now.
inline std::size_t resident_bytes(std::int64_t id = own_process_id()) {
    const communica::detail::OwnedHandle process(
        ::OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_VM_READ, FALSE, static_cast<::DWORD>(id)));
    ::PROCESS_MEMORY_COUNTERS counters{};
    if (!process || ::K32GetProcessMemoryInfo(process.get(), &counters, sizeof counters) == 0) {
        throw std::runtime_error("no process " + std::to_string(id));
    }
    return counters.WorkingSetSize;
}

/// Gives a process a core of its own, and the others, as long as this lives, to this process and to those that it starts.
/// With a single core there is nothing to give.
class OwnCore {
 public:
    explicit OwnCore(std::int64_t process) {
        ::DWORD_PTR system = 0;
        ::GetProcessAffinityMask(::GetCurrentProcess(), &all_, &system);
        const ::DWORD_PTR first = all_ & (~all_ + 1);
        if (first == all_) {
            return;
        }
        const communica::detail::OwnedHandle other(
            ::OpenProcess(PROCESS_SET_INFORMATION, FALSE, static_cast<::DWORD>(process)));
        ::SetProcessAffinityMask(other.get(), first);
        ::SetProcessAffinityMask(::GetCurrentProcess(), all_ & ~first);
    }
    OwnCore(const OwnCore&) = delete;
    OwnCore& operator=(const OwnCore&) = delete;
    ~OwnCore() { ::SetProcessAffinityMask(::GetCurrentProcess(), all_); }

 private:
    ::DWORD_PTR all_ = 0;
};

}  // namespace test

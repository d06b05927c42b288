#include "support/catch.hpp"

#include <communica/mutex.hpp>

#include <array>
#include <mutex>
#include <thread>

namespace mutex_tests {

using communica::base::Mutex;

TEST_CASE("one thread at a time holds the mutex, and each that waits for it gets it") {
    constexpr int rounds = 20'000;
    Mutex mutex;
    int holders = 0;
    int shared = 0;
    int counted = 0;
    const auto work = [&] {
        for (int i = 0; i != rounds; ++i) {
            const std::lock_guard lock(mutex);
            shared += ++holders != 1 ? 1 : 0;
            ++counted;
            if (i % 64 == 0) {
                std::this_thread::yield();  // the others meet a held lock, and wait
            }
            --holders;
        }
    };
    std::array<std::thread, 4> threads;
    for (auto& thread : threads) {
        thread = std::thread(work);
    }
    for (auto& thread : threads) {
        thread.join();
    }
    CHECK(shared == 0);
    CHECK(counted == 4 * rounds);
}

TEST_CASE("a mutex that nobody waits for is free after its unlock") {
    Mutex mutex;
    for (int i = 0; i != 3; ++i) {
        const std::lock_guard lock(mutex);
    }
    std::thread([&] { const std::lock_guard lock(mutex); }).join();
    SUCCEED();
}

}  // namespace mutex_tests

// Reuses the memory of large messages: one block per thread.
#pragma once

#include "requirements.hpp"

#include <cstddef>
#include <cstdlib>
#include <utility>

namespace communica::base {

/// A block from `std::malloc`.
struct Block {
    /// The first byte, or null.
    char* memory = nullptr;
    std::size_t capacity = 0;
};

inline thread_local constinit Block spare_block;
// A large block was requested since the spare block was kept, and the spare block did not fit.
inline thread_local constinit bool spare_did_not_fit = false;
inline thread_local constinit bool thread_has_ended = false;

/// Frees the spare block when its thread ends. Buffers may be destroyed later than that.
struct SpareBlockEnd {
    constexpr SpareBlockEnd() noexcept = default;
    SpareBlockEnd(const SpareBlockEnd&) = delete;
    SpareBlockEnd& operator=(const SpareBlockEnd&) = delete;
    ~SpareBlockEnd() {
        thread_has_ended = true;
        std::free(std::exchange(spare_block, {}).memory);
    }
};
/// The variable is in a function: MinGW's GCC 12 can't link several files with one at namespace scope.
inline void free_spare_block_at_thread_end() noexcept { thread_local const SpareBlockEnd end; }

/// Smaller blocks are not kept, in bytes.
inline constexpr std::size_t smallest_spare_block = 64 * 1024;
/// Larger blocks are not kept, in bytes.
inline constexpr std::size_t largest_spare_block = 4 * 1024 * 1024;

/// The size of the block to allocate for `capacity` bytes. Large blocks get a sixteenth more, so that the next message
/// of about the same size fits.
constexpr std::size_t block_capacity(std::size_t capacity) noexcept {
    return capacity < smallest_spare_block ? capacity : capacity + capacity / 16;
}

/// Returns true if `take_spare_block` would return a block.
inline bool has_spare_block(std::size_t capacity) noexcept {
    const std::size_t spare = spare_block.capacity;
    return capacity >= smallest_spare_block && capacity <= spare && spare / 2 <= capacity;
}

/// Returns the spare block of this thread if it has at least `capacity` and at most twice as much, else an empty block.
/// Growing may leave as much unused. A new block from the system costs a page fault for every 4 KiB (an echo of 1 MiB:
/// 990 us with new blocks, 318 us with this one).
inline Block take_spare_block(std::size_t capacity) noexcept {
    if (has_spare_block(capacity)) {
        return std::exchange(spare_block, {});
    }
    spare_did_not_fit = spare_did_not_fit || capacity >= smallest_spare_block;
    return {};
}

/// Frees a block, or keeps it for the next large message. It replaces a kept block that did not fit.
inline void give_block_back(Block block) noexcept {
    if (block.capacity < smallest_spare_block || block.capacity > largest_spare_block ||
        (spare_block.memory != nullptr && !spare_did_not_fit) || thread_has_ended) {
        std::free(block.memory);
    } else {
        free_spare_block_at_thread_end();
        std::free(std::exchange(spare_block, block).memory);
        spare_did_not_fit = false;
    }
}

}  // namespace communica::base

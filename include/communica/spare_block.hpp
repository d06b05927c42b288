// Memory of large messages, used again.
#pragma once

#include "requirements.hpp"

#include <cstddef>
#include <cstdlib>
#include <utility>

namespace communica {

/// A block of `std::malloc`'s.
struct Block {
    /// From `std::malloc`, or null.
    char* memory = nullptr;
    std::size_t capacity = 0;
};

namespace detail {

inline thread_local constinit Block spare_block;
inline thread_local constinit bool spare_did_not_fit = false;  // when a block was wanted last
inline thread_local constinit bool thread_has_ended = false;

/// Frees the spare block at the end of its thread. Buffers may be destroyed even later.
struct SpareBlockEnd {
    constexpr SpareBlockEnd() noexcept = default;
    SpareBlockEnd(const SpareBlockEnd&) = delete;
    SpareBlockEnd& operator=(const SpareBlockEnd&) = delete;
    ~SpareBlockEnd() {
        thread_has_ended = true;
        std::free(std::exchange(spare_block, {}).memory);
    }
};
/// In a function: several files with one outside can't be linked by MinGW's GCC 12.
inline void free_spare_block_at_thread_end() noexcept { thread_local const SpareBlockEnd end; }

}  // namespace detail

/// Bytes: smaller ones are not kept.
inline constexpr std::size_t smallest_spare_block = 64 * 1024;
/// Bytes: larger ones are not kept.
inline constexpr std::size_t largest_spare_block = 4 * 1024 * 1024;

/// What a block is allocated with for at least this capacity. Large ones have a little more, so that the next of about
/// the same size fits in.
constexpr std::size_t block_capacity(std::size_t capacity) noexcept {
    return capacity < smallest_spare_block ? capacity : capacity + capacity / 16;
}

/// Would `take_spare_block` give one?
inline bool has_spare_block(std::size_t capacity) noexcept {
    const std::size_t spare = detail::spare_block.capacity;
    return capacity >= smallest_spare_block && capacity <= spare && spare / 2 <= capacity;
}

/// The large block that this thread gave back last, or null: if it has at least this capacity and at most twice as much,
/// which is no more than growing may leave unused. One that is new from the system costs a page fault for every 4 KiB
/// (an echo of 1 MiB: 990 us with new blocks, 318 with this one).
inline Block take_spare_block(std::size_t capacity) noexcept {
    if (has_spare_block(capacity)) {
        return std::exchange(detail::spare_block, {});
    }
    detail::spare_did_not_fit = detail::spare_did_not_fit || capacity >= smallest_spare_block;
    return {};
}

/// Frees a block, or keeps it for the next large message, in the place of one that was of no use.
inline void give_block_back(Block block) noexcept {
    if (block.capacity < smallest_spare_block || block.capacity > largest_spare_block ||
        (detail::spare_block.memory != nullptr && !detail::spare_did_not_fit) || detail::thread_has_ended) {
        std::free(block.memory);
    } else {
        detail::free_spare_block_at_thread_end();
        std::free(std::exchange(detail::spare_block, block).memory);
        detail::spare_did_not_fit = false;
    }
}

}  // namespace communica

// A ring buffer in memory shared by two processes, one of which writes and one of which reads.
#pragma once

#include "../../error.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

namespace communica::detail {

/// A position in a ring: the number of laps begun, and the offset in the current one.
struct RingPosition {
    std::uint32_t lap = 0;
    std::uint32_t offset = 0;

    static RingPosition unpack(std::uint64_t packed) noexcept {
        return {static_cast<std::uint32_t>(packed >> 32), static_cast<std::uint32_t>(packed)};
    }
    std::uint64_t pack() const noexcept { return std::uint64_t{lap} << 32 | offset; }
};

/// The control words of a ring. All are zero at first. Each half is written by one side, except for the flags with
/// which the other side asks to be woken: a flag is in the cache line that the side which checks it uses anyway.
///
/// No wake-up is lost. All accesses are sequentially consistent, so they have one total order. The reader sets
/// `reader_waits`, and sleeps only if it then finds no new `tail`. The writer stores `tail`, then loads `reader_waits`.
/// If that load comes after the reader's store, the writer wakes the reader. If it comes before, `tail` was stored
/// before the reader loads it, and the reader does not sleep. The same holds for `head` and `writer_waits`.
/// (`unit.ring` tries every order.)
template <template <class> class Atomic = std::atomic>
struct RingControl {
    static constexpr std::size_t size = 256;

    // Written by the writer:
    alignas(128) Atomic<std::uint64_t> tail;  // behind the last readable byte
    Atomic<std::uint32_t> lap_end;            // where the lap before that of `tail` ended
    Atomic<std::uint32_t> is_closed;          // nothing more will be written
    Atomic<std::uint32_t> reader_waits;
    // Written by the reader:
    alignas(128) Atomic<std::uint64_t> head;  // behind the last byte read
    Atomic<std::uint32_t> writer_waits;
};
static_assert(sizeof(RingControl<>) == RingControl<>::size && std::atomic<std::uint64_t>::is_always_lock_free);

/// Reports a position outside the ring.
[[noreturn]] inline void throw_ring_corrupt() {
    throw std::system_error(errc::protocol_error, "a position in the shared memory that can't be");
}

/// The memory of one ring.
template <template <class> class Atomic = std::atomic>
struct RingMemory {
    RingControl<Atomic>* control = nullptr;
    char* bytes = nullptr;
    std::uint32_t capacity = 0;
};

/// Sets the flag that asks for a wake-up, unless waiting is unnecessary. Returns whether to wait.
template <class Flag, class IsReady>
bool ask_to_be_woken(Flag& flag, IsReady is_ready) {
    flag.store(1);
    if (!is_ready()) {
        return true;
    }
    flag.store(0);
    return false;
}
/// Was a wake-up asked for? Clears the flag.
template <class Flag>
bool was_asked(Flag& flag) {
    return flag.load() != 0 && flag.exchange(0) != 0;
}

/// The writing side. The peer may change the memory at any time: each word is read once and checked. Not thread-safe.
///
/// A lap may end early: when all bytes were read, the writer restarts at the beginning. So a ring that is mostly empty
/// occupies little memory.
template <template <class> class Atomic = std::atomic>
class RingWriter {
 public:
    explicit RingWriter(RingMemory<Atomic> memory) noexcept : memory_(memory), limit_(memory.capacity) {}

    /// Copies as many bytes as fit. They become readable at `publish`.
    std::size_t write(std::string_view bytes) {
        std::size_t written = 0;
        while (written != bytes.size()) {
            if ((at_.offset >= early_end && is_published_ && begin_again_if_read()) || at_.offset != limit_ ||
                find_room()) {
                const std::size_t count = std::min<std::size_t>(bytes.size() - written, limit_ - at_.offset);
                std::memcpy(memory_.bytes + at_.offset, bytes.data() + written, count);
                at_.offset += static_cast<std::uint32_t>(count);
                written += count;
                used_ = std::max(used_, at_.offset);
                is_published_ = false;
            } else {
                break;
            }
        }
        return written;
    }

    /// Makes the written bytes readable. Returns whether to wake the reader.
    bool publish() {
        is_published_ = true;
        memory_.control->tail.store(at_.pack());
        return was_asked(memory_.control->reader_waits);
    }

    /// Ends the writing. Returns whether to wake the reader.
    bool close() {
        memory_.control->is_closed.store(1);
        return was_asked(memory_.control->reader_waits);
    }

    /// To be called when the ring is full. Returns whether to wait for the reader's wake-up.
    bool has_to_wait() {
        return ask_to_be_woken(memory_.control->writer_waits, [this] { return at_.offset != limit_ || find_room(); });
    }

    /// The number of bytes from the start that were used and are all read. Returns it once, and 0 until more were used.
    std::size_t take_unused() {
        if (used_ <= early_end || !is_published_ || !begin_again_if_read()) {
            return 0;
        }
        return std::exchange(used_, 0);
    }

 private:
    /// The writer restarts early only from this offset on.
    static constexpr std::uint32_t early_end = 2048;

    /// The reader's position. Throws if it is invalid.
    RingPosition look() const {
        const RingPosition head = RingPosition::unpack(memory_.control->head.load());
        const bool is_behind = head.lap + 1 == at_.lap && head.offset <= lap_end_;
        if (!is_behind && (head.lap != at_.lap || head.offset > at_.offset)) {
            throw_ring_corrupt();
        }
        return head;
    }

    bool begin_again_if_read() {
        const RingPosition head = look();
        if (head.lap != at_.lap || head.offset != at_.offset) {
            return false;
        }
        begin_lap(memory_.capacity);
        return true;
    }

    void begin_lap(std::uint32_t limit) {
        lap_end_ = at_.offset;
        memory_.control->lap_end.store(lap_end_);
        at_ = {at_.lap + 1, 0};
        limit_ = limit;
    }

    /// Finds the limit for writing: the end of the ring, or the reader's position in the previous lap.
    bool find_room() {
        const RingPosition head = look();
        if (head.lap == at_.lap) {
            limit_ = memory_.capacity;
            if (at_.offset == limit_ && head.offset != 0) {
                begin_lap(head.offset == at_.offset ? memory_.capacity : head.offset);
            }
        } else {
            limit_ = head.offset == lap_end_ ? memory_.capacity : std::max(head.offset, at_.offset);
        }
        return at_.offset != limit_;
    }

    RingMemory<Atomic> memory_;
    RingPosition at_;
    std::uint32_t limit_;        // writable up to here without another look
    std::uint32_t lap_end_ = 0;  // where the last lap ended
    std::uint32_t used_ = 0;     // the largest offset written
    bool is_published_ = true;
};

/// The reading side. Bytes are copied out first, so that the peer can't change them any more. Not thread-safe.
template <template <class> class Atomic = std::atomic>
class RingReader {
 public:
    explicit RingReader(RingMemory<Atomic> memory) noexcept : memory_(memory) {}

    /// Copies available bytes that fit. Throws if a position is invalid.
    std::size_t read(std::span<char> room) {
        std::size_t count = 0;
        while (count != room.size() && has_bytes()) {
            const std::size_t more = std::min<std::size_t>(room.size() - count, known_end_ - at_.offset);
            std::memcpy(room.data() + count, memory_.bytes + at_.offset, more);
            at_.offset += static_cast<std::uint32_t>(more);
            count += more;
        }
        return count;
    }

    /// Frees the bytes read. Returns whether to wake the writer: only once half of the ring is writable.
    bool release() {
        memory_.control->head.store(at_.pack());
        return known_end_ - at_.offset <= memory_.capacity / 2 && was_asked(memory_.control->writer_waits);
    }

    /// Are there bytes to read?
    bool has_bytes() { return at_.offset != known_end_ || look(); }
    /// Was the ring closed, and everything read?
    bool is_at_end() { return memory_.control->is_closed.load() != 0 && !has_bytes(); }

    /// To be called when the ring is empty. Returns whether to wait for the writer's wake-up.
    bool has_to_wait() {
        return ask_to_be_woken(memory_.control->reader_waits,
                               [this] { return has_bytes() || memory_.control->is_closed.load() != 0; });
    }

 private:
    bool look() {
        const RingPosition tail = RingPosition::unpack(memory_.control->tail.load());
        if (tail.lap == at_.lap + 1) {
            known_end_ = checked(memory_.control->lap_end.load(), at_.offset);
            if (known_end_ != at_.offset) {
                return true;  // first the rest of this lap
            }
            at_ = {tail.lap, 0};
        } else if (tail.lap != at_.lap) {
            throw_ring_corrupt();
        }
        known_end_ = checked(tail.offset, at_.offset);
        return known_end_ != at_.offset;
    }
    std::uint32_t checked(std::uint32_t end, std::uint32_t least) const {
        if (end < least || end > memory_.capacity) {
            throw_ring_corrupt();
        }
        return end;
    }

    RingMemory<Atomic> memory_;
    RingPosition at_;
    std::uint32_t known_end_ = 0;  // readable up to here without another look
};

}  // namespace communica::detail

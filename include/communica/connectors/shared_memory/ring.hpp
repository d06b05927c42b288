// A ring of bytes in memory that two processes share: one writes, the other reads.
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

/// A place in a ring: how often the writer has begun at its start, and how far from there it is.
struct RingPosition {
    std::uint32_t lap = 0;
    std::uint32_t offset = 0;

    static RingPosition unpack(std::uint64_t packed) noexcept {
        return {static_cast<std::uint32_t>(packed >> 32), static_cast<std::uint32_t>(packed)};
    }
    std::uint64_t pack() const noexcept { return std::uint64_t{lap} << 32 | offset; }
};

/// What both sides of a ring see beside its bytes. All zero at first. Each half is written by one side, but for the flags, by which
/// the other side asks to be woken: a flag lies where the one who has to look at it looks anyway.
///
/// No wake-up is lost. Every access below is sequentially consistent, so all of them have one order. The reader sets `reader_waits`, and
/// sleeps only if it then finds no new `tail`. The writer moves `tail`, and then looks at `reader_waits`. Either the writer's look
/// comes after the reader set the flag, and the writer wakes it; or it comes before, and then the writer moved `tail` before the reader
/// looks at it, and the reader does not sleep. The same holds for `head` and `writer_waits`. (`unit.ring` tries every order.)
template <template <class> class Atomic = std::atomic>
struct RingControl {
    static constexpr std::size_t size = 256;

    // The writer's:
    alignas(128) Atomic<std::uint64_t> tail;  // behind the last byte that may be read
    Atomic<std::uint32_t> lap_end;            // where the lap before that of `tail` ended
    Atomic<std::uint32_t> is_closed;          // nothing more is written
    Atomic<std::uint32_t> reader_waits;
    // The reader's:
    alignas(128) Atomic<std::uint64_t> head;  // behind the last byte that was read
    Atomic<std::uint32_t> writer_waits;
};
static_assert(sizeof(RingControl<>) == RingControl<>::size && std::atomic<std::uint64_t>::is_always_lock_free);

/// What the other side wrote there is no place in the ring.
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

/// Sets a flag that asks for a wake-up, unless there is no need to wait. Says whether to wait.
template <class Flag, class IsReady>
bool ask_to_be_woken(Flag& flag, IsReady is_ready) {
    flag.store(1);
    if (!is_ready()) {
        return true;
    }
    flag.store(0);
    return false;
}
/// Was a wake-up asked for? Says so once.
template <class Flag>
bool was_asked(Flag& flag) {
    return flag.load() != 0 && flag.exchange(0) != 0;
}

/// The writing side. The other one may change the memory at any time, to anything: what is read of it is read once, and checked. Not
/// thread-safe.
///
/// A lap may end early: with nothing left to read the writer begins at the start again, so that a ring of whose capacity little is
/// used takes little memory.
template <template <class> class Atomic = std::atomic>
class RingWriter {
 public:
    explicit RingWriter(RingMemory<Atomic> memory) noexcept : memory_(memory), limit_(memory.capacity) {}

    /// Copies as many bytes as there is room for. They can be read after `publish`.
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

    /// Lets the reader see what was written. Says whether it is to be woken.
    bool publish() {
        is_published_ = true;
        memory_.control->tail.store(at_.pack());
        return was_asked(memory_.control->reader_waits);
    }

    /// Nothing more comes. Says whether the reader is to be woken.
    bool close() {
        memory_.control->is_closed.store(1);
        return was_asked(memory_.control->reader_waits);
    }

    /// There is no room: says whether to wait until the reader wakes this side.
    bool has_to_wait() {
        return ask_to_be_woken(memory_.control->writer_waits, [this] { return at_.offset != limit_ || find_room(); });
    }

    /// How many bytes from the start on were in use and are not needed any more, as all was read. Says so once.
    std::size_t take_unused() {
        if (used_ <= early_end || !is_published_ || !begin_again_if_read()) {
            return 0;
        }
        return std::exchange(used_, 0);
    }

 private:
    /// From here on it is looked whether the ring can be begun again.
    static constexpr std::uint32_t early_end = 2048;

    /// Where the reader is. Throws where it can't be.
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

    /// Looks how far may be written: to the end of the ring, or to where the reader is in the lap before.
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
    std::uint32_t limit_;        // up to where it may be written without another look
    std::uint32_t lap_end_ = 0;  // where the last lap ended
    std::uint32_t used_ = 0;     // the furthest that was written
    bool is_published_ = true;
};

/// The reading side. What it gives is copied out first, so the other side can't change it any more. Not thread-safe.
template <template <class> class Atomic = std::atomic>
class RingReader {
 public:
    explicit RingReader(RingMemory<Atomic> memory) noexcept : memory_(memory) {}

    /// Copies what has come, and fits. Throws where the other side has written what can't be.
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

    /// Gives what was read free. Says whether the writer is to be woken: it is with half of the ring to write to.
    bool release() {
        memory_.control->head.store(at_.pack());
        return known_end_ - at_.offset <= memory_.capacity / 2 && was_asked(memory_.control->writer_waits);
    }

    /// Are there bytes to read?
    bool has_bytes() { return at_.offset != known_end_ || look(); }
    /// Has all been read that ever comes?
    bool is_at_end() { return memory_.control->is_closed.load() != 0 && !has_bytes(); }

    /// There is nothing to read: says whether to wait until the writer wakes this side.
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
                return true;  // the rest of this lap first
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
    std::uint32_t known_end_ = 0;  // up to where may be read without another look
};

}  // namespace communica::detail

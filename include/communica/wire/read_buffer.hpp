// The bytes that came from a stream and were not used yet.
#pragma once

#include "../buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

namespace communica::wire {

/// A run of bytes that is filled at its end and used up from its start. It grows by what has arrived, at most
/// doubling: never by a length that somebody only claimed, unless it is told to.
///
/// Flow: `prepare()`, read into it, `commit(n)`; look at `unread()`, `consume(n)`. A view from `unread()` lives until
/// the next `prepare()`.
class ReadBuffer {
 public:
    /// Inside the object: a connection that carries small messages now and then needs no more.
    static constexpr std::size_t initial_capacity = Buffer::inline_capacity;
    static constexpr std::size_t next_capacity = 4 * 1024;
    static constexpr std::size_t steady_capacity = 64 * 1024;

    /// Says how many bytes the next thing to be read has in all, so that growing stops there, and whether there may be
    /// room for all of them at once.
    void expect(std::size_t size, bool at_once = false) noexcept {
        expected_ = size;
        at_once_ = at_once;
    }

    /// Room for the next bytes: never empty.
    std::span<char> prepare() {
        make_room();
        return {bytes_.data() + end_, bytes_.size() - end_};
    }

    void commit(std::size_t count) noexcept {
        filled_ = end_ + count == bytes_.size();
        end_ += count;
    }

    std::string_view unread() const noexcept { return {bytes_.data() + begin_, end_ - begin_}; }
    void consume(std::size_t count) noexcept { begin_ += count; }

    /// The memory that `part`, of the unread bytes, lies in; null if others do behind it, or it fills too little of it: who
    /// has the memory counts for `part` alone. Growing may leave half of it unused, and a block used again half of that.
    Buffer* memory_of(std::string_view part) noexcept {
        return is_large() && part.size() >= bytes_.capacity() / 4 && part.data() + part.size() == bytes_.data() + end_
                   ? &bytes_
                   : nullptr;
    }
    /// Forgets the bytes if somebody has moved their memory away; says whether that is so.
    bool forget_taken() noexcept {
        if (bytes_.empty()) {
            begin_ = end_ = 0;
        }
        return bytes_.empty();
    }

    /// Did the last bytes take all the room there was? Then there may be more.
    bool is_filled() const noexcept { return filled_; }
    bool is_large() const noexcept { return bytes_.size() > steady_capacity; }

    /// Forgets everything, and gives the memory back.
    void release() noexcept {
        bytes_.release();
        begin_ = end_ = 0;
    }

    /// Gives back the memory that only a large message needed, if nothing is unread. Says whether it is small now.
    bool shrink() noexcept {
        if (begin_ == end_ && is_large()) {
            release();
        }
        return !is_large();
    }

 private:
    void make_room() {
        const std::size_t kept = end_ - begin_;
        if (kept == 0) {
            begin_ = end_ = 0;
        }
        const std::size_t wanted = std::max(expected_, kept + 1);
        const std::size_t capacity = bytes_.size();
        if (capacity == 0) {
            bytes_.extend(initial_capacity);
        } else if (at_once_ && wanted > capacity) {
            move_to_front();
            bytes_.extend(wanted - capacity);
        } else if (filled_ && capacity < steady_capacity) {  // more comes at once than there is room for
            move_to_front();
            bytes_.extend(std::clamp(2 * capacity, next_capacity, steady_capacity) - capacity);
        } else if (end_ == capacity || begin_ + wanted > capacity) {
            move_to_front();
            if (end_ == capacity) {
                const std::size_t more = std::clamp<std::size_t>(wanted - capacity, 1, capacity);
                bytes_.reserve(capacity +
                               more);  // no more than that: another message like this may use the block again
                bytes_.extend(more);
            }
        }
        filled_ = false;
    }

    void move_to_front() noexcept {
        if (begin_ != 0) {
            std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
    }

    Buffer bytes_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t expected_ = 0;
    bool at_once_ = false;
    bool filled_ = false;
};

}  // namespace communica::wire

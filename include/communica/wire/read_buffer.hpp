// The bytes received from a stream and not consumed yet.
#pragma once

#include "../buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

namespace communica::wire {

/// A buffer that is filled at its end and consumed from its start. It grows with the bytes received, at most by
/// doubling. A length that the peer only claims makes it grow only if `expect` allows it.
///
/// Flow: `prepare()`, read into it, `commit(n)`; then `unread()`, `consume(n)`. A view from `unread()` is valid until
/// the next `prepare()`.
class ReadBuffer {
 public:
    /// Inside the object, which is enough for a connection with occasional small messages.
    static constexpr std::size_t initial_capacity = Buffer::inline_capacity;
    static constexpr std::size_t next_capacity = 4 * 1024;
    static constexpr std::size_t steady_capacity = 64 * 1024;

    /// Sets the total size of the next frame, which limits growing. `at_once`: grow to all of it at once.
    void expect(std::size_t size, bool at_once = false) noexcept {
        expected_ = size;
        at_once_ = at_once;
    }

    /// The memory for the next bytes, never empty.
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

    /// The buffer that contains `part` of the unread bytes. Null if later bytes share it or if `part` fills less than a
    /// quarter of it, because the budget counts only `part` for its new owner. (Growing leaves up to half unused, a
    /// reused block half of that.)
    Buffer* memory_of(std::string_view part) noexcept {
        return is_large() && part.size() >= bytes_.capacity() / 4 && part.data() + part.size() == bytes_.data() + end_
                   ? &bytes_
                   : nullptr;
    }
    /// Forgets the bytes if their memory was moved away. Returns whether it was.
    bool forget_taken() noexcept {
        if (bytes_.empty()) {
            begin_ = end_ = 0;
        }
        return bytes_.empty();
    }

    /// Did the last bytes fill the buffer? Then there may be more.
    bool is_filled() const noexcept { return filled_; }
    bool is_large() const noexcept { return bytes_.size() > steady_capacity; }

    /// Drops everything and frees the memory.
    void release() noexcept {
        bytes_.release();
        begin_ = end_ = 0;
    }

    /// Frees a buffer that only a large message needed, if nothing is unread. Returns whether the buffer is small now.
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
        } else if (filled_ && capacity < steady_capacity) {  // more bytes arrive at once than fit
            move_to_front();
            bytes_.extend(std::clamp(2 * capacity, next_capacity, steady_capacity) - capacity);
        } else if (end_ == capacity || begin_ + wanted > capacity) {
            move_to_front();
            if (end_ == capacity) {
                const std::size_t more = std::clamp<std::size_t>(wanted - capacity, 1, capacity);
                bytes_.reserve(capacity +
                               more);  // exactly this much: a later message of this size can then reuse the block
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

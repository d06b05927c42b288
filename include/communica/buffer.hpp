// A borrowed view of bytes, and the growable buffer that values are serialised into.
#pragma once

#include "attachments.hpp"
#include "spare_block.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>

namespace communica {

namespace base {

/// Memory of a `Buffer` that belongs to a connection. The buffer ends the loan by one of the functions, once, on any
/// thread and possibly under a lock.
class LentMemory {
 public:
    LentMemory(const LentMemory&) = delete;
    LentMemory& operator=(const LentMemory&) = delete;

    /// The buffer does not need it any more. Destroys this object.
    virtual void give_back() noexcept = 0;
    /// The peer has it now. Destroys this object.
    virtual void pass_on() noexcept = 0;
    /// A message with it is being written: from now on the peer may pass it back.
    virtual void note_sent() noexcept = 0;

    const void* const lender;     ///< identifies the connection
    const std::uint32_t segment;  ///< the number of the memory
    char* const start;            ///< its first byte

 protected:
    LentMemory(const void* by, std::uint32_t number, char* memory) noexcept
        : lender(by), segment(number), start(memory) {}
    ~LentMemory() = default;
};

}  // namespace base

/// A view of bytes that it does not own.
using Bytes = std::span<const std::byte>;

/// Returns the bytes of `text`, borrowed.
inline Bytes as_bytes(std::string_view text) noexcept { return std::as_bytes(std::span{text.data(), text.size()}); }

/// Returns bytes as characters, borrowed. The encoding is not checked.
inline std::string_view as_text(Bytes bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A growable array of bytes. Up to `inline_capacity` bytes need no allocation. Growing does not zero memory. Moving a
/// larger buffer moves a pointer. Movable, not copyable. Not thread-safe.
///
/// The memory may be lent by a connection (`lend`); then it is given back when the buffer is destroyed, or grows beyond
/// its capacity.
class Buffer {
 public:
    /// Bytes stored without an allocation.
    static constexpr std::size_t inline_capacity = 224;

    Buffer() noexcept {}  // NOLINT(modernize-use-equals-default): `Buffer{}` would set all its bytes to zero
    /// Made by the library: `size` of `capacity` bytes at `data`, which lie in `memory`.
    Buffer(base::LentMemory& memory, char* data, std::size_t size, std::size_t capacity) noexcept
        : data_(data), size_(size), capacity_(capacity), dropped_(lent_mark), lent_(&memory) {}
    Buffer(Buffer&& other) noexcept { take(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        if (this != &other) {
            free();
            take(other);
        }
        return *this;
    }
    ~Buffer() { free(); }

    /// Returns a buffer of `size` uninitialised bytes.
    static Buffer of_size(std::size_t size) {
        Buffer buffer;
        buffer.extend(size);
        return buffer;
    }

    char* data() noexcept { return data_; }
    const char* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    bool empty() const noexcept { return size_ == 0; }
    /// The content, borrowed until the buffer changes or moves.
    Bytes bytes() const noexcept { return as_bytes(text()); }
    /// The content as characters, borrowed likewise.
    std::string_view text() const noexcept { return {data(), size_}; }

    /// Appends `count` uninitialised bytes and returns a pointer to the first.
    char* extend(std::size_t count) {
        if (capacity_ - size_ < count) [[unlikely]] {
            make_room(count);
        }
        char* begin = data_ + size_;
        size_ += count;
        return begin;
    }

    /// Appends a copy of bytes. They must not lie in this buffer.
    void append(const void* bytes, std::size_t count) {
        if (count != 0) {
            std::memcpy(extend(count), bytes, count);
        }
    }
    void append(std::string_view text) { append(text.data(), text.size()); }
    void append(Bytes bytes) { append(bytes.data(), bytes.size()); }
    void push_back(char byte) { *extend(1) = byte; }

    /// Reserves memory for `capacity` bytes in all.
    void reserve(std::size_t capacity) {
        if (capacity > capacity_) {
            grow(capacity);
        }
    }

    /// Removes the first `count` bytes. Moves the rest only in an inline buffer.
    void drop_front(std::size_t count) noexcept {
        size_ -= count;
        if (is_inline()) {
            const std::size_t kept = inline_size();
            std::memmove(inline_, inline_ + (count < inline_capacity - kept ? count : inline_capacity - kept), kept);
        } else {
            dropped_ += count;
            data_ += count;
            capacity_ -= count;
        }
    }

    /// False if the memory is lent, or if there are attachments.
    bool is_plain() const noexcept { return (dropped_ & lent_mark) == 0; }

    /// The memory if it is lent; otherwise null. For the library.
    base::LentMemory* lent_memory() const noexcept { return is_lent() ? lent_ : nullptr; }
    /// True if the memory is lent by a connection. If it came from the peer, the peer may still change it.
    bool is_lent() const noexcept { return (dropped_ & attached_mark) == lent_mark; }
    /// Forgets lent memory, which the peer has now. For the library.
    void pass_on() noexcept {
        lent_memory()->pass_on();
        forget();
    }

    /// Returns a buffer with the same bytes, in memory of its own, and the same attachments.
    Buffer copy() const {
        Buffer other;
        other.append(text());
        if (attached() != nullptr) [[unlikely]] {
            other.attachments() = attached_;
        }
        return other;
    }

    /// What the message of these bytes has besides them; null: nothing. `clear` keeps them, `release` does not.
    base::Attachments* attached() const noexcept { return has_attachments() ? attached_.get() : nullptr; }
    /// The same, to be set. A buffer with attachments is neither inline nor lent: this moves such bytes to the heap.
    std::shared_ptr<base::Attachments>& attachments() {
        if (!has_attachments()) {
            begin_attachments();
        }
        return attached_;
    }
    /// Removes and returns them.
    std::shared_ptr<base::Attachments> take_attachments() noexcept {
        return has_attachments() ? end_attachments() : nullptr;
    }

    /// Removes all bytes after the first `size`.
    void truncate(std::size_t size) noexcept { size_ = size; }
    void clear() noexcept { size_ = 0; }

    /// Removes the content and releases the memory.
    void release() noexcept {
        free();
        forget();
    }

 private:
    /// In `dropped_`: the memory is lent.
    static constexpr std::size_t lent_mark = ~(~std::size_t{0} >> 1);
    /// There are attachments. Has the bit of `lent_mark`, so that one test finds either.
    static constexpr std::size_t attached_mark = lent_mark | lent_mark >> 1;

    void forget() noexcept {
        data_ = inline_;
        size_ = dropped_ = 0;
        capacity_ = inline_capacity;
    }

    bool is_inline() const noexcept { return data_ == inline_; }
    bool has_attachments() const noexcept { return (dropped_ & attached_mark) == attached_mark; }
    std::size_t dropped() const noexcept { return dropped_ & ~attached_mark; }
    /// Bytes of an inline buffer. GCC 12 does not know that they are so few, and warns.
    std::size_t inline_size() const noexcept { return size_ < inline_capacity ? size_ : inline_capacity; }

    // Not inlined, so that `extend` is.
    [[gnu::noinline]] void make_room(std::size_t count) {
        undo_drop();
        if (capacity_ - size_ < count) {
            grow(size_ + count > 2 * capacity_ ? size_ + count : 2 * capacity_);
        }
    }

    void grow(std::size_t capacity) {
        undo_drop();
        if (is_lent()) {
            return move_to_heap(capacity);
        }
        if (const auto spare = base::take_spare_block(capacity); spare.memory != nullptr) {
            std::memcpy(spare.memory, data_, size_);
            if (!is_inline()) {
                base::give_block_back({data_, capacity_});
            }
            data_ = spare.memory;
            capacity_ = spare.capacity;
            return;
        }
        capacity = base::block_capacity(capacity);
        // Not `new`: `realloc` may extend a large block without copying its bytes.
        auto* const grown = static_cast<char*>(std::realloc(is_inline() ? nullptr : data_, capacity));
        if (grown == nullptr) {
            throw std::bad_alloc();
        }
        if (is_inline()) {
            std::memcpy(grown, inline_, size_);
        }
        data_ = grown;
        capacity_ = capacity;
    }

    void move_to_heap(std::size_t capacity) {
        Buffer heap;
        heap.grow(capacity);
        heap.append(text());
        *this = std::move(heap);
    }

    void free() noexcept {
        if (is_inline()) {
            return;
        }
        if (!is_plain()) [[unlikely]] {
            return free_special();
        }
        base::give_block_back({data_ - dropped_, dropped_ + capacity_});
    }
    // The functions of lent memory and attachments are not inlined, so that the others are.
    [[gnu::noinline]] void free_special() noexcept {
        if (is_lent()) {
            return lent_->give_back();
        }
        end_attachments();
        free();
    }
    [[gnu::noinline]] void begin_attachments() {
        if (is_inline() || is_lent()) {
            grow(std::max(2 * inline_capacity, size_));
        }
        std::construct_at(&attached_);
        dropped_ |= attached_mark;
    }
    [[gnu::noinline]] std::shared_ptr<base::Attachments> end_attachments() noexcept {
        auto attachments = std::move(attached_);
        std::destroy_at(&attached_);
        dropped_ = dropped();
        return attachments;
    }

    /// Moves the bytes back to the front of their block.
    void undo_drop() noexcept {
        if (const std::size_t dropped = this->dropped(); dropped != 0 && !is_lent()) {
            std::memmove(data_ - dropped, data_, size_);
            data_ -= dropped;
            capacity_ += dropped;
            dropped_ -= dropped;
        }
    }

    void take(Buffer& other) noexcept {
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, inline_capacity);
        dropped_ = std::exchange(other.dropped_, 0);
        if (other.is_inline()) {
            data_ = inline_;
            std::memcpy(inline_, other.inline_, inline_size());
        } else {
            data_ = std::exchange(other.data_, other.inline_);
            if (!is_plain()) [[unlikely]] {
                take_special(other);
            }
        }
    }
    [[gnu::noinline]] void take_special(Buffer& other) noexcept {
        if (is_lent()) {
            lent_ = other.lent_;
        } else {
            std::construct_at(&attached_, std::move(other.attached_));
            std::destroy_at(&other.attached_);
        }
    }

    char* data_ = inline_;
    std::size_t size_ = 0;
    std::size_t capacity_ = inline_capacity;
    std::size_t dropped_ = 0;  // bytes of the block before `data_`, and the marks
    union {
        char inline_[inline_capacity];                 ///< the bytes, unless they lie elsewhere
        std::shared_ptr<base::Attachments> attached_;  ///< with its mark
        base::LentMemory* lent_;                       ///< with its mark
    };
};

}  // namespace communica

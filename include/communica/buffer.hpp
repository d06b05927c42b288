// A borrowed view of bytes, and the growable buffer that values are serialised into.
#pragma once

#include "attachments.hpp"
#include "spare_block.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>

namespace communica {

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
class Buffer {
 public:
    /// Bytes stored without an allocation.
    static constexpr std::size_t inline_capacity = 224;

    Buffer() noexcept {}  // NOLINT(modernize-use-equals-default): `Buffer{}` would set all its bytes to zero
    Buffer(Buffer&& other) noexcept { take(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        if (this != &other) {
            free();
            take(other);
        }
        return *this;
    }
    ~Buffer() { free(); }

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
            std::memmove(inline_, inline_ + count, size_);
        } else {
            dropped_ += count;
            data_ += count;
            capacity_ -= count;
        }
    }

    /// Returns a buffer with the same bytes and the same attachments.
    Buffer copy() const {
        Buffer other;
        other.append(text());
        if (attached() != nullptr) {
            other.attachments() = attached_;
        }
        return other;
    }

    /// What the message of these bytes has besides them; null: nothing. `clear` keeps them, `release` does not.
    base::Attachments* attached() const noexcept { return is_inline() ? nullptr : attached_.get(); }
    /// The same, to be set. A buffer with attachments is not inline.
    std::shared_ptr<base::Attachments>& attachments() {
        if (is_inline()) {
            grow(2 * inline_capacity);
        }
        return attached_;
    }

    /// Removes all bytes after the first `size`.
    void truncate(std::size_t size) noexcept { size_ = size; }
    void clear() noexcept { size_ = 0; }

    /// Removes the content and releases the memory.
    void release() noexcept {
        free();
        data_ = inline_;
        size_ = dropped_ = 0;
        capacity_ = inline_capacity;
    }

 private:
    bool is_inline() const noexcept { return data_ == inline_; }

    // Not inlined, so that `extend` is.
    [[gnu::noinline]] void make_room(std::size_t count) {
        undo_drop();
        if (capacity_ - size_ < count) {
            grow(size_ + count > 2 * capacity_ ? size_ + count : 2 * capacity_);
        }
    }

    void grow(std::size_t capacity) {
        undo_drop();
        if (const auto spare = base::take_spare_block(capacity); spare.memory != nullptr) {
            std::memcpy(spare.memory, data_, size_);
            is_inline() ? begin_block() : base::give_block_back({data_, capacity_});
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
            begin_block();
        }
        data_ = grown;
        capacity_ = capacity;
    }

    void free() noexcept {
        if (!is_inline()) {
            base::give_block_back({data_ - dropped_, dropped_ + capacity_});
            std::destroy_at(&attached_);
        }
    }
    void begin_block() noexcept { std::construct_at(&attached_); }

    /// Moves the bytes back to the front of their block.
    void undo_drop() noexcept {
        if (dropped_ != 0) {
            std::memmove(data_ - dropped_, data_, size_);
            data_ -= dropped_;
            capacity_ += std::exchange(dropped_, 0);
        }
    }

    void take(Buffer& other) noexcept {
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, inline_capacity);
        dropped_ = std::exchange(other.dropped_, 0);
        if (other.is_inline()) {
            data_ = inline_;
            std::memcpy(inline_, other.inline_, size_);
        } else {
            data_ = std::exchange(other.data_, other.inline_);
            std::construct_at(&attached_, std::move(other.attached_));
            std::destroy_at(&other.attached_);
        }
    }

    char* data_ = inline_;
    std::size_t size_ = 0;
    std::size_t capacity_ = inline_capacity;
    std::size_t dropped_ = 0;  // bytes of the block before `data_`
    union {
        char inline_[inline_capacity];                 ///< the bytes, unless they lie in a block
        std::shared_ptr<base::Attachments> attached_;  ///< if they do
    };
};

}  // namespace communica

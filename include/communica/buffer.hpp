// Bytes: a borrowed view of them, and the growable buffer into which values are serialised.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>

namespace communica {

/// Bytes that somebody else owns.
using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) noexcept { return std::as_bytes(std::span{text.data(), text.size()}); }

inline std::string_view as_text(Bytes bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A growable run of bytes. What fits in `inline_capacity` needs no allocation, growing zeroes nothing,
/// and moving a large one moves a pointer. Movable, not copyable. Not thread-safe.
class Buffer {
 public:
    static constexpr std::size_t inline_capacity = 232;

    Buffer() noexcept = default;
    Buffer(Buffer&& other) noexcept { take(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        if (this != &other) {
            take(other);
        }
        return *this;
    }
    ~Buffer() = default;

    char* data() noexcept { return heap_ ? heap_.get() : inline_; }
    const char* data() const noexcept { return heap_ ? heap_.get() : inline_; }
    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    bool empty() const noexcept { return size_ == 0; }
    Bytes bytes() const noexcept { return as_bytes(text()); }
    std::string_view text() const noexcept { return {data(), size_}; }

    /// Adds `count` bytes without setting them and returns where they begin.
    char* extend(std::size_t count) {
        if (capacity_ - size_ < count) {
            reserve(size_ + count > 2 * capacity_ ? size_ + count : 2 * capacity_);
        }
        char* begin = data() + size_;
        size_ += count;
        return begin;
    }

    void append(const void* bytes, std::size_t count) {
        if (count != 0) {
            std::memcpy(extend(count), bytes, count);
        }
    }
    void append(std::string_view text) { append(text.data(), text.size()); }
    void append(Bytes bytes) { append(bytes.data(), bytes.size()); }
    void push_back(char byte) { *extend(1) = byte; }

    /// Makes room for `capacity` bytes in all.
    void reserve(std::size_t capacity) {
        if (capacity <= capacity_) {
            return;
        }
        // Not `new` and a copy: of large memory the system then moves the pages, and where many grow, few holes are left.
        auto* grown = static_cast<char*>(std::realloc(heap_.get(), capacity));
        if (grown == nullptr) {
            throw std::bad_alloc();
        }
        if (!heap_) {
            std::memcpy(grown, inline_, size_);
        }
        (void)heap_.release();  // it is a part of the grown memory now
        heap_.reset(grown);
        capacity_ = capacity;
    }

    /// Forgets all bytes after the first `size`.
    void truncate(std::size_t size) noexcept { size_ = size; }
    void clear() noexcept { size_ = 0; }

    /// Forgets everything and gives the memory back.
    void release() noexcept {
        heap_.reset();
        size_ = 0;
        capacity_ = inline_capacity;
    }

 private:
    void take(Buffer& other) noexcept {
        heap_ = std::move(other.heap_);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, inline_capacity);
        if (!heap_) {
            std::memcpy(inline_, other.inline_, size_);
        }
    }

    struct Free {
        void operator()(char* memory) const noexcept { std::free(memory); }
    };

    std::unique_ptr<char, Free> heap_;
    std::size_t size_ = 0;
    std::size_t capacity_ = inline_capacity;
    char inline_[inline_capacity];
};

}  // namespace communica

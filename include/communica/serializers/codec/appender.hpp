// Appends to a buffer, for writers.
#pragma once

#include "../../buffer.hpp"

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace communica::codec {

/// Appends through its own pointers: a value has many short pieces, and asking the buffer for its end costs more than
/// most of them. The destructor restores the buffer's size; nothing else may use the buffer until then.
class Appender {
 public:
    explicit Appender(Buffer& buffer) : buffer_(buffer) { claim(buffer.size()); }
    ~Appender() { buffer_.truncate(size()); }
    Appender(const Appender&) = delete;
    Appender& operator=(const Appender&) = delete;

    /// Memory for at least `count` bytes. `end_at` sets how many of them were written.
    char* room(std::size_t count) {
        if (static_cast<std::size_t>(limit_ - end_) < count) {
            grow(count);
        }
        return end_;
    }
    void end_at(char* end) noexcept { end_ = end; }

    void push_back(char byte) {
        char* const at = room(1);
        *at = byte;
        end_at(at + 1);
    }
    void append(std::string_view bytes) {
        char* const at = room(bytes.size());
        if (!bytes.empty()) {
            std::memcpy(at, bytes.data(), bytes.size());
        }
        end_at(at + bytes.size());
    }

    /// Those of the buffer.
    std::shared_ptr<base::Attachments>& attachments() {
        const std::size_t used = size();
        buffer_.truncate(used);
        std::shared_ptr<base::Attachments>& attachments = buffer_.attachments();
        claim(used);
        return attachments;
    }

    /// The last byte appended.
    char& back() noexcept { return end_[-1]; }
    void pop_back() noexcept { --end_; }

 private:
    std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - buffer_.data()); }

    void grow(std::size_t count) {
        const std::size_t used = size();
        buffer_.truncate(used);
        buffer_.extend(count);
        claim(used);
    }
    /// Extends the buffer to its capacity.
    void claim(std::size_t used) {
        buffer_.extend(buffer_.capacity() - buffer_.size());
        end_ = buffer_.data() + used;
        limit_ = buffer_.data() + buffer_.size();
    }

    Buffer& buffer_;
    char* end_;
    char* limit_;
};

}  // namespace communica::codec

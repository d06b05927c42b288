// The base of readers for binary formats: big-endian fields from borrowed bytes.
#pragma once

#include "reader.hpp"
#include "utf8.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace communica::codec {

/// Reads bytes from the front. Throws at the end of the bytes, and checks each length before its use.
class BinaryInput : public Position {
 public:
    static constexpr bool has_bytes = true;

    void finish() const {
        if (left() != 0) {
            refuse("nothing behind the value but " + std::to_string(left()) + " bytes more");
        }
    }

 protected:
    BinaryInput(Bytes bytes, const char* format) noexcept
        : format_(format), begin_(as_text(bytes).data()), at_(begin_), end_(begin_ + bytes.size()) {}

    Bytes all() const noexcept { return as_bytes({begin_, static_cast<std::size_t>(end_ - begin_)}); }
    std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

    /// The next byte, which stays unread.
    std::uint8_t next() const {
        if (at_ == end_) {
            refuse("the end instead of a value");
        }
        return static_cast<std::uint8_t>(*at_);
    }
    void advance() noexcept { ++at_; }

    /// At most eight big-endian bytes.
    static std::uint64_t integer_of(std::string_view bytes) noexcept {
        std::uint64_t value = 0;
        for (const char byte : bytes) {
            value = value << 8 | static_cast<std::uint8_t>(byte);
        }
        return value;
    }

    /// An unsigned integer of 1, 2, 4 or 8 bytes.
    std::uint64_t take_integer(std::size_t size) { return integer_of(take(size)); }
    double take_float() { return double{std::bit_cast<float>(static_cast<std::uint32_t>(take_integer(4)))}; }
    double take_double() { return std::bit_cast<double>(take_integer(8)); }

    std::string_view take(std::uint64_t size) {
        if (size > left()) {
            refuse(std::to_string(size) + " bytes claimed, and " + std::to_string(left()) + " there");
        }
        const std::string_view taken(at_, static_cast<std::size_t>(size));
        at_ += size;
        return taken;
    }
    std::string_view take_text(std::uint64_t size) {
        const std::string_view text = take(size);
        if (!is_utf8(text)) {
            refuse("a text that is not UTF-8");
        }
        return text;
    }

    /// Throws unless there are bytes for `count` elements of at least `bytes_each`.
    void require_elements(std::uint64_t count, std::uint64_t bytes_each) const {
        if (count > left() / bytes_each) {
            refuse(std::to_string(count) + " elements claimed, and " + std::to_string(left()) + " bytes there");
        }
    }

    template <class Element>
    void read_elements(std::uint64_t count, Element& element) {
        require_elements(count, 1);
        const Level level(*this);
        for (std::size_t index = 0; index != count; ++index) {
            at(index);
            element();
        }
    }

    [[noreturn]] void refuse(const std::string& what) const {
        fail(std::string("not ") + format_ + ": " + what + ", at byte " + std::to_string(at_ - begin_));
    }

 private:
    const char* format_;
    const char* begin_;
    const char* at_;
    const char* end_;
};

}  // namespace communica::codec

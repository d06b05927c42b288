// The base of writers for binary formats: a head byte, and big-endian fields.
#pragma once

#include "appender.hpp"
#include "place.hpp"
#include "utf8.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace communica::codec {

class BinaryOutput : public Position {
 public:
    static constexpr bool has_bytes = true;

    void finish() const noexcept {}

    /// What the message has besides the bytes that are written.
    std::shared_ptr<base::Attachments>& attachments() { return out_.attachments(); }

 protected:
    explicit BinaryOutput(Buffer& out) : out_(out) {}

    void put(unsigned head) { out_.push_back(static_cast<char>(head)); }

    /// Writes `head`, then the last `size` bytes of `value`.
    void put(unsigned head, std::uint64_t value, std::size_t size) {
        char* at = out_.room(1 + size);
        *at++ = static_cast<char>(head);
        for (std::size_t index = size; index != 0; --index) {
            *at++ = static_cast<char>(value >> (8 * (index - 1)));
        }
        out_.end_at(at);
    }
    void put_float(unsigned head, float value) { put(head, std::bit_cast<std::uint32_t>(value), 4); }
    void put_double(unsigned head, double value) { put(head, std::bit_cast<std::uint64_t>(value), 8); }

    void put_raw(std::string_view bytes) { out_.append(bytes); }
    void put_raw(Bytes bytes) { out_.append(as_text(bytes)); }

    void require_utf8(std::string_view text) const {
        if (!is_utf8(text)) {
            fail("a text that is not UTF-8");
        }
    }

 private:
    Appender out_;
};

}  // namespace communica::codec

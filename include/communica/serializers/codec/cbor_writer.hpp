// Writes CBOR, event by event.
#pragma once

#include "binary_output.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace communica::codec {

/// Writes definite lengths, and arguments in their shortest form (RFC 8949, section 3).
class CborWriter : public BinaryOutput {
 public:
    explicit CborWriter(Buffer& out) : BinaryOutput(out) {}

    void null() { put(0xF6); }
    void boolean(bool value) { put(value ? 0xF5 : 0xF4); }
    void integer(std::uint64_t value) { put_argument(0x00, value); }
    void integer(std::int64_t value) {
        if (value >= 0) {
            put_argument(0x00, static_cast<std::uint64_t>(value));
        } else {
            put_argument(0x20, ~static_cast<std::uint64_t>(value));  // -1 - value
        }
    }
    void floating(float value) { put_float(0xFA, value); }
    void floating(double value) { put_double(0xFB, value); }

    void string(std::string_view text) {
        require_utf8(text);
        put_argument(0x60, text.size());
        put_raw(text);
    }
    void bytes(Bytes bytes) {
        put_argument(0x40, bytes.size());
        put_raw(bytes);
    }
    /// From nlohmann's tree: a subtype becomes a tag.
    void binary(const nlohmann::json::binary_t& binary) {
        if (binary.has_subtype()) {
            put_argument(0xC0, binary.subtype());
        }
        bytes(std::as_bytes(std::span(binary)));
    }

    template <class Elements>
    void array(std::size_t size, Elements&& elements) {
        const Level level(*this);
        put_argument(0x80, size);
        elements();
    }
    template <class Fields>
    void object(std::size_t size, Fields&& fields) {
        const Level level(*this);
        put_argument(0xA0, size);
        fields();
    }
    void key(std::string_view name) {
        at(name);
        string(name);
    }

 private:
    void put_argument(unsigned major, std::uint64_t value) {
        if (value < 24) {
            put(major | static_cast<unsigned>(value));
        } else if (value <= UINT8_MAX) {
            put(major | 24, value, 1);
        } else if (value <= UINT16_MAX) {
            put(major | 25, value, 2);
        } else if (value <= UINT32_MAX) {
            put(major | 26, value, 4);
        } else {
            put(major | 27, value, 8);
        }
    }
};

}  // namespace communica::codec

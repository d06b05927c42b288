// Writes MessagePack, event by event.
#pragma once

#include "binary_output.hpp"

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace communica::codec {

/// Writes everything in its shortest form (github.com/msgpack/msgpack/blob/master/spec.md), as Python's `msgpack.packb`
/// does.
class MsgpackWriter : public BinaryOutput {
 public:
    explicit MsgpackWriter(Buffer& out) : BinaryOutput(out) {}

    void null() { put(0xC0); }
    void boolean(bool value) { put(value ? 0xC3 : 0xC2); }

    void integer(std::uint64_t value) {
        if (value < 0x80) {
            put(static_cast<unsigned>(value));
        } else {
            put_sized(0xCC, value);
        }
    }
    void integer(std::int64_t value) {
        if (value >= 0) {
            integer(static_cast<std::uint64_t>(value));
        } else if (value >= -32) {
            put(static_cast<unsigned>(value) & 0xFF);
        } else if (value >= INT8_MIN) {
            put(0xD0, static_cast<std::uint64_t>(value), 1);
        } else if (value >= INT16_MIN) {
            put(0xD1, static_cast<std::uint64_t>(value), 2);
        } else if (value >= INT32_MIN) {
            put(0xD2, static_cast<std::uint64_t>(value), 4);
        } else {
            put(0xD3, static_cast<std::uint64_t>(value), 8);
        }
    }
    void floating(float value) { put_float(0xCA, value); }
    void floating(double value) { put_double(0xCB, value); }

    void string(std::string_view text) {
        require_utf8(text);
        if (text.size() < 32) {
            put(0xA0 | static_cast<unsigned>(text.size()));
        } else {
            put_length(0xD9, text.size());
        }
        put_raw(text);
    }

    void bytes(Bytes bytes) {
        put_length(0xC4, bytes.size());
        put_raw(bytes);
    }

    /// From nlohmann's tree: with a subtype it becomes an extension type.
    void binary(const nlohmann::json::binary_t& binary) {
        const Bytes content = std::as_bytes(std::span(binary));
        if (!binary.has_subtype()) {
            bytes(content);
            return;
        }
        if (binary.subtype() > 0xFF) {
            fail("an extension type beyond a byte");
        }
        switch (content.size()) {
            case 1: put(0xD4); break;
            case 2: put(0xD5); break;
            case 4: put(0xD6); break;
            case 8: put(0xD7); break;
            case 16: put(0xD8); break;
            default: put_length(0xC7, content.size());
        }
        put(static_cast<unsigned>(binary.subtype()));
        put_raw(content);
    }

    template <class Elements>
    void array(std::size_t size, Elements&& elements) {
        const Level level(*this);
        put_count(0x90, 0xDC, size);
        elements();
    }
    template <class Fields>
    void object(std::size_t size, Fields&& fields) {
        const Level level(*this);
        put_count(0x80, 0xDE, size);
        fields();
    }
    void key(std::string_view name) {
        at(name);
        string(name);
    }

 private:
    /// Writes 1, 2, 4 or 8 bytes, whose heads are consecutive.
    void put_sized(unsigned head, std::uint64_t value) {
        if (value <= UINT8_MAX) {
            put(head, value, 1);
        } else if (value <= UINT16_MAX) {
            put(head + 1, value, 2);
        } else if (value <= UINT32_MAX) {
            put(head + 2, value, 4);
        } else {
            put(head + 3, value, 8);
        }
    }
    void put_length(unsigned head, std::size_t size) {
        require_length(size);
        put_sized(head, size);
    }
    void put_count(unsigned few, unsigned head, std::size_t size) {
        require_length(size);
        if (size < 16) {
            put(few | static_cast<unsigned>(size));
        } else if (size <= UINT16_MAX) {
            put(head, size, 2);
        } else {
            put(head + 1, size, 4);
        }
    }
    void require_length(std::size_t size) const {
        if (size > UINT32_MAX) {
            fail("MessagePack has no lengths beyond 32 bits");
        }
    }
};

}  // namespace communica::codec

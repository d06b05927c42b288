// A cursor over MessagePack.
#pragma once

#include "binary_input.hpp"
#include "time_text.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace communica::codec {

/// Accepts every form of a value, not only the shortest.
class MsgpackReader : public BinaryInput {
 public:
    explicit MsgpackReader(Bytes bytes) noexcept : BinaryInput(bytes, "MessagePack") {}

    Kind peek() const {
        const std::uint8_t head = next();
        if (head < 0x80 || head >= 0xE0) {
            return Kind::number;
        }
        if (head < 0x90) {
            return Kind::object;
        }
        if (head < 0xA0) {
            return Kind::array;
        }
        if (head < 0xC0) {
            return Kind::string;
        }
        switch (head) {
            case 0xC0: return Kind::null;
            case 0xC1: refuse("the byte 0xc1");
            case 0xC2:
            case 0xC3: return Kind::boolean;
            case 0xC4:
            case 0xC5:
            case 0xC6: return Kind::bytes;
            case 0xD9:
            case 0xDA:
            case 0xDB: return Kind::string;
            case 0xDC:
            case 0xDD: return Kind::array;
            case 0xDE:
            case 0xDF: return Kind::object;
            default: return head >= 0xCA && head <= 0xD3 ? Kind::number : Kind::extension;
        }
    }

    /// Bytes behind an extension usually belong to it: msgpackr writes a record as its type and the fields behind it.
    void finish() const {
        if (MsgpackReader whole(all()); left() != 0 && whole.peek() == Kind::extension) {
            refuse("nothing behind " + found(whole) + " but " + std::to_string(left()) + " bytes more");
        }
        BinaryInput::finish();
    }

    void read_null() { advance(); }
    bool read_bool() { return take_head() == 0xC3; }

    Number read_number() {
        const std::uint8_t head = take_head();
        switch (head) {
            case 0xCA: return Number::of(take_float());
            case 0xCB: return Number::of(take_double());
            case 0xCC:
            case 0xCD:
            case 0xCE:
            case 0xCF: return Number::of(take_integer(std::size_t{1} << (head - 0xCC)));
            case 0xD0: return Number::of(std::int64_t{static_cast<std::int8_t>(take_integer(1))});
            case 0xD1: return Number::of(std::int64_t{static_cast<std::int16_t>(take_integer(2))});
            case 0xD2: return Number::of(std::int64_t{static_cast<std::int32_t>(take_integer(4))});
            case 0xD3: return Number::of(static_cast<std::int64_t>(take_integer(8)));
            default: return Number::of(std::int64_t{static_cast<std::int8_t>(head)});
        }
    }

    std::string_view read_string(std::string&) {
        const std::uint8_t head = take_head();
        return take_text(text_length(head));
    }

    Bytes read_bytes(std::string&) {
        const std::uint8_t head = take_head();
        return as_bytes(take(take_length(head - 0xC4U)));
    }

    /// The content of an extension type; `type` is its number.
    Bytes read_extension(std::uint8_t& type) {
        const std::uint64_t size = take_extension_size();
        type = static_cast<std::uint8_t>(take_integer(1));
        return as_bytes(take(size));
    }
    Bytes read_extension(std::string&) {
        std::uint8_t type = 0;
        return read_extension(type);
    }

    /// A point in time, extension type -1 in one of its three sizes (MessagePack's specification, "Timestamp extension
    /// type"). Null, without reading, if the next value is none.
    std::optional<Timestamp> read_timestamp() {
        MsgpackReader ahead(*this);
        if (ahead.peek() != Kind::extension) {
            return std::nullopt;
        }
        std::uint8_t type = 0;
        const std::size_t size = ahead.read_extension(type).size();
        if (type != 0xFF || (size != 4 && size != 8 && size != 12)) {
            return std::nullopt;
        }
        MsgpackReader content(*this);
        content.take_content_head();
        std::uint64_t nanoseconds = 0;
        std::uint64_t seconds = 0;
        if (size == 12) {
            nanoseconds = content.take_integer(4);
            seconds = content.take_integer(8);
        } else {
            seconds = content.take_integer(size);
            nanoseconds = size == 8 ? seconds >> 34 : 0;
            seconds &= (std::uint64_t{1} << 34) - 1;
        }
        if (nanoseconds >= 1'000'000'000) {
            refuse("a time with more nanoseconds than a second has");
        }
        *this = ahead;
        return Timestamp{.seconds = std::chrono::seconds(static_cast<std::int64_t>(seconds)),
                         .fraction = std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds))};
    }

    /// For nlohmann's tree: bytes, or an extension type as bytes with a subtype.
    nlohmann::json read_binary() {
        std::string scratch;
        if (peek() == Kind::bytes) {
            return nlohmann::json::binary(to_vector(read_bytes(scratch)));
        }
        std::uint8_t type = 0;
        const Bytes content = read_extension(type);
        return nlohmann::json::binary(to_vector(content), type);
    }

    template <class Element>
    void read_array(Element&& element) {
        const std::uint8_t head = take_head();
        read_elements(head < 0xA0 ? head & 0xFU : take_length(head - 0xDCU + 1), element);
    }

    /// Calls `entry` for each entry of a map. It must read a key of any kind, and a value.
    template <class Entry>
    void read_entries(Entry&& entry) {
        const std::uint8_t head = take_head();
        const std::uint64_t count = head < 0x90 ? head & 0xFU : take_length(head - 0xDEU + 1);
        require_elements(count, 2);
        const Level level(*this);
        for (std::uint64_t index = 0; index != count; ++index) {
            at_no_key();
            entry();
        }
    }

    template <class Field>
    void read_object(Field&& field) {
        std::string scratch;
        read_entries([&] {
            if (peek() != Kind::string) {
                fail("expected keys that are strings, got " + found(*this));
            }
            const std::string_view key = read_string(scratch);
            at(key);
            field(key);
        });
    }

    /// Skips a value, which must be well-formed but may have any meaning.
    void skip() {
        std::string scratch;
        switch (peek()) {
            case Kind::null: read_null(); break;
            case Kind::boolean: read_bool(); break;
            case Kind::number: read_number(); break;
            case Kind::string: {
                const std::uint8_t head = take_head();
                take(text_length(head));
                break;
            }
            case Kind::bytes: read_bytes(scratch); break;
            case Kind::extension: read_extension(scratch); break;
            case Kind::array: read_array([this] { skip(); }); break;
            case Kind::object:
                read_entries([this] {
                    skip();
                    skip();
                });
                break;
        }
    }

    /// JavaScript's `undefined`, as msgpackr writes it: an extension type 0 with a zero.
    bool is_undefined() const {
        return next() == 0xD4 && left() >= 3 && MsgpackReader(*this).take(3) == std::string_view("\xD4\0\0", 3);
    }

 private:
    static std::vector<std::uint8_t> to_vector(Bytes bytes) {
        const auto* begin = reinterpret_cast<const std::uint8_t*>(bytes.data());
        return {begin, begin + bytes.size()};
    }

    std::uint64_t take_extension_size() {
        const std::uint8_t head = take_head();
        return head >= 0xD4 ? std::uint64_t{1} << (head - 0xD4) : take_length(head - 0xC7U);
    }
    /// Reads up to the content of an extension type.
    void take_content_head() {
        take_extension_size();
        take_integer(1);
    }

    std::uint8_t take_head() {
        const std::uint8_t head = next();
        advance();
        return head;
    }
    std::uint64_t text_length(std::uint8_t head) { return head < 0xC0 ? head & 0x1FU : take_length(head - 0xD9U); }
    /// A length of 1, 2 or 4 bytes.
    std::uint64_t take_length(unsigned power) { return take_integer(std::size_t{1} << power); }
};

}  // namespace communica::codec

// A cursor over CBOR.
#pragma once

#include "binary_input.hpp"
#include "time_text.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace communica::codec {

/// Accepts definite and indefinite lengths and every form of a value. Tags are read past, but those of big integers, and that
/// of a time where one is wanted.
class CborReader : public BinaryInput {
 public:
    explicit CborReader(Bytes bytes) noexcept : BinaryInput(bytes, "CBOR") {}

    Kind peek() {
        while (major_of(next()) == Major::tag) {
            tag_ = take_argument(take_head());
            if (tag_ == 2 || tag_ == 3) {
                fail("an integer that does not fit 64 bits");
            }
        }
        const std::uint8_t head = next();
        switch (major_of(head)) {
            case Major::natural:
            case Major::negative: return Kind::number;
            case Major::bytes: return Kind::bytes;
            case Major::text: return Kind::string;
            case Major::array: return Kind::array;
            case Major::map: return Kind::object;
            default: break;
        }
        switch (head) {
            case 0xF4:
            case 0xF5: return Kind::boolean;
            case 0xF6:
            case 0xF7: return Kind::null;
            case 0xF9:
            case 0xFA:
            case 0xFB: return Kind::number;
            default: refuse("a simple value that means nothing here");
        }
    }

    void read_null() { take_head(); }
    bool read_bool() { return take_head() == 0xF5; }

    /// A point in time, tag 1 before a number of seconds (RFC 8949, 3.4.2); nothing, and nothing is read, if the next value is
    /// none.
    std::optional<Timestamp> read_timestamp() {
        if (peek() != Kind::number || tag_ != 1) {
            return std::nullopt;
        }
        const Number number = read_number();
        if (number.form != Number::Form::floating) {
            if (const auto seconds = number_as<std::int64_t>(number)) {
                return Timestamp{.seconds = std::chrono::seconds(*seconds)};
            }
        } else if (std::fabs(number.floating) < 9e15) {
            const double seconds = std::floor(number.floating);
            return Timestamp{.seconds = std::chrono::seconds(static_cast<std::int64_t>(seconds)),
                             .fraction = std::chrono::nanoseconds(std::llround((number.floating - seconds) * 1e9)),
                             .is_rounded = true};
        }
        fail("a time out of range, " + text_of(number) + " seconds");
    }

    Number read_number() {
        const std::uint8_t head = take_head();
        switch (head) {
            case 0xF9: return Number::of(half(take_integer(2)));
            case 0xFA: return Number::of(take_float());
            case 0xFB: return Number::of(take_double());
            default: break;
        }
        const std::uint64_t value = take_argument(head);
        if (major_of(head) == Major::natural) {
            return Number::of(value);
        }
        if (value > static_cast<std::uint64_t>(INT64_MAX)) {
            fail("an integer that does not fit 64 bits");
        }
        return Number::of(static_cast<std::int64_t>(~value));
    }

    std::string_view read_string(std::string& scratch) {
        return read_run(scratch, Major::text, [this](std::uint64_t size) { return take_text(size); });
    }
    Bytes read_bytes(std::string& scratch) {
        return as_bytes(read_run(scratch, Major::bytes, [this](std::uint64_t size) { return take(size); }));
    }
    /// For nlohmann's tree.
    nlohmann::json read_binary() {
        std::string scratch;
        const std::string_view content = as_text(read_bytes(scratch));
        return nlohmann::json::binary({content.begin(), content.end()});
    }

    template <class Element>
    void read_array(Element&& element) {
        const std::uint8_t head = take_head();
        if ((head & 31) != indefinite) {
            read_elements(take_argument(head), element);
            return;
        }
        const Level level(*this);
        for (std::size_t index = 0; !take_break(); ++index) {
            at(index);
            element();
        }
    }

    template <class Field>
    void read_object(Field&& field) {
        const std::uint8_t head = take_head();
        const bool ends_by_break = (head & 31) == indefinite;
        std::uint64_t count = ends_by_break ? 0 : take_argument(head);
        require_elements(count, 2);
        const Level level(*this);
        std::string scratch;
        while (ends_by_break ? !take_break() : count-- != 0) {
            at_no_key();
            if (peek() != Kind::string) {
                fail("expected keys that are strings, got " + found(*this));
            }
            const std::string_view key = read_string(scratch);
            at(key);
            field(key);
        }
    }

 private:
    enum class Major : std::uint8_t { natural, negative, bytes, text, array, map, tag, other };
    static constexpr Major major_of(std::uint8_t head) noexcept { return static_cast<Major>(head >> 5); }
    static constexpr unsigned indefinite = 31;

    std::uint8_t take_head() {
        const std::uint8_t head = next();
        advance();
        tag_ = no_tag;
        return head;
    }
    bool take_break() {
        if (next() != 0xFF) {
            return false;
        }
        advance();
        return true;
    }

    std::uint64_t take_argument(std::uint8_t head) {
        const unsigned argument = head & 31U;
        if (argument < 24) {
            return argument;
        }
        if (argument > 27) {
            refuse("an argument that is reserved, or has no place here");
        }
        return take_integer(std::size_t{1} << (argument - 24));
    }

    /// One run of bytes, or several that end by a break.
    template <class Take>
    std::string_view read_run(std::string& scratch, Major major, Take take_run) {
        const std::uint8_t head = take_head();
        if ((head & 31) != indefinite) {
            return take_run(take_argument(head));
        }
        scratch.clear();
        while (!take_break()) {
            const std::uint8_t part = take_head();
            if (major_of(part) != major || (part & 31) == indefinite) {
                refuse("a part of a string that is no string of definite length");
            }
            scratch.append(take_run(take_argument(part)));
        }
        return scratch;
    }

    static constexpr std::uint64_t no_tag = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t tag_ = no_tag;  // of the value that is next

    /// IEEE 754 binary16 (RFC 8949, appendix D).
    static double half(std::uint64_t bits) noexcept {
        const auto exponent = static_cast<int>(bits >> 10 & 31);
        const auto mantissa = static_cast<double>(bits & 1023);
        double value = 0;
        if (exponent == 31) {
            value = mantissa == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
        } else {
            value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
        }
        return (bits & 0x8000) != 0 ? -value : value;
    }
};

}  // namespace communica::codec

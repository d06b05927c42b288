// A cursor over CBOR.
#pragma once

#include "binary_input.hpp"
#include "time_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace communica::codec {

/// Accepts definite and indefinite lengths, every form of a value, big integers that fit 64 bits (tags 2 and 3), and
/// typed arrays (RFC 8746) as arrays of numbers; tags 64 and 68 stay bytes. Refuses tags that change the value, by
/// name. Skips all other tags, except that of a time where a time is expected.
class CborReader : public BinaryInput {
 public:
    explicit CborReader(Bytes bytes) noexcept : BinaryInput(bytes, "CBOR") {}

    Kind peek() {
        if (!elements_.empty()) {
            return Kind::number;
        }
        while (major_of(next()) == Major::tag) {
            tag_ = take_argument(take_head());
            if (const char* const meaning = meaning_of(tag_); meaning != nullptr) {
                fail(std::string(meaning) + " (tag " + std::to_string(tag_) + "), which is not supported");
            }
        }
        const std::uint8_t head = next();
        switch (major_of(head)) {
            case Major::natural:
            case Major::negative: return Kind::number;
            case Major::bytes: return is_big_integer() ? Kind::number : is_typed_array() ? Kind::array : Kind::bytes;
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

    /// A point in time, tag 1 before a number of seconds (RFC 8949, 3.4.2). Null, unread, if the next value is none.
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
            return timestamp_of(number.floating);
        }
        fail("a time out of range, " + text_of(number) + " seconds");
    }

    Number read_number() {
        if (!elements_.empty()) {
            return take_element();
        }
        if (is_big_integer()) {
            return read_big_integer();
        }
        const std::uint8_t head = take_head();
        switch (head) {
            case 0xF9: return Number::of(half(take_integer(2)));
            case 0xFA: return Number::of(take_float());
            case 0xFB: return Number::of(take_double());
            default: break;
        }
        return integer(take_argument(head), major_of(head) == Major::negative);
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
        if (is_typed_array()) {
            return read_typed_array(element);
        }
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

    /// Calls `entry` for each entry of a map. It must read a key of any kind, and a value.
    template <class Entry>
    void read_entries(Entry&& entry) {
        const std::uint8_t head = take_head();
        const bool ends_by_break = (head & 31) == indefinite;
        std::uint64_t count = ends_by_break ? 0 : take_argument(head);
        require_elements(count, 2);
        const Level level(*this);
        while (ends_by_break ? !take_break() : count-- != 0) {
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

    /// Skips a value, which must be well-formed (RFC 8949, 5.3.1) but may have any meaning.
    void skip() {
        if (!elements_.empty()) {
            take_element();
            return;
        }
        while (major_of(next()) == Major::tag) {
            take_argument(take_head());
        }
        const std::uint8_t head = next();
        switch (major_of(head)) {
            case Major::bytes:
            case Major::text: {
                std::string scratch;
                read_run(scratch, major_of(head), [this](std::uint64_t size) { return take(size); });
                break;
            }
            case Major::array:
                tag_ = no_tag;
                read_array([this] { skip(); });
                break;
            case Major::map:
                read_entries([this] {
                    skip();
                    skip();
                });
                break;
            case Major::other: skip_simple(); break;
            default: take_argument(take_head()); break;
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

    /// One string of definite length, or several that end with a break.
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

    void skip_simple() {
        const std::uint8_t head = take_head();
        if ((head & 31) > 27) {
            refuse("a simple value that is reserved, or has no place here");
        }
        if (take_argument(head) < 32 && head == 0xF8) {
            refuse("a simple value of two bytes that has one of its own");
        }
    }

    /// The meaning of a tag that changes the value behind it; null for all others.
    static const char* meaning_of(std::uint64_t tag) noexcept {
        switch (tag) {
            case 4:
            case 264: return "a decimal fraction";
            case 5:
            case 265: return "a big float";
            case 25: return "a reference to a text";
            case 29: return "a reference to a shared value";
            case 30: return "a rational number";
            default: return tag >= 57342 && tag <= 57599 ? "a record of cbor-x" : nullptr;
        }
    }

    Number integer(std::uint64_t value, bool is_negative) const {
        if (!is_negative) {
            return Number::of(value);
        }
        if (value > static_cast<std::uint64_t>(INT64_MAX)) {
            fail("an integer that does not fit 64 bits");
        }
        return Number::of(static_cast<std::int64_t>(~value));
    }

    bool is_big_integer() const { return (tag_ == 2 || tag_ == 3) && major_of(next()) == Major::bytes; }

    Number read_big_integer() {
        const bool is_negative = tag_ == 3;
        std::string scratch;
        std::string_view digits = as_text(read_bytes(scratch));
        digits.remove_prefix(std::min(digits.find_first_not_of('\0'), digits.size()));
        if (digits.size() > 8) {
            fail("an integer that does not fit 64 bits");
        }
        return integer(integer_of(digits), is_negative);
    }

    // ---- typed arrays: tags 64 to 87 (RFC 8746, 2.1)

    bool is_typed_array() const {
        return tag_ > 64 && tag_ <= 87 && tag_ != 68 && elements_.empty() && major_of(next()) == Major::bytes;
    }

    /// The encoding of the elements, from the bits of the tag.
    struct ElementForm {
        bool is_float = false;
        bool is_signed = false;
        bool is_little_endian = false;
        std::size_t size = 1;
    };
    static constexpr ElementForm form_of(std::uint64_t tag) noexcept {
        const bool is_float = (tag & 16) != 0;
        return {is_float, (tag & 8) != 0, (tag & 4) != 0, std::size_t{is_float ? 2U : 1U} << (tag & 3)};
    }

    template <class Element>
    void read_typed_array(Element& element) {
        form_ = form_of(tag_);
        if (form_.size > 8 || tag_ == 76) {
            fail("an array of numbers of a type that is not supported (tag " + std::to_string(tag_) + ")");
        }
        std::string scratch;
        const std::string_view elements = as_text(read_bytes(scratch));
        if (elements.size() % form_.size != 0) {
            refuse("a typed array that ends inside an element");
        }
        const Level level(*this);
        elements_ = elements;
        for (std::size_t index = 0; !elements_.empty(); ++index) {
            at(index);
            element();
        }
    }

    Number take_element() {
        char bytes[8];
        const std::string_view element = elements_.substr(0, form_.size);
        element.copy(bytes, form_.size);
        elements_.remove_prefix(form_.size);
        if (form_.is_little_endian) {
            std::reverse(bytes, bytes + form_.size);
        }
        const std::uint64_t value = integer_of({bytes, form_.size});
        if (form_.is_float) {
            switch (form_.size) {
                case 2: return Number::of(half(value));
                case 4: return Number::of(double{std::bit_cast<float>(static_cast<std::uint32_t>(value))});
                default: return Number::of(std::bit_cast<double>(value));
            }
        }
        if (form_.is_signed) {
            const unsigned unused = 64 - 8 * static_cast<unsigned>(form_.size);
            return Number::of(static_cast<std::int64_t>(value << unused) >> unused);
        }
        return Number::of(value);
    }

    static constexpr std::uint64_t no_tag = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t tag_ = no_tag;  // of the next value
    std::string_view elements_;   // the unread elements of the current typed array
    ElementForm form_;

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

// A cursor over JSON text.
#pragma once

#include "float_text.hpp"
#include "json_bytes.hpp"
#include "json_key.hpp"
#include "reader.hpp"
#include "utf8.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

namespace communica::codec {

/// Strict: RFC 8259 in UTF-8, with or without a byte order mark. Refuses integers beyond 64 bits, floats beyond the
/// range of a double, and unpaired escaped surrogates. Bytes are a string in base64.
class JsonReader : public Position {
 public:
    static constexpr bool has_bytes = false;

    explicit JsonReader(Bytes bytes) : JsonReader(as_text(bytes)) {}
    explicit JsonReader(std::string_view text) : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {
        // avoids the call for most texts
        if (!text.empty() && text.front() == '\xef' && text.starts_with("\xef\xbb\xbf")) {
            at_ += 3;
        }
    }

    Kind peek() {
        skip_space();
        const std::uint8_t kind = at_ == end_ ? no_kind : kinds_by_first_byte[static_cast<unsigned char>(*at_)];
        if (kind == no_kind) {
            malformed("a value");
        }
        return static_cast<Kind>(kind);
    }

    void read_null() { take_word("null"); }
    bool read_bool() {
        const bool value = *at_ == 't';
        take_word(value ? "true" : "false");
        return value;
    }

    Number read_number() {
        const char* const begin = at_;
        const bool negative = *at_ == '-';
        if (negative) {
            ++at_;
        }
        const char* const digits = at_;
        std::uint64_t integer = 0;
        read_digits(integer);
        const auto count = at_ - digits;
        if (count == 0 || (count > 1 && *digits == '0')) {
            at_ = digits + (count == 0 ? 0 : 1);
            malformed(count == 0 ? "a digit" : "no digit behind a leading 0");
        }
        if (at_ != end_ && (*at_ == '.' || *at_ == 'e' || *at_ == 'E')) {
            return read_float(begin, digits, integer);
        }
        if (count >= 19 && (count > 20 || !fits_64_bits({digits, at_}))) {
            return read_large_integer(begin, digits);
        }
        if (!negative) {
            return Number::of(integer);
        }
        constexpr std::uint64_t most_negative = std::uint64_t{1} << 63;
        if (integer > most_negative) {
            return read_large_integer(begin, digits);
        }
        return Number::of(static_cast<std::int64_t>(0 - integer));
    }

    std::string_view read_string(std::string& scratch) {
        const char* const begin = ++at_;
        at_ = json_text(at_, end_);
        if (at_ != end_ && *at_ == '"') {
            return {begin, static_cast<std::size_t>(at_++ - begin)};
        }
        scratch.assign(begin, at_);
        read_escaped(scratch);
        return scratch;
    }

    template <class Element>
    void read_array(Element&& element) {
        const Level level(*this);
        if (open(']')) {
            return;
        }
        std::size_t index = 0;
        do {
            at(index++);
            element();
        } while (comma_or(']'));
    }

    template <class Field>
    void read_object(Field&& field) {
        const Level level(*this);
        if (!open('}')) {
            read_fields(field);
        }
    }

    /// The keys of a described struct usually come in the order of its fields, so the text is compared with the next
    /// field's key. From the first key that differs on, `field` is called.
    template <class... Name, class Known, class Field>
    void read_object(Names<Name...>, Known&& known, Field&& field) {
        const Level level(*this);
        [[maybe_unused]] const auto ends_with = [&]<class N>(N name) {
            if (!take_key(name)) {
                return false;
            }
            known(name);
            return !comma_or('}');
        };
        if (!(open('}') || ... || ends_with(Name()))) {
            read_fields(field);
        }
    }

    void finish() {
        skip_space();
        if (at_ != end_) {
            malformed("nothing behind the value");
        }
    }

 private:
    static bool is_digit(char byte) noexcept { return byte >= '0' && byte <= '9'; }
    static std::uint64_t digit(char byte) noexcept { return static_cast<std::uint64_t>(byte - '0'); }

    void skip_space() noexcept {
        while (at_ != end_ && static_cast<unsigned char>(*at_) <= ' ' &&
               (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) {
            ++at_;
        }
    }

    /// Reads the opening bracket of a container. Returns true, with the closing one read, if it is empty.
    bool open(char bracket) noexcept {
        ++at_;
        skip_space();
        if (at_ == end_ || *at_ != bracket) {
            return false;
        }
        ++at_;
        return true;
    }

    template <class Field>
    void read_fields(Field& field) {
        std::string scratch;
        do {
            at_no_key();
            skip_space();
            if (at_ == end_ || *at_ != '"') {
                malformed("a key in quotes");
            }
            const std::string_view key = read_string(scratch);
            skip_space();
            if (at_ == end_ || *at_ != ':') {
                malformed("a colon");
            }
            ++at_;
            at(key);
            field(key);
        } while (comma_or('}'));
    }

    template <class Name>
    bool take_key(Name) noexcept {
        if constexpr (PlainName<Name>) {
            constexpr const auto& key = json_key<Name>;
            skip_space();
            if (end_ - at_ >= std::ssize(key) && std::memcmp(at_, key.data(), key.size()) == 0) {
                at_ += key.size();
                at(Name::text);
                return true;
            }
        }
        return false;
    }

    /// Reads a comma, or the closing bracket of the container. Returns whether it was a comma.
    bool comma_or(char bracket) {
        skip_space();
        if (at_ != end_ && *at_ == ',') {
            ++at_;
            return true;
        }
        if (at_ == end_ || *at_ != bracket) {
            malformed(bracket == ']' ? "',' or ']'" : "',' or '}'");
        }
        ++at_;
        return false;
    }

    void take_word(std::string_view word) {
        if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).substr(0, word.size()) != word) {
            malformed(word);
        }
        at_ += word.size();
    }

    /// For 19 or 20 digits.
    static bool fits_64_bits(std::string_view digits) noexcept {
        std::uint64_t value = 0;
        for (const char each : digits) {
            if (value > (UINT64_MAX - digit(each)) / 10) {
                return false;
            }
            value = value * 10 + digit(each);
        }
        return true;
    }

    /// An integer beyond 64 bits is accepted if its digits stand for a float.
    Number read_large_integer(const char* begin, const char* digits) const {
        const std::string_view text(digits, static_cast<std::size_t>(at_ - digits));
        const auto value = read_double(text);
        if (!value || !stands_for(text, *value)) {
            fail("the integer " + std::string(begin, at_).substr(0, 40) + " fits neither 64 bits nor a double");
        }
        return Number::of(*begin == '-' ? -*value : *value);
    }

    /// Reads what follows the whole part, whose value is `integer`.
    Number read_float(const char* begin, const char* digits, std::uint64_t integer) {
        std::ptrdiff_t places = 0;
        if (*at_ == '.') {
            const char* const decimals = ++at_;
            read_digits(integer);
            places = at_ - decimals;
            if (places == 0) {
                malformed("a digit");
            }
        }
        if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
            ++at_;
            if (at_ != end_ && (*at_ == '+' || *at_ == '-')) {
                ++at_;
            }
            take_digits();
        } else if (at_ - digits <= 19 + 1) {  // 64 bits hold 19 digits; one more character is the point
            if (const auto value = short_float(integer, places)) {
                return Number::of(*begin == '-' ? -*value : *value);
            }
        }
        if (const auto value = read_double({begin, at_})) {
            return Number::of(*value);
        }
        fail("the number " + std::string(begin, at_).substr(0, 40) + " is beyond a double's range");
    }

    /// Appends the following digits to `value`, which wraps around if there are too many.
    void read_digits(std::uint64_t& value) noexcept {
        const char* at = at_;
        for (; at != end_ && is_digit(*at); ++at) {
            value = value * 10 + digit(*at);
        }
        at_ = at;
    }

    void take_digits() {
        if (at_ == end_ || !is_digit(*at_)) {
            malformed("a digit");
        }
        while (at_ != end_ && is_digit(*at_)) {
            ++at_;
        }
    }

    /// Reads the rest of a string, from its first escape on.
    void read_escaped(std::string& text) {
        for (;;) {
            unescape(text);
            const char* const run = at_;
            at_ = json_run(at_, end_);
            text.append(run, at_);
            if (at_ == end_) {
                malformed("the quote that ends a string");
            }
            if (*at_ == '"') {
                ++at_;
                return;
            }
            if (*at_ != '\\') {
                refuse(static_cast<unsigned char>(*at_) < ' ' ? "a control character in a string" : "not UTF-8");
            }
            ++at_;
            read_escape(text);
        }
    }

    /// Reads ASCII and one-letter escapes; stops at anything else, or near the end. For text that is itself JSON this
    /// takes 0.6 of the time that run by run takes.
    void unescape(std::string& text) {
        constexpr std::ptrdiff_t step = 8 + 1;  // a word of text and one unescaped character
        char chunk[16 * step];
        char* to = chunk;
        while (end_ - at_ > step) {
            if (std::end(chunk) - to < step) {
                text.append(chunk, to);
                to = chunk;
            }
            std::memcpy(to, at_, 8);
            const std::size_t count = base::plain_of_8(at_);
            to += count;
            at_ += count;
            if (count != 8) {
                const char byte = *at_ == '\\' ? unescaped(at_[1]) : '\0';
                if (byte == '\0') {
                    break;
                }
                *to++ = byte;
                at_ += 2;
            }
        }
        text.append(chunk, to);
    }

    /// Reads the escape behind a backslash.
    void read_escape(std::string& text) {
        const char letter = at_ == end_ ? '\0' : *at_;
        if (const char byte = unescaped(letter); byte != '\0') {
            text += byte;
            ++at_;
        } else if (letter == 'u') {
            append_utf8(text, read_code_point());
        } else {
            malformed("an escape that JSON has");
        }
    }

    /// Reads from the `u` of an escape. A high surrogate takes two escapes.
    std::uint32_t read_code_point() {
        const std::uint32_t first = read_hex();
        if (first < 0xD800 || first > 0xDFFF) {
            return first;
        }
        if (first > 0xDBFF || end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') {
            refuse("a surrogate without its other half");
        }
        ++at_;
        const std::uint32_t second = read_hex();
        if (second < 0xDC00 || second > 0xDFFF) {
            refuse("a surrogate without its other half");
        }
        return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    }

    std::uint32_t read_hex() {
        ++at_;
        std::uint32_t code = 0;
        const auto parsed = std::from_chars(at_, end_ - at_ > 4 ? at_ + 4 : end_, code, 16);
        if (parsed.ptr - at_ != 4) {
            malformed("four hexadecimal digits");
        }
        at_ += 4;
        return code;
    }

    [[noreturn]] void refuse(std::string_view what) const {
        fail("not JSON: " + std::string(what) + " at byte " + std::to_string(at_ - begin_));
    }
    [[noreturn]] void malformed(std::string_view expected) const {
        if (at_ == end_) {
            refuse("the end instead of " + std::string(expected));
        }
        refuse("expected " + std::string(expected) + ", got " + found_byte());
    }
    std::string found_byte() const {
        const auto byte = static_cast<unsigned char>(*at_);
        if (byte > ' ' && byte < 0x7F) {
            return {'\'', *at_, '\''};
        }
        constexpr std::string_view hex = "0123456789abcdef";
        return {'b', 'y', 't', 'e', ' ', '0', 'x', hex[byte >> 4], hex[byte & 15]};
    }

    const char* begin_;
    const char* at_;
    const char* end_;
};

}  // namespace communica::codec

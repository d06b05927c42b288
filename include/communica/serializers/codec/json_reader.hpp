// A cursor over JSON text.
#pragma once

#include "reader.hpp"
#include "utf8.hpp"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace communica::codec {

/// Strict: RFC 8259 in UTF-8, with or without a byte order mark. Integers beyond 64 bits, floats beyond a double's range
/// and escaped surrogates without their other half are refused. Bytes are a string in base64.
class JsonReader : public Position {
 public:
    static constexpr bool has_bytes = false;

    explicit JsonReader(Bytes bytes) : JsonReader(as_text(bytes)) {}
    explicit JsonReader(std::string_view text) : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {
        if (text.starts_with("\xef\xbb\xbf")) {
            at_ += 3;
        }
    }

    Kind peek() {
        skip_space();
        switch (at_ == end_ ? '\0' : *at_) {
            case '{': return Kind::object;
            case '[': return Kind::array;
            case '"': return Kind::string;
            case 't':
            case 'f': return Kind::boolean;
            case 'n': return Kind::null;
            case '-':
            case '0':
            case '1':
            case '2':
            case '3':
            case '4':
            case '5':
            case '6':
            case '7':
            case '8':
            case '9': return Kind::number;
            default: malformed("a value");
        }
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
        while (at_ != end_ && is_digit(*at_)) {
            integer = integer * 10 + digit(*at_++);
        }
        const auto count = at_ - digits;
        if (count == 0 || (count > 1 && *digits == '0')) {
            at_ = digits + (count == 0 ? 0 : 1);
            malformed(count == 0 ? "a digit" : "no digit behind a leading 0");
        }
        if (at_ != end_ && (*at_ == '.' || *at_ == 'e' || *at_ == 'E')) {
            return read_float(begin);
        }
        if (count >= 19 && (count > 20 || !fits_64_bits({digits, at_}))) {
            refuse_integer(begin);
        }
        if (!negative) {
            return Number::of(integer);
        }
        constexpr std::uint64_t most_negative = std::uint64_t{1} << 63;
        if (integer > most_negative) {
            refuse_integer(begin);
        }
        return Number::of(static_cast<std::int64_t>(0 - integer));
    }

    std::string_view read_string(std::string& scratch) {
        const char* const begin = ++at_;
        at_ = json_run(at_, end_);
        if (at_ != end_ && *at_ == '"') {
            return {begin, static_cast<std::size_t>(at_++ - begin)};
        }
        scratch.assign(begin, at_);
        for (;;) {
            if (at_ == end_) {
                malformed("the quote that ends a string");
            }
            if (*at_ == '"') {
                ++at_;
                return scratch;
            }
            if (*at_ != '\\') {
                refuse(static_cast<unsigned char>(*at_) < ' ' ? "a control character in a string" : "not UTF-8");
            }
            ++at_;
            read_escape(scratch);
            const char* const run = at_;
            at_ = json_run(at_, end_);
            scratch.append(run, at_);
        }
    }

    template <class Element>
    void read_array(Element&& element) {
        const Level level(*this);
        ++at_;
        skip_space();
        if (at_ != end_ && *at_ == ']') {
            ++at_;
            return;
        }
        for (std::size_t index = 0;; ++index) {
            at(index);
            element();
            if (!comma_or(']')) {
                return;
            }
        }
    }

    template <class Field>
    void read_object(Field&& field) {
        const Level level(*this);
        ++at_;
        skip_space();
        if (at_ != end_ && *at_ == '}') {
            ++at_;
            return;
        }
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
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) {
            ++at_;
        }
    }

    /// Reads past a comma, or past the bracket that ends the container.
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

    /// Of 19 digits and more, 20 at the most.
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

    Number read_float(const char* begin) {
        if (*at_ == '.') {
            ++at_;
            take_digits();
        }
        if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
            ++at_;
            if (at_ != end_ && (*at_ == '+' || *at_ == '-')) {
                ++at_;
            }
            take_digits();
        }
        double value = 0;
        const auto parsed = std::from_chars(begin, at_, value);
        if (parsed.ec == std::errc::result_out_of_range && is_tiny(begin)) {
            value = *begin == '-' ? -0.0 : 0.0;
        } else if (parsed.ec != std::errc() || std::isinf(value)) {
            fail("the number " + std::string(begin, at_).substr(0, 40) + " is beyond a double's range");
        }
        return Number::of(value);
    }

    /// Tells a number too small for a double from one too large: by where its first digit that is not 0 stands.
    bool is_tiny(const char* begin) const noexcept {
        std::int64_t magnitude = 0;  // the power of ten of the first such digit, plus 1
        bool behind_point = false;
        bool found = false;
        const char* at = begin;
        for (; at != at_ && *at != 'e' && *at != 'E'; ++at) {
            if (*at == '.') {
                behind_point = true;
            } else if (is_digit(*at)) {
                found = found || *at != '0';
                if (!behind_point && found) {
                    ++magnitude;
                } else if (behind_point && !found) {
                    --magnitude;
                }
            }
        }
        std::int64_t exponent = 0;
        if (at != at_) {
            const bool negative = *++at == '-';
            for (; at != at_; ++at) {
                if (is_digit(*at) && exponent < 1'000'000'000'000) {
                    exponent = exponent * 10 + static_cast<std::int64_t>(digit(*at));
                }
            }
            exponent = negative ? -exponent : exponent;
        }
        return !found || magnitude + exponent < 0;
    }

    void take_digits() {
        if (at_ == end_ || !is_digit(*at_)) {
            malformed("a digit");
        }
        while (at_ != end_ && is_digit(*at_)) {
            ++at_;
        }
    }

    /// What stands behind a backslash.
    void read_escape(std::string& text) {
        switch (at_ == end_ ? '\0' : *at_) {
            case '"': text += '"'; break;
            case '\\': text += '\\'; break;
            case '/': text += '/'; break;
            case 'b': text += '\b'; break;
            case 'f': text += '\f'; break;
            case 'n': text += '\n'; break;
            case 'r': text += '\r'; break;
            case 't': text += '\t'; break;
            case 'u': append_utf8(text, read_code_point()); return;
            default: malformed("an escape that JSON has");
        }
        ++at_;
    }

    /// At the `u` of one escape; of two, if the first is a high surrogate.
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

    [[noreturn]] void refuse_integer(const char* begin) const {
        fail("the integer " + std::string(begin, at_).substr(0, 40) + " does not fit 64 bits");
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

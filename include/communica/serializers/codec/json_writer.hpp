// Writes JSON text, event by event.
#pragma once

#include "../../buffer.hpp"
#include "base64.hpp"
#include "place.hpp"
#include "utf8.hpp"

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <string_view>

namespace communica::codec {

/// Without spaces, escaping no more than JSON demands; floats with the fewest digits that load as the same value. Bytes
/// become a string in base64.
///
/// Every value is written with a comma behind it. Who closes a container takes the last one back, and `finish` does: so
/// there is nothing to remember.
class JsonWriter : public Position {
 public:
    static constexpr bool has_bytes = false;

    explicit JsonWriter(Buffer& out) noexcept : out_(out) {}

    void null() { out_.append("null,"); }
    void boolean(bool value) { out_.append(value ? "true," : "false,"); }

    template <std::integral T>
    void integer(T value) {
        constexpr std::size_t most = 21;  // of 64 bits with a sign, and the comma
        char* const begin = out_.extend(most);
        char* const end = std::to_chars(begin, begin + most, value).ptr;
        *end = ',';
        give_back(begin + most, end + 1);
    }

    template <std::floating_point T>
    void floating(T value) {
        if (!std::isfinite(value)) {
            fail("JSON has no NaN and no infinity");
        }
        constexpr std::size_t most = 40;
        char* const begin = out_.extend(most);
        char* const end = write_float(begin, value);
        *end = ',';
        give_back(begin + most, end + 1);
    }

    void string(std::string_view text) {
        write_string(text);
        out_.push_back(',');
    }

    void bytes(Bytes bytes) {
        char* at = out_.extend(base64_size(bytes.size()) + 3);
        *at++ = '"';
        at = write_base64(at, bytes);
        *at++ = '"';
        *at = ',';
    }

    /// `elements` writes them all, and says where it is with `at(index)`.
    template <class Elements>
    void array(std::size_t, Elements&& elements) {
        const Level level(*this);
        out_.push_back('[');
        elements();
        close('[', ']');
    }

    /// `fields` writes for each its `key` and its value.
    template <class Fields>
    void object(std::size_t, Fields&& fields) {
        const Level level(*this);
        out_.push_back('{');
        fields();
        close('{', '}');
    }

    void key(std::string_view name) {
        at(name);
        write_string(name);
        out_.push_back(':');
    }

    void finish() noexcept { out_.truncate(out_.size() - 1); }

 private:
    void give_back(const char* end, const char* used) noexcept {
        out_.truncate(out_.size() - static_cast<std::size_t>(end - used));
    }

    void close(char open, char bracket) {
        char& last = *(out_.data() + out_.size() - 1);
        if (last == open) {
            out_.push_back(bracket);
        } else {
            last = bracket;
        }
        out_.push_back(',');
    }

    void write_string(std::string_view text) {
        const char* at = text.data();
        const char* const end = at + text.size();
        const char* run = json_run(at, end);
        if (run == end) {
            char* to = out_.extend(text.size() + 2);
            *to = '"';
            if (!text.empty()) {
                std::memcpy(to + 1, at, text.size());
            }
            to[text.size() + 1] = '"';
            return;
        }
        out_.push_back('"');
        for (;;) {
            out_.append(at, static_cast<std::size_t>(run - at));
            if (run == end) {
                break;
            }
            write_escaped(*run);
            at = run + 1;
            run = json_run(at, end);
        }
        out_.push_back('"');
    }

    void write_escaped(char byte) {
        switch (byte) {
            case '"': out_.append("\\\""); return;
            case '\\': out_.append("\\\\"); return;
            case '\b': out_.append("\\b"); return;
            case '\f': out_.append("\\f"); return;
            case '\n': out_.append("\\n"); return;
            case '\r': out_.append("\\r"); return;
            case '\t': out_.append("\\t"); return;
            default: break;
        }
        const auto code = static_cast<unsigned char>(byte);
        if (code >= ' ') {
            fail("a text that is not UTF-8");
        }
        out_.append("\\u00");
        out_.push_back(static_cast<char>('0' + (code >> 4)));
        out_.push_back("0123456789abcdef"[code & 15]);
    }

    /// As Python writes it: `0.1`, `1.0`, `1e+22`, `1.5e-07`; the exponent from 16 digits before the point on, and from
    /// four zeros behind it.
    template <class T>
    static char* write_float(char* out, T value) {
        char digits[32];
        const char* const end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::scientific).ptr;
        const char* at = digits;
        if (*at == '-') {
            *out++ = *at++;
        }
        // at: d[.ddd]e+XX
        const char* const first = at++;
        const char* const fraction = *at == '.' ? at + 1 : at;
        const char* mantissa_end = fraction;
        while (*mantissa_end != 'e') {
            ++mantissa_end;
        }
        int exponent = 0;
        std::from_chars(mantissa_end + (mantissa_end[1] == '+' ? 2 : 1), end, exponent);
        if (exponent < -4 || exponent >= 16) {
            return copy(out, first, end);
        }
        if (exponent < 0) {
            out = copy(out, "0.", 2);
            out = copy(out, "0000", static_cast<std::size_t>(-exponent - 1));
            *out++ = *first;
            return copy(out, fraction, mantissa_end);
        }
        *out++ = *first;
        for (at = fraction; exponent != 0; --exponent) {
            *out++ = at != mantissa_end ? *at++ : '0';
        }
        *out++ = '.';
        if (at == mantissa_end) {
            *out++ = '0';
            return out;
        }
        return copy(out, at, mantissa_end);
    }
    static char* copy(char* out, const char* begin, const char* end) noexcept {
        return copy(out, begin, static_cast<std::size_t>(end - begin));
    }
    static char* copy(char* out, const char* begin, std::size_t count) noexcept {
        std::memcpy(out, begin, count);
        return out + count;
    }

    Buffer& out_;
};

}  // namespace communica::codec

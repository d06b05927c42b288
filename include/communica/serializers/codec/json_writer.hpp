// Writes JSON text, event by event.
#pragma once

#include "appender.hpp"
#include "base64.hpp"
#include "float_text.hpp"
#include "json_key.hpp"
#include "place.hpp"
#include "utf8.hpp"

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace communica::codec {

/// Writes no spaces and only the escapes that JSON requires; floats with the fewest digits that load as the same value;
/// bytes as a string in base64.
///
/// Writes a comma behind each value. The end of a container replaces it, `finish` removes the last one: no state is
/// needed.
class JsonWriter : public Position {
 public:
    static constexpr bool has_bytes = false;

    explicit JsonWriter(Buffer& out) : out_(out) {}

    void null() { out_.append("null,"); }
    void boolean(bool value) { out_.append(value ? "true," : "false,"); }

    template <std::integral T>
    void integer(T value) {
        constexpr std::size_t most = 21;  // 64 bits with a sign, and the comma
        char* const at = out_.room(most);
        end_value(std::to_chars(at, at + most, value).ptr);
    }

    template <std::floating_point T>
    void floating(T value) {
        if (!std::isfinite(value)) {
            fail("JSON has no NaN and no infinity");
        }
        end_value(write_float(out_.room(longest_float + 1), value));
    }

    void string(std::string_view text) { write_string(text, ','); }

    /// What the message has besides the bytes that are written.
    std::shared_ptr<base::Attachments>& attachments() { return out_.attachments(); }

    void bytes(Bytes bytes) {
        char* at = out_.room(base64_size(bytes.size()) + 3);
        *at++ = '"';
        at = write_base64(at, bytes);
        *at++ = '"';
        end_value(at);
    }

    /// `elements` writes all elements, with a call of `at(index)` before each.
    template <class Elements>
    void array(std::size_t, Elements&& elements) {
        const Level level(*this);
        out_.push_back('[');
        elements();
        close('[', ']');
    }

    /// `fields` writes a `key` and a value for each field.
    template <class Fields>
    void object(std::size_t, Fields&& fields) {
        const Level level(*this);
        out_.push_back('{');
        fields();
        close('{', '}');
    }

    void key(std::string_view name) {
        at(name);
        write_string(name, ':');
    }
    /// A key that is known at compile time.
    template <PlainName Name>
    void key(Name) {
        at(Name::text);
        out_.append({json_key<Name>.data(), json_key<Name>.size()});
    }

    void finish() noexcept { out_.pop_back(); }

 private:
    void end_value(char* end) noexcept {
        *end = ',';
        out_.end_at(end + 1);
    }

    void close(char open, char bracket) {
        char& last = out_.back();
        if (last == open) {
            out_.push_back(bracket);
        } else {
            last = bracket;
        }
        out_.push_back(',');
    }

    /// Writes the text in quotes, followed by `behind`.
    void write_string(std::string_view text, char behind) {
        const char* at = text.data();
        const char* const end = at + text.size();
        const char* run = json_run(at, end);
        if (run == end) {
            char* to = out_.room(text.size() + 3);
            *to++ = '"';
            if (!text.empty()) {
                std::memcpy(to, at, text.size());
            }
            to += text.size();
            *to++ = '"';
            *to++ = behind;
            out_.end_at(to);
            return;
        }
        out_.push_back('"');
        for (;;) {
            out_.append({at, run});
            if (run == end) {
                break;
            }
            write_escaped(*run);
            at = run + 1;
            run = json_run(at, end);
        }
        out_.push_back('"');
        out_.push_back(behind);
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

    Appender out_;
};

}  // namespace communica::codec

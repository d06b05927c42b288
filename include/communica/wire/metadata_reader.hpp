// Metadata as it is read: scanned in the form in which it is normally written, parsed in any other.
#pragma once

#include "../error.hpp"
#include "json_events.hpp"
#include "metadata.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace communica::wire {

namespace detail {

/// Scans the form in which metadata is normally written: an object of `id`, `type`, `route`, `timeout` and `headers`
/// alone, each at most once, strings of printable ASCII without escapes, short integers. Everything else is left to the
/// parser.
class MetadataScanner {
 public:
    explicit MetadataScanner(std::string_view text) : text_(text), at_(text.data()), end_(at_ + text.size()) {}

    bool scan(Metadata& metadata) {
        if (scan_usual(metadata)) {
            return true;
        }
        metadata = {};
        at_ = text_.data();
        return scan_any_order(metadata);
    }

 private:
    /// The keys in the order and with the spaces in which both libraries write them: half the time of any other.
    bool scan_usual(Metadata& metadata) noexcept {
        return take("{\"id\": \"") && string_end(metadata.id) && take(", \"type\": ") && type(metadata) &&
               (!take(", \"route\": \"") || string_end(metadata.route.emplace())) &&
               (!take(", \"timeout\": ") || timeout(metadata)) && take('}') && at_ == end_;
    }

    bool scan_any_order(Metadata& metadata) noexcept {
        bool has_id = false;
        bool has_type = false;
        bool has_timeout = false;
        skip_space();
        if (!take('{')) {
            return false;
        }
        do {
            skip_space();
            std::string_view key;
            if (!string(key) || !colon()) {
                return false;
            }
            if (key == "type" && !has_type) {
                has_type = type(metadata);
                if (!has_type) {
                    return false;
                }
            } else if (key == "id" && !has_id) {
                has_id = string(metadata.id);
                if (!has_id) {
                    return false;
                }
            } else if (key == "route" && !metadata.route) {
                if (!string(metadata.route.emplace())) {
                    return false;
                }
            } else if (key == "timeout" && !has_timeout) {
                has_timeout = timeout(metadata);
                if (!has_timeout) {
                    return false;
                }
            } else if (key == "headers" && metadata.headers.empty()) {
                if (!headers(metadata)) {
                    return false;
                }
            } else {
                return false;
            }
            skip_space();
        } while (take(','));
        if (!take('}')) {
            return false;
        }
        skip_space();
        return at_ == end_ && has_type;
    }

    void skip_space() noexcept {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) {
            ++at_;
        }
    }

    bool take(char wanted) noexcept {
        if (at_ == end_ || *at_ != wanted) {
            return false;
        }
        ++at_;
        return true;
    }

    bool take(std::string_view wanted) noexcept {
        if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(wanted)) {
            return false;
        }
        at_ += wanted.size();
        return true;
    }

    bool colon() noexcept {
        skip_space();
        const bool found = take(':');
        skip_space();
        return found;
    }

    bool string(std::string_view& value) noexcept { return take('"') && string_end(value); }

    /// What is left of a string behind its first quote.
    bool string_end(std::string_view& value) noexcept {
        const char* begin = at_;
        while (end_ - at_ >= 8 && is_plain_word(at_)) {
            at_ += 8;
        }
        while (at_ != end_ && *at_ != '"') {
            if (*at_ < ' ' || *at_ > '~' || *at_ == '\\') {
                return false;
            }
            ++at_;
        }
        value = {begin, static_cast<std::size_t>(at_ - begin)};
        return take('"');
    }

    /// Are these eight bytes printable ASCII without quotes and backslashes? May say no to some that are, never the
    /// reverse.
    static bool is_plain_word(const char* at) noexcept {
        constexpr std::uint64_t ones = 0x0101010101010101;
        constexpr std::uint64_t tops = 0x8080808080808080;
        std::uint64_t word = 0;
        std::memcpy(&word, at, 8);
        const std::uint64_t quote = word ^ ones * '"';
        const std::uint64_t backslash = word ^ ones * '\\';
        const std::uint64_t odd = (word - ones * ' ') | (word + ones) | (quote - ones) | (backslash - ones) | word;
        return (odd & tops) == 0;
    }

    bool number(int max_digits, std::int64_t& value) noexcept {
        const char* begin = at_;
        value = 0;
        while (at_ != end_ && at_ - begin < max_digits && *at_ >= '0' && *at_ <= '9') {
            value = value * 10 + (*at_++ - '0');
        }
        return at_ != begin && (*begin != '0' || at_ - begin == 1) && at_ != end_ &&
               (*at_ == ',' || *at_ == '}' || *at_ == ' ');
    }

    bool timeout(Metadata& metadata) noexcept {
        if (take("null")) {
            metadata.timeout.reset();
            return true;
        }
        std::int64_t value = 0;
        const bool found = number(12, value);  // so that a clock in nanoseconds can hold it
        metadata.timeout = std::chrono::milliseconds{value};
        return found;
    }

    bool headers(Metadata& metadata) noexcept {
        const char* begin = at_;
        std::string_view ignored;
        if (!take('{')) {
            return false;
        }
        do {
            skip_space();
            if (!string(ignored) || !colon() || !string(ignored)) {
                return false;
            }
            skip_space();
        } while (take(','));
        const bool whole = take('}');
        metadata.headers = {begin, static_cast<std::size_t>(at_ - begin)};
        return whole;
    }

    bool type(Metadata& metadata) noexcept {
        const char* begin = at_;
        std::int64_t value = 0;
        if (!number(4, value)) {
            return false;
        }
        metadata.type = static_cast<MessageType>(value);
        metadata.before_type = text_.substr(0, static_cast<std::size_t>(begin - text_.data()));
        metadata.after_type = text_.substr(static_cast<std::size_t>(at_ - text_.data()));
        return true;
    }

    std::string_view text_;
    const char* at_;
    const char* end_;
};

/// Takes metadata of any other form from a JSON parser's events. The text around `type` is written anew, with the
/// separators of the Python library and every number's digits as they came.
class MetadataEvents : public JsonWriter {
 public:
    bool start_object(std::size_t size) override {
        if (!begin_value()) {
            return false;
        }
        const bool begins_headers = at("headers");
        const bool written = JsonWriter::start_object(size);
        if (begins_headers) {
            headers_at_ = text.size() - 1;
            headers_are_texts_ = true;
        }
        return written;
    }
    bool end_object() override {
        const bool written = JsonWriter::end_object();
        if (at("headers") && headers_are_texts_) {
            headers = text.substr(headers_at_);
        }
        return written;
    }
    bool start_array(std::size_t size) override { return begin_value() && JsonWriter::start_array(size); }
    bool null() override {
        if (!begin_value()) {
            return false;
        }
        if (at("timeout")) {
            timeout.reset();
        }
        return JsonWriter::null();
    }

    bool boolean(bool value) override {
        return begin_value() && (at("type") ? type(value ? 1 : 0) : JsonWriter::boolean(value));
    }
    bool number_integer(number_integer_t value) override {
        return begin_number(static_cast<double>(value)) && (at("type") || JsonWriter::number_integer(value));
    }
    bool number_unsigned(number_unsigned_t value) override {
        return begin_number(static_cast<double>(value)) && (at("type") || JsonWriter::number_unsigned(value));
    }
    bool number_float(number_float_t value, const string_t& digits) override {
        return begin_number(value) && (at("type") || JsonWriter::number_float(value, digits));
    }
    bool string(string_t& value) override {
        if (!begin_value(true)) {
            return false;
        }
        if (at("id")) {
            id = value;
        } else if (at("route")) {
            route = value;
        }
        return JsonWriter::string(value);
    }
    bool key(string_t& name) override {
        if (depth() == 1) {
            key_ = name;
        }
        return JsonWriter::key(name);
    }

    std::optional<int> type_value;
    std::size_t type_at = 0;
    std::string id;
    std::optional<std::string> route;
    std::optional<std::chrono::milliseconds> timeout = standard_timeout;
    std::string headers;

 private:
    bool at(std::string_view key) const { return depth() == 1 && key_ == key; }

    /// The outermost value has to be an object, and `type` a number. Of two equal keys the last one counts.
    bool begin_value(bool is_text = false) {
        if (depth() == 0 && !text.empty()) {
            return false;
        }
        if (at("id")) {
            id.clear();
        } else if (at("route")) {
            route.reset();
        } else if (at("timeout")) {
            timeout = standard_timeout;
        } else if (at("headers")) {
            headers.clear();
            headers_are_texts_ = false;
        } else if (at("type") && type_value) {
            text.insert(type_at, std::to_string(*type_value));
            type_value.reset();
        }
        if (depth() > 1 && !is_text) {
            headers_are_texts_ = false;
        }
        return true;
    }

    bool begin_number(double value) {
        if (!begin_value()) {
            return false;
        }
        if (at("timeout")) {
            timeout = std::chrono::milliseconds{static_cast<std::int64_t>(std::clamp(value, 0.0, 1e12))};
        }
        return !at("type") || type(value);
    }

    bool type(double value) {
        separate();
        // A fraction, or a number beyond all types, counts as the unlisted one above or below the first answer's.
        const bool listed = value >= -1e6 && value <= 1e6 && static_cast<int>(value) == value;
        type_value = listed ? static_cast<int>(value) : (value < 11 ? 0 : 1000);
        type_at = text.size();
        return true;
    }

    std::string key_;
    std::size_t headers_at_ = 0;
    bool headers_are_texts_ = false;
};

}  // namespace detail

/// Reads metadata. Keeps the memory that an odd form needs, so one reader serves a connection. Not thread-safe.
class MetadataReader {
 public:
    /// The views in the result live until the next call and as long as `text`.
    /// Throws `std::system_error` with `errc::protocol_error` for what is not metadata.
    Metadata read(std::string_view text) {
        Metadata metadata;
        if (detail::MetadataScanner(text).scan(metadata)) {
            return metadata;
        }
        return read_odd(text);
    }

 private:
    Metadata read_odd(std::string_view text) {
        events_ = {};
        const bool has_zero = text.find('\0') != text.npos;  // which the parser would take for the end
        if (has_zero || !parse_json(text, events_)) {
            throw std::system_error(errc::protocol_error, "metadata that is not a JSON object, or nested too deep");
        }
        if (!events_.is_object() || !events_.type_value) {
            throw std::system_error(errc::protocol_error, "metadata without a numeric type");
        }
        const std::string_view written = events_.text;
        Metadata metadata;
        metadata.type = static_cast<MessageType>(*events_.type_value);
        metadata.id = events_.id;
        if (events_.route) {
            metadata.route = *events_.route;
        }
        metadata.timeout = events_.timeout;
        metadata.headers = events_.headers;
        metadata.before_type = written.substr(0, events_.type_at);
        metadata.after_type = written.substr(events_.type_at);
        return metadata;
    }

    detail::MetadataEvents events_;
};

}  // namespace communica::wire

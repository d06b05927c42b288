// Reads metadata: scans its usual form, and parses any other.
#pragma once

#include "../error.hpp"
#include "json_events.hpp"
#include "metadata.hpp"
#include "metadata_scanner.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace communica::wire {

namespace detail {

/// Reads metadata in any other form from a JSON parser's events. Writes the text around `type` again, with the
/// separators of the Python library and the digits of numbers as received.
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

    /// Requires an object as the outermost value, and a number as `type`. The last of several equal keys wins.
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
        // A fraction or an out-of-range number becomes an unlisted type, on the same side of `first_answer`.
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

/// Reads one metadata text after another. Not thread-safe.
class MetadataReader {
 public:
    /// The views in the result are valid until the next call, and as long as `text` is. Throws `std::system_error` with
    /// `errc::protocol_error` if the text is not metadata.
    Metadata read(std::string_view text) {
        Metadata metadata;
        if (!detail::MetadataScanner(text).scan(metadata)) {
            read_odd(text, metadata);
        }
        return metadata;
    }

 private:
    void read_odd(std::string_view text, Metadata& metadata) {
        events_ = std::make_unique<detail::MetadataEvents>();
        const bool has_zero = text.find('\0') != text.npos;  // the parser would take it for the end
        if (has_zero || !parse_json(text, *events_)) {
            throw std::system_error(errc::protocol_error, "metadata that is not a JSON object, or nested too deep");
        }
        if (!events_->is_object() || !events_->type_value) {
            throw std::system_error(errc::protocol_error, "metadata without a numeric type");
        }
        const std::string_view written = events_->text;
        metadata = {};
        metadata.type = static_cast<MessageType>(*events_->type_value);
        metadata.id = events_->id;
        if (events_->route) {
            metadata.route = *events_->route;
        }
        metadata.timeout = events_->timeout;
        metadata.headers = events_->headers;
        metadata.before_type = written.substr(0, events_->type_at);
        metadata.after_type = written.substr(events_->type_at);
    }

    std::unique_ptr<detail::MetadataEvents> events_;  // of the last text in an unusual form
};

}  // namespace communica::wire

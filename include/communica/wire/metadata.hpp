// The metadata of a message: a small JSON object that says what the body is (docs/protocol.md, "Metadata").
#pragma once

#include "../buffer.hpp"
#include "../error.hpp"
#include "json_events.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace communica::wire {

/// The value of `type`. Whatever is below `first_answer` asks, the rest answers; other numbers may come.
enum class MessageType : int {
    request = 1,
    notification = 2,
    first_answer = 11,
    ok = 11,
    unknown_error = 30,
    requester_error = 41,
    data_error = 42,
    responder_error = 51,
};

/// What metadata says, borrowed from the reader and from the text it was given.
struct Metadata {
    MessageType type{};
    std::string_view id = {};  ///< content of a string id without escapes; empty for any other id, or none
    std::optional<std::string_view> route = {};
    /// The text around the value of `type`. An answer is this text around its own type: keys, their order and odd
    /// ids come back as they came.
    std::string_view before_type = {};
    std::string_view after_type = {};

    bool is_answer() const noexcept { return type >= MessageType::first_answer; }
    bool wants_answer() const noexcept { return type == MessageType::request; }
};

namespace detail {

/// Scans the form in which metadata is normally written: an object of `id`, `type` and `route` alone, each at most
/// once, strings of printable ASCII without escapes, `type` a short integer. Everything else is left to the parser.
class MetadataScanner {
 public:
    explicit MetadataScanner(std::string_view text) : text_(text), at_(text.data()), end_(at_ + text.size()) {}

    bool scan(Metadata& metadata) {
        bool has_id = false;
        bool has_type = false;
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

 private:
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

    bool colon() noexcept {
        skip_space();
        const bool found = take(':');
        skip_space();
        return found;
    }

    bool string(std::string_view& value) noexcept {
        if (!take('"')) {
            return false;
        }
        const char* begin = at_;
        while (at_ != end_ && *at_ != '"') {
            if (*at_ < ' ' || *at_ > '~' || *at_ == '\\') {
                return false;
            }
            ++at_;
        }
        value = {begin, static_cast<std::size_t>(at_ - begin)};
        return take('"');
    }

    bool type(Metadata& metadata) noexcept {
        const char* begin = at_;
        int value = 0;
        while (at_ != end_ && at_ - begin < 4 && *at_ >= '0' && *at_ <= '9') {
            value = value * 10 + (*at_++ - '0');
        }
        if (at_ == begin || (*begin == '0' && at_ - begin > 1) || at_ == end_ ||
            (*at_ != ',' && *at_ != '}' && *at_ != ' ')) {
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
    bool start_object(std::size_t size) override { return begin_value() && JsonWriter::start_object(size); }
    bool start_array(std::size_t size) override { return begin_value() && JsonWriter::start_array(size); }
    bool null() override { return begin_value() && JsonWriter::null(); }

    bool boolean(bool value) override {
        return begin_value() && (at_type() ? type(value ? 1 : 0) : JsonWriter::boolean(value));
    }
    bool number_integer(number_integer_t value) override {
        return begin_value() && (at_type() ? type(static_cast<double>(value)) : JsonWriter::number_integer(value));
    }
    bool number_unsigned(number_unsigned_t value) override {
        return begin_value() && (at_type() ? type(static_cast<double>(value)) : JsonWriter::number_unsigned(value));
    }
    bool number_float(number_float_t value, const string_t& digits) override {
        return begin_value() && (at_type() ? type(value) : JsonWriter::number_float(value, digits));
    }
    bool string(string_t& value) override {
        if (!begin_value()) {
            return false;
        }
        if (depth() == 1 && key_ == "id") {
            id = value;
        } else if (depth() == 1 && key_ == "route") {
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

 private:
    /// The outermost value has to be an object, and `type` a number.
    bool begin_value() {
        if (depth() == 0 && !text.empty()) {
            return false;
        }
        if (depth() == 1 && key_ == "id") {
            id.clear();
        } else if (depth() == 1 && key_ == "route") {
            route.reset();
        } else if (at_type() && type_value) {  // a second `type`: the last one counts
            text.insert(type_at, std::to_string(*type_value));
            type_value.reset();
        }
        return true;
    }
    bool at_type() const { return depth() == 1 && key_ == "type"; }

    bool type(double value) {
        separate();
        // A fraction, or a number beyond all types, counts as the unlisted one above or below the first answer's.
        const bool listed = value >= -1e6 && value <= 1e6 && static_cast<int>(value) == value;
        type_value = listed ? static_cast<int>(value) : (value < 11 ? 0 : 1000);
        type_at = text.size();
        return true;
    }

    std::string key_;
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
        if (has_zero || !nlohmann::json::sax_parse(text.begin(), text.end(), &events_)) {
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
        metadata.before_type = written.substr(0, events_.type_at);
        metadata.after_type = written.substr(events_.type_at);
        return metadata;
    }

    detail::MetadataEvents events_;
};

/// Writes the metadata of a request or notification: `{"id": "...", "type": 1, "route": "..."}`.
/// `quoted_route` is a JSON string with its quotes, or empty for none.
inline void write_metadata(Buffer& out, MessageType type, std::string_view id, std::string_view quoted_route) {
    out.append("{\"id\": \"");
    out.append(id);
    out.append("\", \"type\": ");
    out.push_back(static_cast<char>('0' + static_cast<int>(type)));
    if (!quoted_route.empty()) {
        out.append(", \"route\": ");
        out.append(quoted_route);
    }
    out.push_back('}');
}

/// Writes the metadata of an answer: the request's own text around the answer's type.
inline void write_answer_metadata(Buffer& out, MessageType type, std::string_view before, std::string_view after) {
    char digits[12];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, static_cast<int>(type));
    (void)error;
    out.append(before);
    out.append(digits, static_cast<std::size_t>(end - digits));
    out.append(after);
}

}  // namespace communica::wire

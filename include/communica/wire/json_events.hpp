// Writes JSON from the events of a JSON parser, without a tree in between.
#pragma once

#include "../separate_compilation.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace communica::wire {

/// The deepest nesting accepted in JSON from the peer.
inline constexpr std::size_t max_json_depth = 128;

/// `value` as a JSON string with its quotes, with only the escapes that JSON requires. Throws
/// `nlohmann::json::type_error` if it is not UTF-8.
std::string quote_json(std::string_view value);

/// The receiver of a parser's events (nlohmann's SAX interface).
using JsonEvents = nlohmann::json_sax<nlohmann::json>;

/// Parses `text` and sends its events to `events`. Returns false if the text is not JSON or if `events` stopped the
/// parser. All JSON of the protocol is parsed here, because each type of receiver instantiates the parser again.
/// `nlohmann::json::sax_parse` would also instantiate readers of four binary formats: 53 kB of a client's 507.
bool parse_json(std::string_view text, JsonEvents& events);

/// Writes a parser's events in the form of the Python library: `", "` between elements, `": "` after a key, digits as
/// received. Nesting over `max_json_depth` stops the parser.
class JsonWriter : public JsonEvents {
 public:
    std::string text;

    std::size_t depth() const noexcept { return open_.size(); }
    bool is_object() const noexcept { return !text.empty() && text.front() == '{'; }

    bool null() override { return value("null"); }
    bool boolean(bool set) override { return value(set ? "true" : "false"); }
    bool number_integer(number_integer_t number) override { return value(std::to_string(number)); }
    bool number_unsigned(number_unsigned_t number) override { return value(std::to_string(number)); }
    bool number_float(number_float_t, const string_t& digits) override { return value(digits); }
    bool string(string_t& content) override { return value(quote_json(content)); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open('{'); }
    bool start_array(std::size_t) override { return open('['); }
    bool end_object() override { return close('}'); }
    bool end_array() override { return close(']'); }
    bool key(string_t& name) override {
        value(quote_json(name));
        text += ": ";
        open_.back() = false;  // the value that follows needs no comma
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

 protected:
    /// Writes the comma before a value, unless it is the first of its container.
    void separate() {
        if (open_.empty()) {
            return;
        }
        if (open_.back()) {
            text += ", ";
        }
        open_.back() = true;
    }

 private:
    bool value(std::string_view written) {
        separate();
        text += written;
        return true;
    }
    bool open(char bracket) {
        separate();
        text += bracket;
        open_.push_back(false);
        return open_.size() <= max_json_depth;
    }
    bool close(char bracket) {
        text += bracket;
        open_.pop_back();
        return true;
    }

    std::vector<bool> open_;  // for each open container: does its next element need a comma
};

}  // namespace communica::wire

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "json_events.ipp"
#endif

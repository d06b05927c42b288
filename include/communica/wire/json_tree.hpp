// Parses JSON from the peer into a tree, with limited depth.
#pragma once

#include "json_events.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::wire {

namespace detail {

/// Builds a tree from a parser's events. The last of several equal keys wins.
class JsonTree final : public JsonEvents {
 public:
    nlohmann::json root;

    bool null() override { return put(nullptr); }
    bool boolean(bool value) override { return put(value); }
    bool number_integer(number_integer_t value) override { return put(value); }
    bool number_unsigned(number_unsigned_t value) override { return put(value); }
    bool number_float(number_float_t value, const string_t&) override { return put(value); }
    bool string(string_t& value) override { return put(std::move(value)); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(nlohmann::json::value_t::object); }
    bool start_array(std::size_t) override { return open(nlohmann::json::value_t::array); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        key_ = std::move(name);
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

 private:
    bool put(nlohmann::json value) {
        place() = std::move(value);
        return true;
    }
    bool open(nlohmann::json::value_t kind) {
        nlohmann::json& container = place();
        container = kind;
        open_.push_back(&container);
        return open_.size() <= max_json_depth;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    /// The position of the next value.
    nlohmann::json& place() {
        if (open_.empty()) {
            return root;
        }
        nlohmann::json& container = *open_.back();
        return container.is_array() ? container.emplace_back() : container[key_];
    }

    // pointers stay valid: a container does not move while its last element is open
    std::vector<nlohmann::json*> open_;
    std::string key_;
};

}  // namespace detail

/// The value of a JSON text; null if it is not JSON, or nested deeper than `max_json_depth`.
inline std::optional<nlohmann::json> read_json(std::string_view text) {
    detail::JsonTree tree;
    if (!parse_json(text, tree)) {
        return std::nullopt;
    }
    // Constructed in place, because a tree may itself convert to an optional of anything.
    return std::optional<nlohmann::json>(std::in_place, std::move(tree.root));
}

}  // namespace communica::wire

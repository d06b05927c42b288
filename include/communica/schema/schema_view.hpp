// Reads a schema that `schema_of` has created.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace communica::schema {

/// A schema and the document that contains its definitions. A value; both are borrowed.
class View {
 public:
    enum class Kind { any, opaque, null, boolean, integer, number, string, array, object, any_of };

    explicit View(const nlohmann::json& root) : View(root, root) {}
    View(const nlohmann::json& schema, const nlohmann::json& root) : root_(&root), at_(&schema) {
        for (int hops = 0; at_->is_object() && at_->contains("$ref") && hops != 100; ++hops) {
            at_ = &definition(at_->at("$ref").get<std::string>());
        }
    }

    Kind kind() const {
        if (!at_->is_object()) {
            return Kind::any;
        }
        if (at_->contains("anyOf")) {
            return Kind::any_of;
        }
        if (at_->contains("x-type")) {
            return Kind::opaque;
        }
        if (at_->contains("const")) {
            return Kind::string;
        }
        const std::string type = text("type");
        for (const auto& [name, kind] : {std::pair{"null", Kind::null},
                                         {"boolean", Kind::boolean},
                                         {"integer", Kind::integer},
                                         {"number", Kind::number},
                                         {"string", Kind::string},
                                         {"array", Kind::array},
                                         {"object", Kind::object}}) {
            if (type == name) {
                return kind;
            }
        }
        return Kind::any;
    }

    /// Identifies a schema, to detect one that contains itself.
    const nlohmann::json* identity() const noexcept { return at_; }

    bool has(const char* key) const { return at_->is_object() && at_->contains(key); }
    std::string text(const char* key) const {
        return has(key) && at_->at(key).is_string() ? at_->at(key).get<std::string>() : "";
    }
    View inside(const nlohmann::json& schema) const { return {schema, *root_}; }
    View at(const char* key) const { return inside(at_->at(key)); }

    // ---- numbers

    bool is_float() const { return text("format") == "float"; }
    bool is_duration() const { return has("x-unit"); }
    bool writes_integers_alone() const { return kind() == Kind::integer || has("x-whole"); }
    /// The range of the integers that are written.
    std::int64_t least() const { return bound<std::int64_t>("minimum", std::numeric_limits<std::int64_t>::min()); }
    std::uint64_t most() const { return bound<std::uint64_t>("maximum", std::numeric_limits<std::uint64_t>::max()); }
    double minimum() const { return bound<double>("minimum", std::numeric_limits<double>::lowest()); }
    double maximum() const { return bound<double>("maximum", std::numeric_limits<double>::max()); }

    // ---- strings

    /// The names of an enum, or the value of a constant; empty for other strings.
    std::vector<std::string> names() const {
        if (has("const")) {
            return {at_->at("const").get<std::string>()};
        }
        return has("enum") ? at_->at("enum").get<std::vector<std::string>>() : std::vector<std::string>();
    }
    /// Returns true if the only name is that in `one`. Does not read a longer list.
    bool has_one_name(const std::vector<std::string>& one) const {
        return (has("const") || (has("enum") && at_->at("enum").size() == 1)) && names() == one;
    }
    /// The format of a string: `base64`, `date-time`; empty for any.
    std::string form() const { return text("contentEncoding") + text("format"); }
    std::size_t bytes() const { return size("x-bytes", no_size); }

    // ---- arrays

    static constexpr std::size_t no_size = std::numeric_limits<std::size_t>::max();
    std::size_t min_items() const { return size("minItems", 0); }
    std::size_t max_items() const { return size("maxItems", no_size); }
    std::size_t prefix() const { return has("prefixItems") ? at_->at("prefixItems").size() : 0; }
    View item(std::size_t index) const {
        return index < prefix() ? inside(at_->at("prefixItems").at(index)) : at("items");
    }

    // ---- objects

    bool is_map() const { return has("additionalProperties") && at_->at("additionalProperties").is_object(); }
    bool refuses_unknown() const { return has("additionalProperties") && at_->at("additionalProperties") == false; }
    View values() const { return at("additionalProperties"); }
    /// The schemas of the properties by name.
    const nlohmann::json& properties() const {
        static const nlohmann::json none = nlohmann::json::object();
        return has("properties") ? at_->at("properties") : none;
    }
    bool has_property(const std::string& name) const { return properties().contains(name); }
    View property(const std::string& name) const { return inside(properties().at(name)); }
    /// The number of required properties.
    std::size_t required() const { return has("required") ? at_->at("required").size() : 0; }
    bool requires_property(const std::string& name) const {
        if (has("required")) {
            for (const auto& required : at_->at("required")) {
                if (required == name) {
                    return true;
                }
            }
        }
        return false;
    }
    /// Returns true if every written object has the property.
    bool always_writes(const std::string& name) const {
        return has_property(name) && !properties().at(name).contains("x-omits-null");
    }

    // ---- alternatives

    /// The alternatives as they are written.
    const nlohmann::json& any_of() const { return at_->at("anyOf"); }
    /// Returns the alternatives, with nested ones expanded; the schema itself if it has none.
    std::vector<View> alternatives() const {
        if (kind() != Kind::any_of) {
            return {*this};
        }
        std::vector<View> all;
        for (const auto& schema : at_->at("anyOf")) {
            for (const View& one : inside(schema).alternatives()) {
                all.push_back(one);
            }
        }
        return all;
    }

    // ---- in words

    std::string words() const {
        switch (kind()) {
            case Kind::any: return "any value";
            case Kind::opaque: return "a " + text("x-type");
            case Kind::null: return "null";
            case Kind::boolean: return "boolean";
            case Kind::integer: return "integer in " + std::to_string(least()) + ".." + std::to_string(most());
            case Kind::number:
                return is_duration() ? "number of seconds" : is_float() ? "number in a float's range" : "number";
            case Kind::string: return words_of_text();
            case Kind::array: return words_of_array();
            case Kind::object: return is_map() ? "map of " + values().words() : "object";
            case Kind::any_of: break;
        }
        std::string words;
        for (const View& one : alternatives()) {
            words += (words.empty() ? "" : " or ") + one.words();
        }
        return words;
    }

 private:
    const nlohmann::json& definition(const std::string& reference) const {
        return root_->at("$defs").at(reference.substr(std::string("#/$defs/").size()));
    }
    template <class T>
    T bound(const char* key, T otherwise) const {
        return has(key) && at_->at(key).is_number() ? at_->at(key).get<T>() : otherwise;
    }
    std::size_t size(const char* key, std::size_t otherwise) const { return bound<std::size_t>(key, otherwise); }

    std::string words_of_text() const {
        if (!names().empty()) {
            std::string words;
            for (const std::string& name : names()) {
                words += (words.empty() ? "\"" : ", \"") + name + '"';
            }
            return names().size() == 1 ? words : "one of " + words;
        }
        if (form() == "base64") {
            return bytes() == no_size ? "bytes" : std::to_string(bytes()) + " bytes";
        }
        return form().empty() ? "string" : form() == "date-time" ? "time" : "string in " + form();
    }
    std::string words_of_array() const {
        const std::string size = min_items() == max_items() ? " of " + std::to_string(min_items()) : "";
        return "array" + size +
               (prefix() == 0 && max_items() != 0 ? (size.empty() ? " of " : ": ") + item(0).words() : "");
    }

    const nlohmann::json* root_;
    const nlohmann::json* at_;
};

}  // namespace communica::schema

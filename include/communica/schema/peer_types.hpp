// Checks the types that a peer sends, before they are compared.
#pragma once

#include "inclusion.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

namespace communica::schema {

/// Checks that a peer's types have the form that `schema_of` writes, as far as a comparison relies on it.
class PeerTypes {
 public:
    static constexpr std::size_t max_name = 256;    ///< bytes of a property's name
    static constexpr std::size_t max_words = 256;   ///< types in the description of one type
    static constexpr std::size_t max_nesting = 32;  ///< types inside each other in such a description

    /// Bounds the description of one type.
    struct Description {
        std::size_t words = max_words;
        std::size_t nesting = max_nesting;
    };

    /// Throws an exception if the types of a route don't have that form, or cost more than `effort`.
    static void check(const nlohmann::json& route, Effort& effort) {
        require(route.is_object() && route.contains("kind") && route.at("kind").is_string(), "a route without kind");
        require(route.contains("serializer") && route.at("serializer").is_string(), "a route without serializer");
        check_types(route, effort, Description());
    }
    /// The same for a route that may have no types.
    static void check_types(const nlohmann::json& route, Effort& effort, const Description& most) {
        for (const char* part : {"argument", "upload", "result", "items"}) {
            if (route.contains(part)) {
                PeerTypes(route.at(part), effort, most).check_schema(route.at(part));
            }
        }
    }

 private:
    using Json = nlohmann::json;

    PeerTypes(const Json& root, Effort& effort, const Description& most) : root_(root), effort_(effort), most_(most) {}

    static void require(bool holds, const char* what) {
        if (!holds) {
            throw std::invalid_argument(what);
        }
    }

    static bool is_one_of(std::string_view key, std::initializer_list<std::string_view> keys) {
        return std::find(keys.begin(), keys.end(), key) != keys.end();
    }

    // nlohmann/json compares a large unsigned number with a signed one as a negative number.
    static bool is_positive(const Json& number) {
        return number.is_number_unsigned() ? number.get<std::uint64_t>() > 0 : number > 0;
    }
    static bool is_negative(const Json& number) { return !number.is_number_unsigned() && number < 0; }

    // The depth of JSON that is read is bounded.
    void check_schema(const Json& schema) {
        require(schema.is_object(), "a schema that is no object");
        effort_.spend(1);
        for (const auto& [key, value] : schema.items()) {
            check_keyword(schema, key, value);
        }
        std::size_t words = most_.words;
        count_words(View(schema, root_), words, most_.nesting);
    }

    void check_keyword(const Json& schema, const std::string& key, const Json& value) {
        if (is_one_of(key, {"properties", "$defs"})) {
            require(value.is_object(), "properties that are no object");
            for (const auto& [name, inside] : value.items()) {
                require(name.size() <= max_name, "too long a name");
                require(key == "properties" || !inside.contains("$ref"), "a definition that is a reference");
                check_schema(inside);
            }
        } else if (is_one_of(key, {"prefixItems", "anyOf"})) {
            require(value.is_array() && !value.empty(), "alternatives that are no array");
            for (const Json& inside : value) {
                check_schema(inside);
            }
        } else if (is_one_of(key, {"items", "additionalProperties"}) && !value.is_boolean()) {
            check_schema(value);
        } else if (is_one_of(key, {"enum", "required"})) {
            require(value.is_array() &&
                        std::all_of(value.begin(), value.end(), [](const Json& n) { return n.is_string(); }),
                    "names that are no texts");
        } else if (key == "$ref") {
            require(value.is_string() && value.get_ref<const std::string&>().starts_with("#/$defs/"), "a reference");
        } else if (is_one_of(key, {"minimum", "maximum"})) {
            const bool integral = schema.value("type", "") != "integer" || value.is_number_integer();
            require(value.is_number() && integral && (key == "minimum" ? !is_positive(value) : !is_negative(value)),
                    "a range without 0");
        } else if (is_one_of(key, {"minItems", "maxItems", "x-bytes"})) {
            require(value.is_number_unsigned(), "a size that is no number");
        } else {
            require(!value.is_structured(), "an unknown keyword");
        }
    }

    /// Counts the types that `View::words` and `View::alternatives` visit.
    void count_words(const View& view, std::size_t& left, std::size_t nesting) {
        require(nesting != 0 && left != 0, "too long a description");
        effort_.spend(1);
        --left;
        if (view.kind() == View::Kind::any_of) {
            for (const Json& inside : view.any_of()) {
                count_words(view.inside(inside), left, nesting - 1);
            }
        } else if (view.kind() == View::Kind::array && view.prefix() == 0 && view.has("items")) {
            count_words(view.item(0), left, nesting - 1);
        } else if (view.kind() == View::Kind::object && view.is_map()) {
            count_words(view.values(), left, nesting - 1);
        }
    }

    const Json& root_;
    Effort& effort_;
    const Description most_;
};

}  // namespace communica::schema

#include "support/catch.hpp"

#include <communica/schema/schema.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace schema_tests {

using communica::schema_of;
using nlohmann::json;

namespace {

struct Uuid {
    std::string digits;
};
struct Named {
    int number = 0;
};
struct Foreign {};
[[maybe_unused]] void to_json(json&, const Foreign&) {}
[[maybe_unused]] void from_json(const json&, Foreign&) {}

struct Node {
    std::vector<Node> children;
    std::optional<std::uint8_t> weight;
};
constexpr auto communica_model(communica::Type<Node>) {
    return communica::model("Node", communica::field("children", &Node::children).optional(),
                            communica::field("weight", &Node::weight).omit_null().doc("In grams."))
        .refuse_unknown()
        .tag("kind", "node");
}
namespace other {
struct Node {
    bool is_leaf = false;
};
COMMUNICA_MODEL(Node, is_leaf)
}  // namespace other
enum class Colour { red, green };
COMMUNICA_ENUM(Colour, red, green)

void check(const json& schema, const char* expected) { CHECK(schema == json::parse(expected)); }

}  // namespace

}  // namespace schema_tests

template <>
struct communica::Converter<schema_tests::Uuid> {
    static std::string dump(const schema_tests::Uuid& value) { return value.digits; }
    static schema_tests::Uuid load(const std::string& text) { return {text}; }
};
template <>
struct communica::Converter<schema_tests::Named> {
    static constexpr const char* name = "my.Named";
    static int dump(const schema_tests::Named& value) { return value.number; }
    static schema_tests::Named load(int number) { return {number}; }
};

namespace schema_tests {

TEST_CASE("scalars have schemas with their ranges") {
    check(schema_of<void>(), R"({"type": "null"})");
    check(schema_of<bool>(), R"({"type": "boolean"})");
    check(schema_of<std::uint64_t>(), R"({"type": "integer", "minimum": 0, "maximum": 18446744073709551615})");
    check(schema_of<float>(), R"({"type": "number", "format": "float"})");
    check(schema_of<std::string>(), R"({"type": "string"})");
    check(schema_of<Colour>(), R"({"type": "string", "enum": ["red", "green"]})");
    check(schema_of<std::vector<std::byte>>(), R"({"type": "string", "contentEncoding": "base64"})");
    check(schema_of<std::array<std::byte, 4>>(),
          R"({"type": "string", "contentEncoding": "base64", "minLength": 8, "maxLength": 8, "x-bytes": 4})");
    check(schema_of<std::chrono::system_clock::time_point>(), R"({"type": "string", "format": "date-time"})");
    check(schema_of<std::chrono::duration<std::int32_t>>(),
          R"({"type": "number", "minimum": -2147483648.0, "maximum": 2147483647.0, "x-unit": "s", "x-whole": true})");
    check(schema_of<std::chrono::duration<double>>(), R"({"type": "number", "x-unit": "s"})");
    check(schema_of<json>(), "{}");
}

TEST_CASE("containers have schemas with their sizes") {
    check(schema_of<std::vector<bool>>(), R"({"type": "array", "items": {"type": "boolean"}})");
    check(schema_of<std::array<bool, 2>>(),
          R"({"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 2})");
    const char* pair = R"({"type": "array", "items": false, "prefixItems": [{"type": "boolean"}, {"type": "string"}],
                           "minItems": 2, "maxItems": 2})";
    check(schema_of<std::pair<bool, std::string>>(), pair);
    check(schema_of<std::tuple<const bool&, std::string>>(), pair);
    check(schema_of<std::map<std::string, bool>>(),
          R"({"type": "object", "additionalProperties": {"type": "boolean"}})");
    CHECK(schema_of<std::map<bool, std::string>>().at("items") == json::parse(pair));
    check(schema_of<std::optional<bool>>(), R"({"anyOf": [{"type": "boolean"}, {"type": "null"}]})");
    check(schema_of<std::variant<bool, std::string>>(), R"({"anyOf": [{"type": "boolean"}, {"type": "string"}]})");
}

TEST_CASE("a struct is defined once, also one that contains itself, and two of one name are told apart") {
    check(schema_of<std::tuple<Node, other::Node, Node>>(), R"({
        "type": "array", "items": false, "minItems": 3, "maxItems": 3,
        "prefixItems": [{"$ref": "#/$defs/Node"}, {"$ref": "#/$defs/Node_2"}, {"$ref": "#/$defs/Node"}],
        "$defs": {
            "Node": {"type": "object", "additionalProperties": false, "required": ["kind"], "properties": {
                "kind": {"const": "node"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                "weight": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 255}, {"type": "null"}],
                           "x-omits-null": true, "description": "In grams."}}},
            "Node_2": {"type": "object", "required": ["is_leaf"], "properties": {"is_leaf": {"type": "boolean"}}}}})");
}

TEST_CASE("a converter is what it travels as, and its name; a type that nlohmann/json converts is its name alone") {
    const json uuid = schema_of<Uuid>();
    CHECK(uuid.at("type") == "string");
    CHECK(uuid.at("x-converter").get<std::string>().ends_with("Uuid"));
    check(schema_of<Named>(), R"({"type": "integer", "minimum": -2147483648, "maximum": 2147483647,
                                  "x-converter": "my.Named"})");
    CHECK(schema_of<Foreign>().at("x-type").get<std::string>().find("Foreign") != std::string::npos);
    CHECK(communica::schema::type_name<std::map<int, bool>>().starts_with("std::map<int, bool"));
}

}  // namespace schema_tests

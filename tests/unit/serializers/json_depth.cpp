#include "support/catch.hpp"

#include <communica/serializers/json.hpp>

namespace json_depth_tests {

namespace {

using communica::JsonSerializer;
using communica::SerializerError;
using nlohmann::json;

json load(const std::string& text) { return JsonSerializer{}.load<json>(communica::as_bytes(text)); }

std::string dump(const json& value) {
    communica::Buffer out;
    JsonSerializer{}.dump(value, out);
    return std::string(out.text());
}

std::string nested_text(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

json nested_tree(std::size_t depth) {
    json tree = json::array();
    while (--depth != 0) {
        json outer = json::array();
        outer.push_back(std::move(tree));
        tree = std::move(outer);
    }
    return tree;
}

constexpr std::size_t most = JsonSerializer::max_depth;

}  // namespace

TEST_CASE("128 levels are loaded and dumped") {
    CHECK(most == 128);
    CHECK(load(nested_text(most)) == nested_tree(most));
    CHECK(dump(nested_tree(most)) == nested_text(most));
}

TEST_CASE("129 levels are refused, both ways") {
    CHECK_THROWS_AS(load(nested_text(most + 1)), SerializerError);
    CHECK_THROWS_AS(dump(nested_tree(most + 1)), SerializerError);
    CHECK_THROWS_WITH(load(nested_text(most + 1)), Catch::Matchers::ContainsSubstring("128"));
}

TEST_CASE("objects count as levels, too, and siblings do not") {
    std::string objects;
    for (std::size_t depth = 0; depth != most; ++depth) {
        objects += "{\"k\":";
    }
    const std::string end(most, '}');
    CHECK_NOTHROW(load(objects + "1" + end));
    CHECK_THROWS_AS(load(objects + "[]" + end), SerializerError);
    std::string wide = "[[]";
    for (int sibling = 0; sibling != 1000; ++sibling) {
        wide += ",[]";
    }
    CHECK(load(wide + "]").size() == 1001);
}

TEST_CASE("a million levels are refused, both ways") {
    CHECK_THROWS_AS(load(nested_text(1'000'000)), SerializerError);
    CHECK_THROWS_AS(load(std::string(1'000'000, '[')), SerializerError);
    CHECK_THROWS_AS(dump(nested_tree(1'000'000)), SerializerError);
}

}  // namespace json_depth_tests

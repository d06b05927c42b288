#include "support/catch.hpp"

#include <communica/wire/json_tree.hpp>

#include <string>

namespace json_tree_tests {

namespace wire = communica::wire;

TEST_CASE("a JSON text is read as the tree that nlohmann/json makes of it") {
    for (const char* text : {R"({"a":1,"b":[1,-2,[],{}],"c":{"d":null,"e":[true,false]}})",
                             R"([{"a":[{"b":[[],[1],[1,2]]}]},"x",{"":""}])", "[[[1],2],3]", "\"text\"", "null", "-0.5",
                             "18446744073709551615", "123456789012345678901234567890", " {} "}) {
        CHECK(wire::read_json(text) == nlohmann::json::parse(text));
    }
}

TEST_CASE("of two equal keys in a tree the last one counts") {
    CHECK(wire::read_json(R"({"a":{"x":1},"b":2,"a":[3]})") == nlohmann::json{{"a", {3}}, {"b", 2}});
}

TEST_CASE("what is not JSON is no tree") {
    for (const char* text : {"", "{", "[1,]", "{\"a\"}", "NaN", "1 2", "\"\xff\"", "'a'", "[1]]", "1e999"}) {
        CHECK_FALSE(wire::read_json(text));
    }
}

TEST_CASE("a tree has 128 levels at the most") {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(wire::read_json(nested(wire::max_json_depth)));
    CHECK_FALSE(wire::read_json(nested(wire::max_json_depth + 1)));
    CHECK_FALSE(wire::read_json(std::string(1'000'000, '[')));
    CHECK_FALSE(wire::read_json(R"({"k":)" + nested(wire::max_json_depth) + "}"));
}

}  // namespace json_tree_tests

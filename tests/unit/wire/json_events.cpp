#include "support/catch.hpp"

#include <communica/wire/json_events.hpp>

#include <optional>

namespace json_events_tests {

namespace wire = communica::wire;

namespace {

/// The text written again from a parser's events; nothing if the parser or the writer refused it.
std::optional<std::string> rewritten(std::string_view text) {
    wire::JsonWriter writer;
    if (!wire::parse_json(text, writer)) {
        return std::nullopt;
    }
    return writer.text;
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("JSON is written again with the Python library's separators") {
    CHECK(rewritten(R"({"a":1,"b":[1,2,[],{}],"c":{"d":null,"e":[true,false]}})") ==
          R"({"a": 1, "b": [1, 2, [], {}], "c": {"d": null, "e": [true, false]}})");
    CHECK(rewritten(" [ \n1 ,\t2 ] ") == "[1, 2]");
    CHECK(rewritten("{}") == "{}");
    CHECK(rewritten("null") == "null");
    CHECK(rewritten("\"text\"") == "\"text\"");
}

TEST_CASE("numbers keep their digits") {
    for (const char* number : {"0", "-1", "18446744073709551615", "-9223372036854775808",
                               "123456789012345678901234567890", "1.0", "1e+22", "-0.0", "1.50", "1E5"}) {
        CHECK(rewritten(number) == number);
    }
}

TEST_CASE("strings are escaped no more than JSON wants") {
    CHECK(rewritten(R"("\u00e9\/\u0041")") == "\"\xc3\xa9/A\"");
    CHECK(rewritten(R"("\"\\\n\u0001")") == R"("\"\\\n\u0001")");
    CHECK(rewritten(R"({"\u0041":1})") == R"({"A": 1})");
    CHECK(wire::quote_json("nope\"q") == R"("nope\"q")");
    CHECK(wire::quote_json("") == "\"\"");
    CHECK_THROWS_AS(wire::quote_json("\xff"), nlohmann::json::type_error);
}

TEST_CASE("what is written again is the same JSON") {
    for (const char* text : {R"([{"a":[{"b":[[],[1],[1,2]]}]},"x",{"":""}])", R"({"a":{},"b":{"c":{}},"d":[{}]})"}) {
        CHECK(nlohmann::json::parse(*rewritten(text)) == nlohmann::json::parse(text));
        CHECK(rewritten(*rewritten(text)) == rewritten(text));
    }
}

TEST_CASE("equal keys are all written, in their order") {
    CHECK(rewritten(R"({"a":1,"a":2})") == R"({"a": 1, "a": 2})");
}

TEST_CASE("nesting is followed for 128 levels, and no further") {
    CHECK(rewritten(nested(wire::max_json_depth)) == nested(wire::max_json_depth));
    CHECK(rewritten(nested(wire::max_json_depth + 1)) == std::nullopt);
    std::string objects;
    for (std::size_t depth = 0; depth != wire::max_json_depth; ++depth) {
        objects += "{\"k\":";
    }
    CHECK(rewritten(objects + "1" + std::string(wire::max_json_depth, '}')));
    CHECK_FALSE(rewritten("[" + objects + "1" + std::string(wire::max_json_depth, '}') + "]"));
}

TEST_CASE("a million levels are refused without following them") {
    CHECK_FALSE(rewritten(std::string(1'000'000, '[')));
    CHECK_FALSE(rewritten(nested(1'000'000)));
}

TEST_CASE("what is not JSON is not written") {
    for (const char* text : {"", "{", "[1,]", "{\"a\"}", "NaN", "1 2", "\"\xff\"", "'a'", "[1]]"}) {
        CHECK(rewritten(text) == std::nullopt);
    }
}

TEST_CASE("a writer tells an object from other values") {
    for (const auto& [text, is_object] :
         {std::pair{"{\"a\":1}", true}, {"[{}]", false}, {"1", false}, {"\"{\"", false}}) {
        wire::JsonWriter writer;
        REQUIRE(wire::parse_json(text, writer));
        CHECK(writer.is_object() == is_object);
        CHECK(writer.depth() == 0);
    }
}

}  // namespace json_events_tests

#include "support/catch.hpp"
#include "support/serialized.hpp"

#include <communica/serializers/json.hpp>

#include <bit>
#include <random>

namespace json_writer_tests {

namespace {

using communica::JsonSerializer;
using nlohmann::json;

template <class T>
std::string dump(const T& value) {
    return test::dump<JsonSerializer>(value);
}

}  // namespace

TEST_CASE("floats are written as Python writes them") {
    const std::pair<double, const char*> floats[] = {{0.0, "0.0"},
                                                     {-0.0, "-0.0"},
                                                     {1.0, "1.0"},
                                                     {-1.5, "-1.5"},
                                                     {0.1, "0.1"},
                                                     {100.0, "100.0"},
                                                     {123456.789, "123456.789"},
                                                     {0.0001, "0.0001"},
                                                     {0.00012345, "0.00012345"},
                                                     {0.00001, "1e-05"},
                                                     {1.5e-7, "1.5e-07"},
                                                     {1e15, "1000000000000000.0"},
                                                     {9999999999999998.0, "9999999999999998.0"},
                                                     {1e16, "1e+16"},
                                                     {1e22, "1e+22"},
                                                     {1.7976931348623157e308, "1.7976931348623157e+308"},
                                                     {5e-324, "5e-324"}};
    for (const auto& [value, text] : floats) {
        CHECK(dump(value) == text);
    }
    CHECK(dump(0.1F) == "0.1");
    CHECK(dump(16777216.0F) == "16777216.0");
}

TEST_CASE("floats of any bits come back as they were, through nlohmann, too") {
    std::mt19937_64 random(7);
    for (int round = 0; round != 100'000; ++round) {
        const auto value = std::bit_cast<double>(random());
        if (!std::isfinite(value)) {
            continue;
        }
        const std::string text = dump(value);
        if (test::load<JsonSerializer, double>(text) != value || json::parse(text).get<double>() != value) {
            FAIL(text);
        }
        const auto narrow = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
        if (std::isfinite(narrow) && test::load<JsonSerializer, float>(dump(narrow)) != narrow) {
            FAIL(dump(narrow));
        }
    }
}

TEST_CASE("texts are written as nlohmann writes them, or refused as it refuses them") {
    std::mt19937 random(3);
    const std::string_view parts[] = {"a",
                                      "plain",
                                      "\"",
                                      "\\",
                                      "\n",
                                      "\x01",
                                      "\x1f",
                                      "\x7f",
                                      "\b\f\r\t",
                                      "\xc3\xa9",
                                      "\xf0\x9f\x98\x80",
                                      "\xff",
                                      "\xed\xa0\x80",
                                      "\xc3",
                                      "0123456789abcdef0123456789abcdef"};
    for (int round = 0; round != 50'000; ++round) {
        std::string text;
        for (auto count = random() % 6; count != 0; --count) {
            text += parts[random() % std::size(parts)];
        }
        std::optional<std::string> expected;
        try {
            expected = json(text).dump();
        } catch (const json::exception&) {
            expected = std::nullopt;
        }
        std::optional<std::string> written;
        try {
            written = dump(text);
        } catch (const communica::SerializerError&) {
            written = std::nullopt;
        }
        if (written != expected) {
            FAIL(test::to_hex(text));
        }
    }
}

TEST_CASE("trees are written as nlohmann writes them") {
    for (const char* text : {"[]", "{}", "[[],{},[[]],{\"a\":[]}]", R"({"a":1,"b":[true,false,null],"c":{"d":"e"}})",
                             "[-1,18446744073709551615,0.5,\"\"]"}) {
        CHECK(dump(json::parse(text)) == text);
    }
}

}  // namespace json_writer_tests

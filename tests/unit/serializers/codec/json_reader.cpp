#include "support/catch.hpp"
#include "support/sanitized.hpp"
#include "support/serialized.hpp"

#include <communica/serializers/json.hpp>

#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace json_reader_tests {

using namespace std::string_literals;

namespace {

using communica::JsonSerializer;
using nlohmann::json;

std::string refusal(std::string_view text) { return test::refusal<JsonSerializer, json>(text).value_or("loaded"); }

/// What nlohmann/json makes of a text; nothing if it refuses it. Its parser takes a zero byte for the end, rounds integers
/// beyond 64 bits, and has no limit of depth: these are this library's own rules.
std::optional<json> by_nlohmann(std::string_view text) {
    json tree = json::parse(text, nullptr, false);
    if (tree.is_discarded() || text.find('\0') != text.npos) {
        return std::nullopt;
    }
    return std::optional<json>(std::in_place, std::move(tree));
}

/// Where both differ, in words; empty where they agree. Floats are compared by their bits.
std::string difference(std::string_view text) {
    const auto expected = by_nlohmann(text);
    const auto what = test::refusal<JsonSerializer, json>(text);
    if (!expected) {
        return what ? "" : "accepts it, and nlohmann does not";
    }
    if (what) {
        const bool own_rule = what->find("64 bits") != what->npos || what->find("levels") != what->npos;
        return own_rule ? "" : "refuses it, and nlohmann does not: " + *what;
    }
    const json loaded = test::load<JsonSerializer, json>(text);
    return loaded.dump() == expected->dump() ? "" : "loads " + loaded.dump();
}

const std::vector<std::string> seeds{
    R"({"a": [1, -2, 2.5, true, false, null, "x"], "b": {"c": "\u00e9\n\"\\\/\b\f\r\t\ud83d\ude00"}})",
    R"([0, -0, -0.0, 0.1, 1e5, 1E+5, 1e-5, 123456789012345678, 18446744073709551615, -9223372036854775808, 5e-324])",
    "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 and some more text of the plain kind\"",
    R"([[[[]]],{},{"":""},{"k":{"k":{}}}, "", "a", "0123456789abcdef0123456789abcdef0123456789"])",
    " \t\r\n[ 1 , 2 ]\n",
    "\xef\xbb\xbf{\"a\":1}",
    R"({"a":1,"a":2,"b":[],"b":{}})",
    R"([1.7976931348623157e308, 2.2250738585072014e-308, 1e400, 1e-400, 0e0, 0.0000001, 100000000000000000000000e-5])",
};

}  // namespace

TEST_CASE("what is not JSON is said with what was expected and where") {
    CHECK(refusal("") == "not JSON: the end instead of a value at byte 0");
    CHECK(refusal("[1,]") == "/1: not JSON: expected a value, got ']' at byte 3");
    CHECK(refusal("tru") == "not JSON: expected true, got 't' at byte 0");
    CHECK(refusal("01") == "not JSON: expected no digit behind a leading 0, got '1' at byte 1");
    CHECK(refusal("1.") == "not JSON: the end instead of a digit at byte 2");
    CHECK(refusal("1 2") == "not JSON: expected nothing behind the value, got '2' at byte 2");
    CHECK(refusal("{\"a\" 1}") == "not JSON: expected a colon, got '1' at byte 5");
    CHECK(refusal("{1: 2}") == "not JSON: expected a key in quotes, got '1' at byte 1");
    CHECK(refusal("[1 2]") == "/0: not JSON: expected ',' or ']', got '2' at byte 3");
    CHECK(refusal("\"a") == "not JSON: the end instead of the quote that ends a string at byte 2");
    CHECK(refusal("\"\n\"") == "not JSON: a control character in a string at byte 1");
    CHECK(refusal("\"\xff\"") == "not JSON: not UTF-8 at byte 1");
    CHECK(refusal("\"\\x\"") == "not JSON: expected an escape that JSON has, got 'x' at byte 2");
    CHECK(refusal("\"\\u12g4\"") == "not JSON: expected four hexadecimal digits, got '1' at byte 3");
    CHECK(refusal("\"\\ud800x\"") == "not JSON: a surrogate without its other half at byte 7");
    CHECK(refusal("\x01") == "not JSON: expected a value, got byte 0x01 at byte 0");
    CHECK(refusal("[99999999999999999999]") ==
          "/0: the integer 99999999999999999999 fits neither 64 bits nor a double");
    CHECK(refusal("1e400") == "the number 1e400 is beyond a double's range");
}

TEST_CASE("a key that is wrong is not told with the key before it, which is gone") {
    const std::string long_key(50, 'k');  // with an escape, so that it does not stand in the text in one piece
    CHECK(refusal(R"({"\u0061)" + long_key + R"(": 1, "\u0062)" + long_key + long_key + "\xff\": 2}") ==
          "not JSON: not UTF-8 at byte 171");
    CHECK(refusal(R"({"a": 1, 2: 3})") == "not JSON: expected a key in quotes, got '2' at byte 9");
}

TEST_CASE("numbers at the edges load as nlohmann loads them") {
    for (const char* text : {"0",
                             "-0",
                             "-0.0",
                             "1e400",
                             "-1e400",
                             "1e-400",
                             "-1e-400",
                             "1e99999999999999999999",
                             "1e-99999999999999999999",
                             "0e99999999999999999999",
                             "0.000e5",
                             "18446744073709551615",
                             "18446744073709551616",
                             "99999999999999999999",
                             "100000000000000000000",
                             "-9223372036854775808",
                             "-9223372036854775809",
                             "9007199254740993.0",
                             "1.7976931348623158e308",
                             "1.7976931348623159e308",
                             "4.9e-324",
                             "2.4e-324",
                             "2.5e-324",
                             "0.1e1",
                             "1E5",
                             "1e+5",
                             "123456789012345678901234567890e-10",
                             "0.00000000000000000000000000000000000000000000000001e50"}) {
        INFO(text);
        CHECK(difference(text).empty());
    }
}

TEST_CASE("a number ends where its text ends, whatever stands behind it in memory") {
    for (const std::string number :
         {"9223372036854775807", "-9223372036854775808", "18446744073709551615", "1.5", "12"}) {
        const std::string memory = number + "00000000";
        const auto text = std::string_view(memory).substr(0, number.size());
        CHECK(test::load<JsonSerializer, json>(text).dump() == number);
    }
}

TEST_CASE("texts with one byte changed, put in or left out are taken or refused as nlohmann does") {
    const std::string bytes = "\0 \t\"\\{}[]:,0123456789eE+-.utrfnalsx/\x7f\x80\xbf\xc3\xed\xff"s;
    for (const std::string& seed : seeds) {
        REQUIRE(difference(seed) == "");
        for (std::size_t place = 0; place < seed.size(); place += test::shown_every) {
            std::string shorter = seed;
            shorter.erase(place, 1);
            if (const auto wrong = difference(shorter) + difference(seed.substr(0, place)); !wrong.empty()) {
                FAIL(shorter << ": " << wrong);
            }
            for (const char byte : bytes) {
                std::string changed = seed;
                changed[place] = byte;
                std::string longer = seed;
                longer.insert(place, 1, byte);
                if (const auto wrong = difference(changed) + difference(longer); !wrong.empty()) {
                    FAIL(changed << " or " << longer << ": " << wrong);
                }
            }
        }
    }
}

TEST_CASE("random texts are taken or refused as nlohmann does") {
    std::mt19937 random(20240506);
    const std::string_view parts[] = {"[",        "]",        "{",           "}",         ",",       ":",
                                      "\"",       "\"a\"",    "\"\\u00e9\"", "1",         "-",       "0",
                                      ".",        "e",        "E+",          "true",      "null",    "false",
                                      " ",        "\n",       "\\",          "\\n",       "\\ud83d", "\\ude00",
                                      "\xc3\xa9", "\xff",     "\"k\":",      "[1,2",      "2.5e3",   "[[[[[",
                                      "]]]",      "12345678", "987654321",   "{\"a\":1}", "x",       "\t"};
    std::size_t taken = 0;
    for (int round = 0; round < 50'000; round += test::shown_every) {
        std::string text;
        for (auto count = random() % 8 + 1; count != 0; --count) {
            text += parts[random() % std::size(parts)];
        }
        taken += by_nlohmann(text) ? 1 : 0;
        if (const auto wrong = difference(text); !wrong.empty()) {
            FAIL(text << ": " << wrong);
        }
    }
    CHECK(taken > 1'000 / test::shown_every);
}

TEST_CASE("strings with escapes and UTF-8 load as nlohmann loads them, whatever their length") {
    const std::string_view parts[] = {"\\n",       "\\\"", "\\u0041", "\xc3\xa9", "\xf0\x9f\x98\x80", "\\ud83d\\ude00",
                                      "plain text"};
    for (const std::string_view part : parts) {
        for (std::size_t before = 0; before != 40; ++before) {
            const std::string text =
                '"' + std::string(before, 'x') + std::string(part) + std::string(40 - before, 'y') + '"';
            REQUIRE(test::load<JsonSerializer, std::string>(text) == json::parse(text).get<std::string>());
        }
    }
}

}  // namespace json_reader_tests

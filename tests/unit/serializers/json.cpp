#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/javascript_numbers.hpp"

#include <communica/serializers/json.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace json_tests {

namespace {

using communica::JsonSerializer;
using communica::SerializerError;
using nlohmann::json;

template <class T = json>
T load(std::string_view text) {
    return JsonSerializer{}.load<T>(communica::as_bytes(text));
}

template <class T>
std::string dump(const T& value) {
    communica::Buffer out;
    out.append("before ");
    JsonSerializer{}.dump(value, out);
    return std::string(out.text().substr(7));
}

template <class T = json>
bool is_refused(std::string_view text) {
    try {
        load<T>(text);
    } catch (const SerializerError& e) {
        CHECK_FALSE(std::string(e.what()).empty());
        return true;
    }
    return false;
}

template <class T>
bool is_not_dumped(const T& value) {
    try {
        dump(value);
    } catch (const SerializerError& e) {
        CHECK_FALSE(std::string(e.what()).empty());
        return true;
    }
    return false;
}

}  // namespace

TEST_CASE("any JSON loads as a tree") {
    CHECK(load("null") == nullptr);
    CHECK(load("[1, -2, 2.5, true, \"x\", {\"a\": {}}]") == json{1, -2, 2.5, true, "x", {{"a", json::object()}}});
    CHECK(load(" \t\r\n1\n") == 1);
    CHECK(load("[]") == json::array());
    CHECK(load("{}") == json::object());
    CHECK(load("[[], {}, [[]], {\"a\": []}]").dump() == R"([[],{},[[]],{"a":[]}])");
}

TEST_CASE("text is UTF-8, in and out") {
    const std::string text = "caf\xc3\xa9 \xf0\x9f\x98\x80";
    CHECK(load<std::string>('"' + text + '"') == text);
    CHECK(load<std::string>(R"("caf\u00e9 \ud83d\ude00")") == text);
    CHECK(dump(text) == '"' + text + '"');
    CHECK(load("\"" + text + "\"") == text);
    CHECK(dump("\"\\\n\x01\x7f") == "\"\\\"\\\\\\n\\u0001\x7f\"");
    CHECK(load<std::string>(dump(std::string("a\0b", 3))) == std::string("a\0b", 3));
}

TEST_CASE("every text of one character comes back as it was") {
    for (int code = 1; code != 128; ++code) {
        for (const std::string& text :
             {std::string(1, static_cast<char>(code)), std::string(12, static_cast<char>(code))}) {
            REQUIRE(load<std::string>(dump(text)) == text);
            REQUIRE(json::parse(dump(text)) == json(text));
        }
    }
}

TEST_CASE("invalid UTF-8 is refused, in and out") {
    for (const char* text : {"\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\x80"}) {
        CHECK(is_refused(std::string("\"") + text + "\""));
        CHECK(is_refused<std::string>(std::string("\"") + text + "\""));
        CHECK(is_not_dumped(std::string(text)));
        CHECK(is_not_dumped(text));
        CHECK(is_not_dumped(json{{"key", text}}));
        CHECK(is_not_dumped(json{{text, 1}}));
        CHECK(is_not_dumped(std::vector<std::string>{"fine", text}));
    }
    CHECK(is_refused(R"("\ud800")"));
    CHECK(is_refused(R"("\udc00\ud800")"));
}

TEST_CASE("integers of 64 bits keep their value, signed and unsigned") {
    for (const char* digits :
         {"0", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615"}) {
        CHECK(dump(load(digits)) == digits);
    }
    CHECK(load<std::int64_t>("-9223372036854775808") == INT64_MIN);
    CHECK(load<std::uint64_t>("18446744073709551615") == UINT64_MAX);
}

TEST_CASE("integers beyond 64 bits are refused, not rounded") {
    for (const char* digits : {"18446744073709551617", "-9223372036854775809", "123456789012345678901234567890",
                               "[1, 99999999999999999999]", R"({"big": -99999999999999999999})"}) {
        CHECK(is_refused(digits));
    }
    CHECK(is_refused<double>("18446744073709551617"));
    CHECK(is_refused<std::uint64_t>("100000000000000000000"));
    CHECK(load<double>("18446744073709551616.0") == 18446744073709551616.0);
    CHECK(load<double>("1e19") == 1e19);
}

TEST_CASE("an integer stands for a float if it is one to the last digit, or has its shortest digits and zeros") {
    const auto numbers = test::javascript_numbers();  // Go writes the same
    CHECK(test::checksum(numbers) == test::checksum_of_node);
    for (const auto& [value, digits] : numbers) {
        CAPTURE(digits);
        REQUIRE(load<double>(digits) == value);
        REQUIRE(load<double>("-" + digits) == -value);
        REQUIRE(load(digits).get<double>() == value);
    }
    CHECK(load("100000000000000000000").is_number_float());
    CHECK(load("18446744073709551616").is_number_float());  // to the last digit
    CHECK(load<double>("18446744073709551616") == 18446744073709551616.0);
    CHECK(load<double>("1152921504606847000") == 1152921504606846976.0);
    CHECK(load<double>("1152921504606846976") == 1152921504606846976.0);
    for (const char* digits : {"9007199254740993", "1152921504606847001", "1152921504606846975", "99999999999999999999",
                               "100000000000000000001"}) {
        CHECK(is_refused<double>(digits));
    }
    CHECK(load<float>("16777216") == 16777216.0F);
    CHECK(load<float>("123456790000") == 123456790000.0F);  // its shortest digits, of 123456790528
    CHECK(is_refused<float>("16777217"));
    CHECK(is_refused<double>("1" + std::string(400, '0')));
}

TEST_CASE("the largest float comes back as it was, and what is beyond is refused") {
    constexpr float most = std::numeric_limits<float>::max();
    CHECK(load<float>(dump(most)) == most);
    CHECK(load<float>(dump(-most)) == -most);
    CHECK(is_refused<float>("3.4028236e38"));
    CHECK(is_refused<float>("1e39"));
}

TEST_CASE("floats keep their value, and are told from integers") {
    for (const double value : {0.1, -0.0, 1e22, 5e-324, 1.7976931348623157e308, 1.0 / 3}) {
        CHECK(load<double>(dump(value)) == value);
    }
    CHECK(dump(1.0) == "1.0");
    CHECK(std::signbit(load<double>("-0.0")));
}

TEST_CASE("NaN and infinity are refused, in and out") {
    for (const char* text :
         {"NaN", "Infinity", "-Infinity", "nan", "[1, NaN]", R"({"a": Infinity})", "1e400", "-1e999"}) {
        CHECK(is_refused(text));
    }
    for (const double value : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity()}) {
        CHECK(is_not_dumped(value));
        CHECK(is_not_dumped(static_cast<float>(value)));
        CHECK(is_not_dumped(json{1, {{"a", {2, value}}}}));
        CHECK(is_not_dumped(std::vector<double>{1, value}));
        CHECK(is_not_dumped(std::map<std::string, double>{{"a", value}}));
    }
}

TEST_CASE("UTF-16 and UTF-32 are refused, whatever they hold") {
    using namespace std::string_view_literals;
    for (const std::string_view text : {"1\0"sv, "1\0002\0"sv, "\0001"sv, "\0001\0002"sv, "[\0]\0"sv, "\"\0a\0\"\0"sv,
                                        "\xff\xfe\x31\0"sv, "\xfe\xff\0\x31"sv, "1\0\0\0"sv, "1\0\0\0002\0\0\0"sv,
                                        "\0\0\0001"sv, "\xff\xfe\0\0001\0\0\0"sv, "\0\0\xfe\xff\0\0\0001"sv}) {
        CHECK(is_refused(text));
        CHECK(is_refused<int>(text));
        CHECK(is_refused<std::string>(text));
    }
}

TEST_CASE("a byte order mark before UTF-8 is accepted, as the Python library does") {
    CHECK(load("\xef\xbb\xbf[1]") == json{1});
    CHECK(load<std::string>("\xef\xbb\xbf\"a\"") == "a");
    CHECK(is_refused("\xef\xbb[1]"));
}

TEST_CASE("of equal keys in an object the last one counts") {
    CHECK(load(R"({"a": 1, "b": 2, "a": 3})") == json{{"a", 3}, {"b", 2}});
    CHECK(load(R"({"a": {"x": 1}, "a": {"y": 2}})") == json{{"a", {{"y", 2}}}});
    CHECK(load(R"({"a": [1], "a": []})") == json{{"a", json::array()}});
    CHECK(load(R"({"a": [1, 2], "a": null})") == json{{"a", nullptr}});
}

TEST_CASE("no text and text that is not JSON are refused") {
    for (const char* text :
         {"",   " ",  "{",   "[1",  "[1,]",   "{\"a\"}", "{\"a\":}", "{a: 1}",      "'a'",  "01",        "+1",
          ".5", "1.", "tru", "nul", "\"open", "\"\n\"",  "[1 2]",    "{\"a\": 1,}", "// 1", "undefined", "\"\\x\""}) {
        INFO(text);
        CHECK(is_refused(text));
        CHECK(is_refused<std::string>(text));
    }
}

TEST_CASE("anything behind the value is refused") {
    using namespace std::string_view_literals;
    for (const std::string_view text :
         {"1 2"sv, "[]]"sv, "{}x"sv, "null,"sv, "\"a\"\"b\""sv, "1\0"sv, "1\0x"sv, "[1]\0\0"sv}) {
        CHECK(is_refused(text));
        CHECK(is_refused<std::string>(text));
    }
}

TEST_CASE("nothing is null") { CHECK(dump(communica::Nothing{}) == "null"); }

TEST_CASE("what JSON has no form for is not dumped") {
    CHECK(is_not_dumped(json(json::value_t::discarded)));
    CHECK(is_not_dumped(json::binary({1, 2, 3})));
    CHECK(is_not_dumped(json{1, json::binary({1})}));
}

}  // namespace json_tests

#include "support/catch.hpp"
#include "support/javascript_numbers.hpp"
#include "support/sanitized.hpp"
#include "support/serialized.hpp"

#include <communica/serializers/fast_json.hpp>
#include <communica/serializers/json.hpp>

#include <thread>

namespace fast_json {

struct Item {
    std::string name;
    std::vector<int> numbers;
    std::optional<double> price;
    bool operator==(const Item&) const = default;
};
COMMUNICA_MODEL(Item, name, numbers, price)

}  // namespace fast_json

namespace fast_json_tests {

using namespace std::string_literals;

namespace {

using communica::FastJsonSerializer;
using communica::JsonSerializer;
using fast_json::Item;
using nlohmann::json;

static_assert(communica::Serializer<FastJsonSerializer>);

/// What a serializer makes of a text: the value, or what it says.
template <class S, class T>
std::string outcome(std::string_view text) {
    const auto what = test::refusal<S, T>(text);
    return what ? "refused: " + *what : test::dump<JsonSerializer>(test::load<S, T>(text));
}
template <class T>
void agree(std::string_view text) {
    const std::string fast = outcome<FastJsonSerializer, T>(text);
    const std::string plain = outcome<JsonSerializer, T>(text);
    if (fast != plain) {
        FAIL(text.substr(0, 200) << ": " << fast << " instead of " << plain);
    }
}

const std::string seed =
    R"({"name": "caf\u00e9 \ud83d\ude00 \"x\"", "numbers": [1, -2, 3e2], "price": 2.50, "more": [[{}]]})";

}  // namespace

TEST_CASE("fast JSON is the same on the wire") {
    const Item item{"caf\xc3\xa9", {1, 2, 3}, 0.1};
    CHECK(test::dump<FastJsonSerializer>(item) == test::dump<JsonSerializer>(item));
    CHECK(test::load<FastJsonSerializer, Item>(test::dump<JsonSerializer>(item)) == item);
    CHECK(test::load<FastJsonSerializer, json>(R"({"a": [1, -1, 1.5, "x", null, true, {}]})") ==
          json{{"a", {1, -1, 1.5, "x", nullptr, true, json::object()}}});
    CHECK(test::load<FastJsonSerializer, std::string>("\xef\xbb\xbf\"a\"") == "a");
}

TEST_CASE("fast JSON takes and refuses the same texts in the same words") {
    for (const char* text : {"",
                             " ",
                             "1 2",
                             "[1,]",
                             "01",
                             "-0",
                             "1e400",
                             "1e-400",
                             "18446744073709551615",
                             "18446744073709551616",
                             "-9223372036854775809",
                             "\"\\ud800\"",
                             "\"\\udc00\"",
                             "\"\\ud800\\ud800\"",
                             "\"\\ud83d\\ude00\"",
                             "\"\xff\"",
                             "{\"a\":1,\"a\":2}",
                             "nul",
                             "tru",
                             "\"\n\"",
                             "[",
                             "{\"a\"}",
                             "\xef\xbb\xbf[1]",
                             "\xef\xbb[1]",
                             "\"\\u0000\""}) {
        agree<json>(text);
    }
    agree<json>(std::string_view("1\0", 2));
    const std::string bytes = "\0 \"\\{}[]:,019eE+-.utrfnalsx\x80\xc3\xff"s;
    for (std::size_t place = 0; place < seed.size(); place += test::shown_every) {
        agree<json>(seed.substr(0, place));
        for (const char byte : bytes) {
            std::string changed = seed;
            changed[place] = byte;
            agree<json>(changed);
            agree<Item>(changed);
        }
    }
}

TEST_CASE("fast JSON takes large floats as JavaScript writes them, and refuses an integer that loses a digit") {
    for (const auto& [value, digits] : test::javascript_numbers()) {
        CAPTURE(digits);
        REQUIRE(test::load<FastJsonSerializer, double>(digits) == value);
        REQUIRE(test::load<FastJsonSerializer, double>("-" + digits) == -value);
        REQUIRE(test::load<FastJsonSerializer, json>(digits).get<double>() == value);
    }
    for (const char* digits : {"9007199254740993", "1152921504606847001", "99999999999999999999"}) {
        CHECK(outcome<FastJsonSerializer, double>(digits).starts_with("refused: "));
        agree<double>(digits);
    }
}

TEST_CASE("fast JSON has the same limit of depth, also in what is read past") {
    for (const std::size_t depth :
         std::initializer_list<std::size_t>{127, 128, 129, 1000, 1023, 1024, 1025, 1'000'000}) {
        for (const std::string_view opening : {"[", "{\"k\":"}) {
            std::string text;
            for (std::size_t level = 0; level != depth; ++level) {
                text += opening;
            }
            const std::string end(depth, opening == "[" ? ']' : '}');
            agree<json>(text);
            agree<json>(text + "1" + end);
            agree<json>(text + "[]" + end);
            agree<Item>(R"({"more": )" + text + "1" + end + R"(, "name": "", "numbers": []})");
        }
    }
}

TEST_CASE("a document is loaded whole, outlives the bytes, and is dumped again") {
    communica::FastJsonDocument document;
    CHECK_FALSE(document);
    CHECK(test::dump<FastJsonSerializer>(document) == "null");
    {
        std::string text = R"({"a": [1, 2.5, "\u00e9"], "b": {}})";
        document = test::load<FastJsonSerializer, communica::FastJsonDocument>(text);
        text.assign(text.size(), 'x');
    }
    REQUIRE(document);
    communica::FastJsonDocument moved = std::move(document);
    CHECK(moved.root()["a"].at(2).get_string().value() == "\xc3\xa9");
    CHECK(test::dump<FastJsonSerializer>(moved) == "{\"a\":[1,2.5,\"\xc3\xa9\"],\"b\":{}}");
    CHECK(test::refusal<FastJsonSerializer, communica::FastJsonDocument>("[1,]") ==
          "/1: not JSON: expected a value, got ']' at byte 3");
    CHECK(test::refusal<FastJsonSerializer, communica::FastJsonDocument>(std::string(1'000'000, '[')).has_value());
}

TEST_CASE("fast JSON loads texts of any length, on several threads") {
    const auto load_all = [] {
        for (const std::size_t size :
             std::initializer_list<std::size_t>{0, 1, 100, 60'000, 65'535, 65'536, 65'537, 3'000'000, 10}) {
            const std::string text(size, 'x');
            if (test::load<FastJsonSerializer, std::string>('"' + text + '"') != text) {
                return false;
            }
        }
        return true;
    };
    bool there = false;
    std::thread other([&] { there = load_all(); });
    CHECK(load_all());
    other.join();
    CHECK(there);
}

}  // namespace fast_json_tests

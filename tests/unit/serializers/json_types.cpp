#include "support/catch.hpp"

#include <communica/peer/route.hpp>
#include <communica/serializers/json.hpp>

#include <array>
#include <map>
#include <memory>
#include <set>
#include <tuple>

namespace json_types_tests {

namespace types {

struct Point {
    int x = 0;
    int y = 0;
    bool operator==(const Point&) const = default;
    NLOHMANN_DEFINE_TYPE_INTRUSIVE(Point, x, y)
};

struct Line {
    Point from;
    std::vector<Point> through;
    std::map<std::string, double> tags;
    bool operator==(const Line&) const = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Line, from, through, tags)

enum class Colour { red, green };
NLOHMANN_JSON_SERIALIZE_ENUM(Colour, {{Colour::red, "red"}, {Colour::green, "green"}})

struct ByHand {
    std::string text;
};
inline void to_json(nlohmann::json& json, const ByHand& value) { json = value.text; }
inline void from_json(const nlohmann::json& json, ByHand& value) {
    value.text = json.get<std::string>();
    if (value.text.empty()) {
        throw std::invalid_argument("an empty text");
    }
}

struct Unknown {};

}  // namespace types

namespace {

using communica::JsonSerializer;
using communica::SerializerError;
using namespace types;

static_assert(communica::Serializer<JsonSerializer>);
static_assert(!communica::Serializer<int> && !communica::Serializer<Unknown>);
static_assert(communica::Dumps<JsonSerializer, communica::Nothing>);

template <class T>
constexpr bool is_carried = communica::Dumps<JsonSerializer, T> && communica::Loads<JsonSerializer, T>;
static_assert(is_carried<int> && is_carried<bool> && is_carried<double> && is_carried<std::string> &&
              is_carried<nlohmann::json>);
static_assert(is_carried<Point> && is_carried<Line> && is_carried<Colour> && is_carried<ByHand>);
static_assert(is_carried<std::vector<std::vector<Point>>> && is_carried<std::map<std::string, Line>>);
static_assert(communica::Dumps<JsonSerializer, const char*> && communica::Dumps<JsonSerializer, char[6]> &&
              communica::Dumps<JsonSerializer, std::string_view>);
static_assert(!communica::Dumps<JsonSerializer, Unknown> && !communica::Loads<JsonSerializer, Unknown>);
static_assert(!communica::Dumps<JsonSerializer, std::vector<Unknown>>);

static_assert(communica::AnyRoute<communica::Route<int(Point)>> && communica::AnyRoute<const communica::Route<int()>&>);
static_assert(!communica::AnyRoute<int>);

template <class T>
std::string dump(const T& value) {
    communica::Buffer out;
    JsonSerializer{}.dump(value, out);
    return std::string(out.text());
}

template <class T>
T load(std::string_view text) {
    return JsonSerializer{}.load<T>(communica::as_bytes(text));
}

template <class T>
void comes_back(const T& value) {
    CHECK(load<T>(dump(value)) == value);
}

}  // namespace

TEST_CASE("structs go by nlohmann's macros, nested and in containers") {
    CHECK(dump(Point{1, 2}) == R"({"x":1,"y":2})");
    CHECK(load<Point>(R"({"y": 2, "x": 1, "more": []})") == Point{1, 2});
    comes_back(Line{{1, 2}, {{3, 4}, {5, 6}}, {{"width", 0.5}}});
    comes_back(std::vector<Line>(3));
}

TEST_CASE("enums and types with functions of their own go by those") {
    CHECK(dump(Colour::green) == R"("green")");
    CHECK(load<Colour>(R"("green")") == Colour::green);
    CHECK(dump(ByHand{"x"}) == R"("x")");
    CHECK(load<ByHand>(R"("x")").text == "x");
    CHECK_THROWS_WITH(load<ByHand>(R"("")"), "an empty text");  // its own exception goes through
}

TEST_CASE("containers come back as they were") {
    comes_back(std::vector<int>{1, 2, 3});
    comes_back(std::vector<std::string>{"", "caf\xc3\xa9"});
    comes_back(std::map<std::string, std::vector<int>>{{"a", {1}}, {"", {}}});
    comes_back(std::array<int, 3>{1, 2, 3});
    comes_back(std::pair<int, std::string>{1, "x"});
    comes_back(std::tuple<int, double, bool>{1, 2.5, true});
    comes_back(std::set<int>{3, 1, 2});
    comes_back(std::vector<bool>{true, false});
}

TEST_CASE("text of every kind is dumped") {
    const char array[] = "array";
    const char* pointer = "pointer";
    CHECK(dump(array) == R"("array")");
    CHECK(dump(pointer) == R"("pointer")");
    CHECK(dump(std::string_view("view\nof")) == R"("view\nof")");
    CHECK(dump("literal \"quoted\"") == R"("literal \"quoted\"")");
}

TEST_CASE("a value of another type is refused with a message") {
    CHECK_THROWS_AS(load<int>(R"("text")"), SerializerError);
    CHECK_THROWS_AS(load<std::string>("1"), SerializerError);
    CHECK_THROWS_AS(load<bool>("1"), SerializerError);
    CHECK_THROWS_AS(load<std::vector<int>>(R"({"a": 1})"), SerializerError);
    CHECK_THROWS_AS(load<std::vector<int>>(R"([1, "2"])"), SerializerError);
    CHECK_THROWS_AS(load<Point>("[]"), SerializerError);
    CHECK_THROWS_WITH(load<Point>(R"({"x": 1})"), Catch::Matchers::ContainsSubstring("'y'"));
    CHECK_THROWS_WITH(load<int>("null"), Catch::Matchers::ContainsSubstring("null"));
}

}  // namespace json_types_tests

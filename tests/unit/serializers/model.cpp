#include "support/catch.hpp"
#include "support/serialized.hpp"

#include <communica/serializers/cbor.hpp>
#include <communica/serializers/json.hpp>
#include <communica/serializers/model.hpp>
#include <communica/serializers/msgpack.hpp>

namespace model_tests {

namespace models {

enum class Colour { red, dark_green };
COMMUNICA_ENUM(Colour, red, dark_green)

enum class Level : std::uint8_t { low = 1, high = 2 };
constexpr auto communica_model(communica::Type<Level>) {
    return communica::enumerators<Level>({{"LOW", Level::low}, {"very-high", Level::high}});
}

struct User {
    std::string name;
    std::uint8_t age = 0;
    std::optional<std::string> nick;
    bool operator==(const User&) const = default;
};
COMMUNICA_MODEL(User, name, age, nick)

struct Holder {
    User user{"", 0, "a nick of its holder's"};
};
COMMUNICA_MODEL(Holder, user)

struct Circle {
    double radius = 0;
    bool operator==(const Circle&) const = default;
};
COMMUNICA_MODEL(Circle, radius)

struct Box {
    double width = 0;
    double height = 0;
    bool operator==(const Box&) const = default;
};
COMMUNICA_MODEL(Box, width, height)

struct Cat {
    int lives = 9;
    bool operator==(const Cat&) const = default;
};
constexpr auto communica_model(communica::Type<Cat>) {
    return communica::model("Cat", communica::field("lives", &Cat::lives)).tag("kind", "cat");
}
struct Dog {
    int lives = 1;
    bool operator==(const Dog&) const = default;
};
constexpr auto communica_model(communica::Type<Dog>) {
    return communica::model("Dog", communica::field("lives", &Dog::lives)).tag("kind", "dog");
}

struct Request {
    User user;
    std::vector<int> numbers;
    std::map<std::string, Circle> circles;
    Colour colour = Colour::red;
    std::variant<int, std::string> id;
    std::variant<Circle, Box> shape;
    std::variant<Cat, Dog> pet;
    std::array<bool, 2> pair{};
    std::tuple<int, std::string> tuple;
    std::chrono::milliseconds wait{};
    std::chrono::sys_seconds at;
    std::vector<std::byte> blob;
    bool operator==(const Request&) const = default;
};
COMMUNICA_MODEL(Request, user, numbers, circles, colour, id, shape, pet, pair, tuple, wait, at, blob)

struct Base {
    int inherited = 0;
};
struct Renamed : Base {
    int value = 1;
    int other = 2;
    std::optional<int> maybe;
};
constexpr auto communica_model(communica::Type<Renamed>) {
    return communica::model("Renamed", communica::field("the value", &Renamed::value),
                            communica::field("a/b~c", &Renamed::other).optional(),
                            communica::field("maybe", &Renamed::maybe).omit_null(),
                            communica::field("inherited", &Renamed::inherited).optional())
        .refuse_unknown();
}

struct Escaped {
    int quote = 0;
    int accent = 0;
    int plain = 0;
    bool operator==(const Escaped&) const = default;
};
constexpr auto communica_model(communica::Type<Escaped>) {
    return communica::model("Escaped", communica::field("a \"quote\"", &Escaped::quote),
                            communica::field("\xc3\xa9", &Escaped::accent), communica::field("plain", &Escaped::plain));
}

class Private {
 public:
    Private() = default;
    explicit Private(int hidden) : hidden_(hidden) {}
    int hidden() const { return hidden_; }

 private:
    int hidden_ = 0;
    friend COMMUNICA_MODEL(Private, hidden_)
};

struct Empty {};
COMMUNICA_MODEL(Empty)

}  // namespace models

namespace {

using namespace models;
using communica::CborSerializer;
using communica::JsonSerializer;
using communica::MsgpackSerializer;
using nlohmann::json;

Request example() {
    Request request;
    request.user = {"Ann", 42, {}};
    request.numbers = {1, -2};
    request.circles = {{"unit", {1}}};
    request.colour = Colour::dark_green;
    request.id = "x";
    request.shape = Box{1.5, 2};
    request.pet = Dog{3};
    request.pair = {true, false};
    request.tuple = {1, "one"};
    request.wait = std::chrono::milliseconds(1500);
    request.at = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
    request.blob = {std::byte{1}, std::byte{2}};
    return request;
}

json example_tree() {
    return json::parse(R"({"user": {"name": "Ann", "age": 42, "nick": null}, "numbers": [1, -2],
        "circles": {"unit": {"radius": 1.0}}, "colour": "dark_green", "id": "x", "shape": {"width": 1.5, "height": 2.0},
        "pet": {"kind": "dog", "lives": 3}, "pair": [true, false], "tuple": [1, "one"], "wait": 1.5,
        "at": "2023-11-14T22:13:20+00:00", "blob": "AQI="})");
}

/// The same in a format that has bytes.
json example_tree_with_bytes() {
    json tree = example_tree();
    tree["blob"] = json::binary({1, 2});
    return tree;
}

/// What is said against the example with another value at one place.
template <class S>
std::string refused(json tree, std::string_view pointer, const json& value) {
    tree[json::json_pointer(std::string(pointer))] = value;
    return test::refusal<S, Request>(test::dump<S>(tree)).value_or("loaded");
}
template <class S>
std::string refused_without(json tree, std::string_view pointer) {
    const json::json_pointer place{std::string(pointer)};
    tree[place.parent_pointer()].erase(place.back());
    return test::refusal<S, Request>(test::dump<S>(tree)).value_or("loaded");
}

}  // namespace

TEST_CASE("one description serves JSON, MessagePack and CBOR, and untyped values on either side") {
    const Request request = example();
    CHECK(test::load<JsonSerializer, json>(test::dump<JsonSerializer>(request)) == example_tree());
    CHECK(test::load<MsgpackSerializer, json>(test::dump<MsgpackSerializer>(request)) == example_tree_with_bytes());
    CHECK(test::load<CborSerializer, json>(test::dump<CborSerializer>(request)) == example_tree_with_bytes());
    CHECK(test::load<JsonSerializer, Request>(test::dump<JsonSerializer>(example_tree())) == request);
    CHECK(test::load<MsgpackSerializer, Request>(test::dump<MsgpackSerializer>(example_tree_with_bytes())) == request);
    CHECK(test::load<CborSerializer, Request>(test::dump<CborSerializer>(example_tree_with_bytes())) == request);
}

TEST_CASE("fields are written in the order of the description and read in any") {
    CHECK(test::dump<JsonSerializer>(User{"Ann", 42, "A"}) == R"({"name":"Ann","age":42,"nick":"A"})");
    CHECK(test::load<JsonSerializer, User>(R"({"nick": "A", "age": 42, "name": "Ann"})") == User{"Ann", 42, "A"});
    CHECK(test::load<JsonSerializer, User>(R"({"age": 1, "name": "x", "age": 2})").age == 2);
    // Of equal keys the last one counts, as a whole.
    const auto twice = test::load<JsonSerializer, std::map<std::string, std::vector<User>>>(
        R"({"a": [{"name": "x", "age": 1, "nick": "y"}], "a": [{"name": "z", "age": 2}]})");
    CHECK(twice.at("a") == std::vector<User>{{"z", 2, {}}});
    CHECK(test::load<JsonSerializer, Holder>(
              R"({"user": {"name": "x", "age": 1, "nick": "y"}, "user": {"name": "z", "age": 2}})")
              .user == User{"z", 2, {}});
}

TEST_CASE("what is wrong with a value is said with its place, what was expected and what came") {
    const struct {
        const char* place;
        json value;
        const char* message;
    } cases[] = {
        {"/user/age", "x", R"(/user/age: expected integer in 0..255, got "x")"},
        {"/user/age", 256, "/user/age: expected integer in 0..255, got 256"},
        {"/user/age", -1, "/user/age: expected integer in 0..255, got -1"},
        {"/user/age", 1.5, "/user/age: expected integer in 0..255, got 1.5"},
        {"/user/age", nullptr, "/user/age: expected integer in 0..255, got null"},
        {"/user/name", true, "/user/name: expected string, got true"},
        {"/user/nick", 1, "/user/nick: expected string or null, got 1"},
        {"/user", json::array(), "/user: expected object, got an array"},
        {"/numbers", json::object(), "/numbers: expected array, got an object"},
        {"/numbers/1", 1.5, "/numbers/1: expected integer in -2147483648..2147483647, got 1.5"},
        {"/numbers/1", std::string(50, 'x'),
         "/numbers/1: expected integer in -2147483648..2147483647, got "
         "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\""},
        {"/circles/unit", 1, "/circles/unit: expected object, got 1"},
        {"/circles/unit/radius", "1", R"(/circles/unit/radius: expected number in a double's range, got "1")"},
        {"/circles/unit/radius", 9007199254740993,
         "/circles/unit/radius: expected number in a double's range, got 9007199254740993"},
        {"/colour", "blue", R"(/colour: expected one of "red", "dark_green", got "blue")"},
        {"/colour", 1, R"(/colour: expected one of "red", "dark_green", got 1)"},
        {"/id", 1.5, "/id: expected integer in -2147483648..2147483647, got 1.5"},
        {"/id", nullptr, "/id: expected integer in -2147483648..2147483647 or string, got null"},
        {"/shape", 1, "/shape: expected object, got 1"},
        {"/shape",
         {{"side", 1}},
         R"(/shape: expected Circle {"radius"} or Box {"width", "height"}, got an object that is none of them)"},
        {"/shape/width", "x", R"(/shape/width: expected number in a double's range, got "x")"},
        {"/pet/kind", "cow",
         R"(/pet: expected Cat {"kind": "cat"} or Dog {"kind": "dog"}, got an object that is none of them)"},
        {"/pet/lives", "x", R"(/pet/lives: expected integer in -2147483648..2147483647, got "x")"},
        {"/pair", {true}, "/pair: expected array of 2, got 1"},
        {"/pair/2", true, "/pair/2: expected array of 2, got more"},
        {"/pair/1", 0, "/pair/1: expected boolean, got 0"},
        {"/tuple", {1}, "/tuple: expected array of 2, got 1"},
        {"/tuple/1", 1, "/tuple/1: expected string, got 1"},
        {"/wait", "1s", R"(/wait: expected number of seconds, got "1s")"},
        {"/wait", 1e300, "/wait: expected number of seconds that fits its type, got 1e+300"},
        {"/at", "yesterday", R"(/at: expected time as in "2024-05-06T07:08:09Z", got "yesterday")"},
        {"/at", 0, R"(/at: expected time as in "2024-05-06T07:08:09Z", got 0)"},
    };
    for (const auto& [place, value, message] : cases) {
        CHECK(refused<JsonSerializer>(example_tree(), place, value) == message);
        CHECK(refused<MsgpackSerializer>(example_tree_with_bytes(), place, value) == message);
        CHECK(refused<CborSerializer>(example_tree_with_bytes(), place, value) == message);
    }
    CHECK(refused<JsonSerializer>(example_tree(), "/user/age", 1.0) ==
          "/user/age: expected integer in 0..255, got 1.0");  // which the others take
    CHECK(refused<JsonSerializer>(example_tree(), "/blob", "x") == R"(/blob: expected bytes in base64, got "x")");
    CHECK(refused<JsonSerializer>(example_tree(), "/blob", 1) == "/blob: expected bytes in base64, got 1");
    CHECK(refused<MsgpackSerializer>(example_tree_with_bytes(), "/blob", "x") == R"(/blob: expected bytes, got "x")");
    CHECK(refused<CborSerializer>(example_tree_with_bytes(), "/blob", 1) == "/blob: expected bytes, got 1");
}

TEST_CASE("a missing field is named with what was expected there") {
    const struct {
        const char* place;
        const char* message;
    } cases[] = {
        {"/user", "/user: expected object, got nothing"},
        {"/user/age", "/user/age: expected integer in 0..255, got nothing"},
        {"/colour", R"(/colour: expected one of "red", "dark_green", got nothing)"},
        {"/pet/lives", "/pet/lives: expected integer in -2147483648..2147483647, got nothing"},
        {"/circles/unit/radius", "/circles/unit/radius: expected number in a double's range, got nothing"},
        {"/user/nick", "loaded"},
    };
    for (const auto& [place, message] : cases) {
        CHECK(refused_without<JsonSerializer>(example_tree(), place) == message);
        CHECK(refused_without<MsgpackSerializer>(example_tree_with_bytes(), place) == message);
        CHECK(refused_without<CborSerializer>(example_tree_with_bytes(), place) == message);
    }
    CHECK(test::refusal<JsonSerializer, Cat>(R"({"lives": 1})") == R"(/kind: expected "cat", got nothing)");
    CHECK(test::refusal<JsonSerializer, Cat>(R"({"kind": "dog", "lives": 1})") ==
          R"(/kind: expected "cat", got "dog")");
}

TEST_CASE("bytes behind a wrong value, or none, do not matter") {
    CHECK(test::refusal<JsonSerializer, User>("[") == "expected object, got an array");
    CHECK(test::refusal<JsonSerializer, User>("") == "not JSON: the end instead of a value at byte 0");
    CHECK(test::refusal<JsonSerializer, User>(R"({"age": 1)") ==
          "/age: not JSON: the end instead of ',' or '}' at byte 9");
    CHECK(test::refusal<JsonSerializer, std::vector<User>>(R"([{"age": 1, "name": "x"}, {"age": -}])") ==
          "/1/age: not JSON: expected a digit, got '}' at byte 35");
}

TEST_CASE("unknown fields are read past, or refused where the description says so") {
    CHECK(test::load<JsonSerializer, User>(R"({"name": "x", "more": [{"a": 1}], "age": 1})").age == 1);
    CHECK(test::refusal<JsonSerializer, User>(R"({"name": "x", "more": [1,], "age": 1})") ==
          "/more/1: not JSON: expected a value, got ']' at byte 25");
    CHECK(test::refusal<JsonSerializer, Renamed>(R"({"the value": 1, "more": 2})") ==
          R"(/more: there is no such field, but "the value", "a/b~c", "maybe", "inherited")");
}

TEST_CASE("fields have names of their own, may be missing, and may be left out") {
    CHECK(test::dump<JsonSerializer>(Renamed{}) == R"({"the value":1,"a/b~c":2,"inherited":0})");
    Renamed value;
    value.maybe = 3;
    CHECK(test::dump<JsonSerializer>(value) == R"({"the value":1,"a/b~c":2,"maybe":3,"inherited":0})");
    CHECK(test::load<JsonSerializer, Renamed>(R"({"the value": 5})").other == 2);  // as its initialiser says
    CHECK(test::load<JsonSerializer, Renamed>(R"({"the value": 5, "maybe": null})").maybe == std::nullopt);
    CHECK(test::load<MsgpackSerializer, Renamed>(test::dump<MsgpackSerializer>(value)).maybe == 3);
    CHECK(test::load<CborSerializer, Renamed>(test::dump<CborSerializer>(Renamed{})).value == 1);
    // "/" and "~" are escaped as JSON Pointer wants.
    CHECK(test::refusal<JsonSerializer, Renamed>(R"({"the value": 5, "a/b~c": null})") ==
          "/a~1b~0c: expected integer in -2147483648..2147483647, got null");
}

TEST_CASE("fields whose names JSON escapes, or that are not ASCII, are written and read as any") {
    constexpr const char* text = "{\"a \\\"quote\\\"\":1,\"\xc3\xa9\":2,\"plain\":3}";
    const Escaped value{1, 2, 3};
    CHECK(test::dump<JsonSerializer>(value) == text);
    CHECK(test::load<JsonSerializer, Escaped>(text) == value);
    CHECK(test::load<JsonSerializer, Escaped>(R"({"plain": 3, "\u00e9": 2, "a \u0022quote\u0022": 1})") == value);
    CHECK(test::load<MsgpackSerializer, Escaped>(test::dump<MsgpackSerializer>(value)) == value);
    CHECK(test::load<CborSerializer, Escaped>(test::dump<CborSerializer>(value)) == value);
}

TEST_CASE("fields are the same with space around their names, with escapes in them, and behind others") {
    const User ann{"Ann", 42, "A"};
    for (const char* text : {R"({"name":"Ann","age":42,"nick":"A"})", R"({"name": "Ann", "age": 42, "nick": "A"})",
                             "\n{ \"name\" : \"Ann\" ,\n\t\"age\" : 42 , \"nick\" : \"A\" }\r\n",
                             R"({"n\u0061me":"Ann","age":42,"nick":"A"})", R"({"name":"Ann","nick":"A","age":42})",
                             R"({"names":[{"name":"x"}],"name":"Ann","age":42,"nick":"A"})",
                             R"({"name":"Ann","nam":{},"age":42,"nick":"A","ages":null})",
                             R"({"name":"x","name":"Ann","age":1,"nick":"A","age":42})"}) {
        INFO(text);
        CHECK(test::load<JsonSerializer, User>(text) == ann);
    }
    CHECK(test::load<JsonSerializer, User>(R"({"name":"Ann","nick":null,"age":42})") == User{"Ann", 42, {}});
    CHECK(test::load<JsonSerializer, User>(R"({"name":"Ann","age":42})") == User{"Ann", 42, {}});
}

TEST_CASE("what breaks off in an object of known fields is told where, with the field that was read last") {
    CHECK(test::refusal<JsonSerializer, User>(R"({"name")") == "not JSON: the end instead of a colon at byte 7");
    CHECK(test::refusal<JsonSerializer, User>(R"({"name":)") ==
          "/name: not JSON: the end instead of a value at byte 8");
    CHECK(test::refusal<JsonSerializer, User>(R"({"name":"x" "age":1})") ==
          "/name: not JSON: expected ',' or '}', got '\"' at byte 12");
    CHECK(test::refusal<JsonSerializer, User>(R"({"name":"x",)") ==
          "not JSON: the end instead of a key in quotes at byte 12");
    CHECK(test::refusal<JsonSerializer, User>(R"({"name":"x","age":1,})") ==
          "not JSON: expected a key in quotes, got '}' at byte 20");
    CHECK(test::refusal<JsonSerializer, User>(R"({"name":"x","age":256})") ==
          "/age: expected integer in 0..255, got 256");
}

TEST_CASE("private members and empty structs can be described") {
    CHECK(test::dump<JsonSerializer>(Private(7)) == R"({"hidden_":7})");
    CHECK(test::load<JsonSerializer, Private>(R"({"hidden_": 7})").hidden() == 7);
    CHECK(test::dump<JsonSerializer>(Empty{}) == "{}");
    CHECK_NOTHROW(test::load<JsonSerializer, Empty>("{}"));
    CHECK(test::refusal<JsonSerializer, Empty>("null") == "expected object, got null");
}

TEST_CASE("an enum goes by its names, and a value without one is refused") {
    CHECK(test::dump<JsonSerializer>(Level::high) == R"("very-high")");
    CHECK(test::load<JsonSerializer, Level>(R"("LOW")") == Level::low);
    CHECK(test::what_of([] { test::dump<JsonSerializer>(std::vector{Level::low, Level{7}}); }) ==
          R"(/1: expected one of "LOW", "very-high", got the value 7)");
}

TEST_CASE("a value that a format can't hold is refused with its place, too") {
    Request request = example();
    request.circles["unit"].radius = std::nan("");
    CHECK(test::what_of([&] { test::dump<JsonSerializer>(request); }) ==
          "/circles/unit/radius: JSON has no NaN and no infinity");
    CHECK_NOTHROW(test::dump<MsgpackSerializer>(request));
    request = example();
    request.user.name = "\xff";
    CHECK(test::what_of([&] { test::dump<JsonSerializer>(request); }) == "/user/name: a text that is not UTF-8");
    CHECK(test::what_of([&] { test::dump<CborSerializer>(request); }) == "/user/name: a text that is not UTF-8");
}

}  // namespace model_tests

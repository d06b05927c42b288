#include "support/catch.hpp"
#include "support/serialized.hpp"

#include <communica/serializers/cbor.hpp>
#include <communica/serializers/json.hpp>
#include <communica/serializers/msgpack.hpp>

#include <deque>
#include <list>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace model_types {

/// Travels as text.
struct Uuid {
    std::string digits;
    bool operator==(const Uuid&) const = default;
};
/// Travels as a struct that is described.
struct Point {
    int x = 0;
    int y = 0;
    bool operator==(const Point&) const = default;
};
COMMUNICA_MODEL(Point, x, y)
struct Complex {
    Point inner;
    bool operator==(const Complex&) const = default;
};

/// Goes by nlohmann's functions.
struct Legacy {
    int value = 0;
    bool operator==(const Legacy&) const = default;
    NLOHMANN_DEFINE_TYPE_INTRUSIVE(Legacy, value)
};
struct Mixed {
    Uuid id;
    Legacy legacy;
    std::vector<Legacy> all;
    nlohmann::json any;
    bool operator==(const Mixed&) const = default;
};
COMMUNICA_MODEL(Mixed, id, legacy, all, any)

struct Strict {
    int x = 0;
    bool operator==(const Strict&) const = default;
};
constexpr auto communica_model(communica::Type<Strict>) {
    return communica::model("Strict", communica::field("x", &Strict::x)).refuse_unknown();
}

}  // namespace model_types

template <>
struct communica::Converter<model_types::Uuid> {
    static std::string dump(const model_types::Uuid& value) { return "uuid:" + value.digits; }
    static model_types::Uuid load(const std::string& text) {
        if (!text.starts_with("uuid:")) {
            throw std::invalid_argument("expected a UUID, got " + text);
        }
        return {text.substr(5)};
    }
};
template <>
struct communica::Converter<model_types::Complex> {
    static model_types::Point dump(const model_types::Complex& value) { return value.inner; }
    static model_types::Complex load(const model_types::Point& point) { return {point}; }
};

namespace model_types_tests {

namespace {

using namespace model_types;
using communica::CborSerializer;
using communica::JsonSerializer;
using communica::MsgpackSerializer;
using nlohmann::json;
using namespace std::chrono_literals;

/// It comes back as it was in every format; its JSON is this.
template <class T>
void travels(const T& value, std::string_view text) {
    CHECK(test::dump<JsonSerializer>(value) == text);
    CHECK(test::load<JsonSerializer, T>(text) == value);
    CHECK(test::load<MsgpackSerializer, T>(test::dump<MsgpackSerializer>(value)) == value);
    CHECK(test::load<CborSerializer, T>(test::dump<CborSerializer>(value)) == value);
}

}  // namespace

TEST_CASE("scalars travel") {
    travels(true, "true");
    travels(std::int8_t{-128}, "-128");
    travels(UINT64_MAX, "18446744073709551615");
    travels(INT64_MIN, "-9223372036854775808");
    travels('a', "97");
    travels(0.1, "0.1");
    travels(0.1F, "0.1");
    travels(1e300, "1e+300");
    travels(std::string("\"caf\xc3\xa9\"\n"), "\"\\\"caf\xc3\xa9\\\"\\n\"");
    CHECK(test::refusal<JsonSerializer, float>("1e300") == "expected number in a float's range, got 1e+300");
}

TEST_CASE("containers travel") {
    travels(std::vector<std::vector<int>>{{1}, {}, {2, 3}}, "[[1],[],[2,3]]");
    travels(std::vector<bool>{true, false}, "[true,false]");
    travels(std::deque<std::string>{"a", ""}, R"(["a",""])");
    travels(std::list<double>{0.5}, "[0.5]");
    travels(std::set<int>{3, 1}, "[1,3]");
    travels(std::unordered_set<int>{1}, "[1]");
    travels(std::array<int, 2>{1, 2}, "[1,2]");
    travels(std::pair<int, std::string>{1, "a"}, R"([1,"a"])");
    travels(std::tuple<int, std::pair<bool, int>>{1, {true, 2}}, "[1,[true,2]]");
    travels(std::tuple<>{}, "[]");
    travels(std::map<std::string, std::vector<Point>>{{"a", {{1, 2}}}, {"", {}}}, R"({"":[],"a":[{"x":1,"y":2}]})");
    travels(std::unordered_map<std::string, int>{{"a", 1}}, R"({"a":1})");
    travels(std::map<int, Point>{{1, {1, 2}}, {2, {}}}, R"([[1,{"x":1,"y":2}],[2,{"x":0,"y":0}]])");
    CHECK(test::dump<JsonSerializer>(std::span<const int>(std::array{1, 2})) == "[1,2]");
    CHECK(test::refusal<JsonSerializer, std::map<int, int>>(R"([[1,2],["x",2]])") ==
          R"(/1/0: expected integer in -2147483648..2147483647, got "x")");
}

TEST_CASE("bytes travel, as base64 where there is only text") {
    travels(std::vector<std::byte>{}, R"("")");
    travels(std::vector<std::byte>{std::byte{0xFF}}, R"("/w==")");
    travels(std::array<std::byte, 3>{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}}, R"("YWJj")");
    travels(std::optional<std::vector<std::byte>>(std::vector<std::byte>(2)), R"("AAA=")");
    travels(std::vector<std::uint8_t>{1, 2}, "[1,2]");  // these are numbers
    CHECK(test::refusal<JsonSerializer, std::array<std::byte, 2>>(R"("YWJj")") == "expected 2 bytes, got 3 bytes");
}

TEST_CASE("optional values travel as null or themselves") {
    travels(std::optional<int>(), "null");
    travels(std::optional<int>(1), "1");
    travels(std::vector<std::optional<Point>>{{}, Point{1, 2}}, R"([null,{"x":1,"y":2}])");
}

TEST_CASE("variants travel as the alternative that they hold") {
    using Scalar = std::variant<std::monostate, bool, int, double, std::string, std::vector<int>, Point>;
    travels(Scalar{}, "null");
    travels(Scalar{true}, "true");
    travels(Scalar{1}, "1");
    travels(Scalar{1.5}, "1.5");
    travels(Scalar{1.0}, "1.0");
    travels(Scalar{"a"}, R"("a")");
    travels(Scalar{std::vector{1, 2}}, "[1,2]");
    travels(Scalar{Point{1, 2}}, R"({"x":1,"y":2})");
    travels(std::variant<std::uint8_t, std::int64_t>{std::int64_t{256}}, "256");
    travels(std::variant<Uuid, std::string>{"x"}, R"("x")");
    travels(std::variant<Uuid, std::string>{Uuid{"x"}}, R"("uuid:x")");
    travels(std::variant<int, json>{json{{"a", 1}}}, R"({"a":1})");
    travels(std::variant<Point, std::map<std::string, int>>{std::map<std::string, int>{{"z", 1}}}, R"({"z":1})");
    travels(std::variant<Strict, Point>{Point{1, 2}}, R"({"x":1,"y":2})");  // Strict refuses y
    travels(std::variant<Strict, Point>{Strict{1}}, R"({"x":1})");
    travels(std::vector<std::variant<std::optional<int>, std::string>>{std::optional<int>(), "a"}, R"([null,"a"])");
}

TEST_CASE("the longest durations and the latest times keep their sign, or are refused") {
    for (const std::int64_t count : {std::int64_t{1} << 60, -(std::int64_t{1} << 60)}) {
        const std::chrono::hours hours(count);
        CHECK(test::load<JsonSerializer, std::chrono::hours>(test::dump<JsonSerializer>(hours)) == hours);
        using Days = std::chrono::duration<std::int64_t, std::ratio<86400>>;
        CHECK(test::load<JsonSerializer, Days>(test::dump<JsonSerializer>(Days(count))) == Days(count));
    }
    for (const std::int64_t days :
         {std::int64_t{1} << 33, (std::int64_t{1} << 32) + 19'000, -(std::int64_t{1} << 33)}) {
        const std::chrono::sys_time<std::chrono::duration<std::int64_t, std::ratio<86400>>> time{
            std::chrono::duration<std::int64_t, std::ratio<86400>>(days)};
        CHECK_THROWS_WITH(test::dump<JsonSerializer>(time), "a time that is not in the years 0 to 9999");
    }
}

TEST_CASE("durations travel as seconds, exactly or not at all") {
    travels(0s, "0");
    travels(-3s, "-3");
    travels(1500ms, "1.5");
    travels(2000ms, "2");
    travels(1ns, "1e-09");
    travels(std::chrono::nanoseconds(123'456'789'012'345), "123456.789012345");
    travels(24h, "86400");
    travels(std::chrono::duration<double>(0.1), "0.1");
    CHECK(test::what_of([] { test::dump<JsonSerializer>(std::chrono::nanoseconds(INT64_MAX)); }) ==
          "a duration that a number of seconds does not hold exactly");
    CHECK(test::refusal<JsonSerializer, std::chrono::nanoseconds>("9223372037") ==
          "expected number of seconds that fits its type, got 9223372037");
    CHECK(test::load<JsonSerializer, std::chrono::nanoseconds>("9223372036") == 9223372036s);
    CHECK(test::load<JsonSerializer, std::chrono::seconds>("1.4") == 1s);  // the nearest tick
    CHECK(test::load<JsonSerializer, std::chrono::milliseconds>("0.30000000000000004") == 300ms);
    CHECK(test::load<JsonSerializer, std::chrono::minutes>("119") == 2min);
    CHECK(test::load<JsonSerializer, std::chrono::hours>("-7200") == -2h);
}

TEST_CASE("points of time travel as ISO 8601") {
    const std::chrono::sys_seconds time(1'700'000'000s);
    travels(time, R"("2023-11-14T22:13:20+00:00")");
    travels(std::chrono::sys_time<std::chrono::milliseconds>(time + 5ms), R"("2023-11-14T22:13:20.005+00:00")");
    travels(std::chrono::system_clock::time_point(time + 1ns), R"("2023-11-14T22:13:20.000000001+00:00")");
    CHECK(test::load<JsonSerializer, std::chrono::sys_seconds>(R"("2023-11-15T00:43:20+02:30")") == time);
}

TEST_CASE("a user's converter stands for the type everywhere, and says what is wrong with its place") {
    travels(Uuid{"1"}, R"("uuid:1")");
    travels(Complex{{1, 2}}, R"({"x":1,"y":2})");
    travels(std::vector<Uuid>{{"1"}, {"2"}}, R"(["uuid:1","uuid:2"])");
    CHECK(test::refusal<JsonSerializer, std::vector<Uuid>>(R"(["uuid:1","2"])") == "/1: expected a UUID, got 2");
    CHECK(test::refusal<MsgpackSerializer, std::vector<Uuid>>(test::dump<MsgpackSerializer>(json{1})) ==
          "/0: expected string, got 1");
}

TEST_CASE("types that nlohmann converts and untyped values go inside models") {
    travels(Mixed{{"1"}, {2}, {{3}, {4}}, json{{"a", nullptr}}},
            R"({"id":"uuid:1","legacy":{"value":2},"all":[{"value":3},{"value":4}],"any":{"a":null}})");
    CHECK_THAT((test::refusal<JsonSerializer, Mixed>(R"({"all":[{"value":3},{}]})").value()),
               Catch::Matchers::StartsWith("/all/1: ") && Catch::Matchers::ContainsSubstring("'value'"));
    travels(Legacy{1}, R"({"value":1})");
}

TEST_CASE("what a claim says is not believed: containers grow with what comes") {
    // 2^31 elements of 16 KiB are claimed, and three there.
    const std::string claim("\xdd\x80\0\0\0\x01\x02\x03", 8);
    CHECK((test::refusal<MsgpackSerializer, std::vector<std::array<char, 16384>>>(claim)) ==
          "not MessagePack: 2147483648 elements claimed, and 3 bytes there, at byte 5");
}

}  // namespace model_types_tests

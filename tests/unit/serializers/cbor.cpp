#include "support/catch.hpp"
#include "support/serialized.hpp"

#include <communica/serializers/cbor.hpp>
#include <communica/serializers/json.hpp>
#include <communica/serializers/model.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cbor_tests {

namespace {

using S = communica::CborSerializer;
using nlohmann::json;
using test::from_hex;

template <class T = json>
T load(std::string_view hex) {
    return test::load<S, T>(from_hex(hex));
}
template <class T = json>
std::string refusal(std::string_view hex) {
    return test::refusal<S, T>(from_hex(hex)).value_or("loaded");
}

static_assert(communica::Serializer<S>);

}  // namespace

TEST_CASE("the examples of RFC 8949, appendix A, load") {
    const std::vector<std::pair<const char*, json>> examples{
        {"00", 0},
        {"17", 23},
        {"1818", 24},
        {"1903e8", 1000},
        {"1b000000e8d4a51000", 1000000000000},
        {"1bffffffffffffffff", 18446744073709551615U},
        {"20", -1},
        {"3863", -100},
        {"f90000", 0.0},
        {"f93c00", 1.0},
        {"f93e00", 1.5},
        {"f97bff", 65504.0},
        {"fa47c35000", 100000.0},
        {"f90001", 5.960464477539063e-8},
        {"f90400", 0.00006103515625},
        {"f9c400", -4.0},
        {"fbc010666666666666", -4.1},
        {"f4", false},
        {"f5", true},
        {"f6", nullptr},
        {"f7", nullptr},
        {"c074323031332d30332d32315432303a30343a30305a", "2013-03-21T20:04:00Z"},
        {"d74401020304", json::binary({1, 2, 3, 4})},
        {"40", json::binary({})},
        {"6449455446", "IETF"},
        {"62225c", "\"\\"},
        {"64f0908591", "\xf0\x90\x85\x91"},
        {"83010203", {1, 2, 3}},
        {"8301820203820405", {1, {2, 3}, {4, 5}}},
        {"a26161016162820203", {{"a", 1}, {"b", {2, 3}}}},
        {"5f42010243030405ff", json::binary({1, 2, 3, 4, 5})},
        {"7f657374726561646d696e67ff", "streaming"},
        {"9fff", json::array()},
        {"9f018202039f0405ffff", {1, {2, 3}, {4, 5}}},
        {"83018202039f0405ff", {1, {2, 3}, {4, 5}}},
        {"bf61610161629f0203ffff", {{"a", 1}, {"b", {2, 3}}}},
        {"826161bf61626163ff", {"a", {{"b", "c"}}}},
    };
    for (const auto& [hex, value] : examples) {
        INFO(hex);
        CHECK(load(hex) == value);
    }
    CHECK(std::isinf(load<double>("f97c00")));
    CHECK(std::isnan(load<double>("f97e00")));
    CHECK(std::signbit(load<double>("f98000")));
}

TEST_CASE("CBOR refuses integers beyond 64 bits") {
    CHECK(load("3b7fffffffffffffff") == INT64_MIN);
    for (const char* beyond : {"3bffffffffffffffff", "3b8000000000000000", "c249010000000000000000",
                               "c349010000000000000000", "c348ffffffffffffffff",
                               "c2"
                               "5f"
                               "4901"
                               "0000000000000000"
                               "ff"}) {
        CHECK(refusal(beyond) == "an integer that does not fit 64 bits");
    }
    CHECK(refusal("813bffffffffffffffff") == "/0: an integer that does not fit 64 bits");
}

TEST_CASE("CBOR: undefined is an empty optional") {
    CHECK(load<std::optional<int>>("f7") == std::nullopt);
    CHECK(load<std::vector<std::optional<int>>>("82f705") == std::vector<std::optional<int>>{std::nullopt, 5});
}

TEST_CASE("CBOR: a big integer that fits 64 bits is an integer") {
    CHECK(load<int>("c24105") == 5);
    CHECK(load<int>("c34105") == -6);
    CHECK(load<int>("c240") == 0);
    CHECK(load<std::uint64_t>("c248ffffffffffffffff") == UINT64_MAX);
    CHECK(load<std::uint64_t>("c24a0000ffffffffffffffff") == UINT64_MAX);
    CHECK(load<std::int64_t>("c3487fffffffffffffff") == INT64_MIN);
    CHECK(load<int>("c25f41014100ff") == 256);
    CHECK(load<double>("c24105") == 5.0);
    CHECK(load("82c2410503") == json({5, 3}));
    CHECK(load<std::optional<int>>("c24105") == 5);
    CHECK(refusal<std::uint8_t>("c2420100") == "expected integer in 0..255, got 256");
    CHECK(refusal<std::string>("c24105") == "expected string, got 5");
}

TEST_CASE("CBOR: a tag that makes another value of what follows is refused by name") {
    CHECK(refusal("c48221196ab3") == "a decimal fraction (tag 4), which is not supported");
    CHECK(refusal("c5822003") == "a big float (tag 5), which is not supported");
    CHECK(refusal<std::vector<int>>("d81e820103") == "a rational number (tag 30), which is not supported");
    CHECK(refusal("81d81900") == "/0: a reference to a text (tag 25), which is not supported");
    CHECK(refusal("d81d00") == "a reference to a shared value (tag 29), which is not supported");
    CHECK(refusal("d9dfff8319e00081616101") == "a record of cbor-x (tag 57343), which is not supported");
    CHECK(refusal("d9e000820102") == "a record of cbor-x (tag 57344), which is not supported");
    CHECK(load("d9d9f701") == 1);          // "this is CBOR"
    CHECK(load("d81c8101") == json({1}));  // what may be referred to
}

TEST_CASE("CBOR: the typed arrays of RFC 8746 are arrays of numbers") {
    CHECK(load<std::vector<float>>("d85548"
                                   "0000c03f"
                                   "00000040") == std::vector{1.5F, 2.0F});
    CHECK(load<std::vector<float>>("d85148"
                                   "3fc00000"
                                   "40000000") == std::vector{1.5F, 2.0F});
    CHECK(load<std::vector<double>>("d85648000000000000f83f") == std::vector{1.5});
    CHECK(load<std::vector<double>>("d852483ff8000000000000") == std::vector{1.5});
    CHECK(load<std::vector<double>>("d850423e00") == std::vector{1.5});
    CHECK(load<std::vector<double>>("d85442003e") == std::vector{1.5});
    CHECK(load<std::vector<int>>("d84842ff01") == std::vector{-1, 1});
    CHECK(load<std::vector<int>>("d84d44ffff0200") == std::vector{-1, 2});
    CHECK(load<std::vector<int>>("d84944ffff0002") == std::vector{-1, 2});
    CHECK(load<std::vector<unsigned>>("d84144ffff0002") == std::vector{65535U, 2U});
    CHECK(load<std::vector<std::uint64_t>>("d84748ffffffffffffffff") == std::vector{UINT64_MAX});
    CHECK(load<std::vector<std::int64_t>>("d84b48ffffffffffffffff") == std::vector<std::int64_t>{-1});
    CHECK(load<std::array<int, 2>>("d84e48"
                                   "01000000"
                                   "feffffff") == std::array{1, -2});
    CHECK(load<std::vector<float>>("d85540").empty());
    CHECK(load<std::vector<float>>("d8555f"
                                   "440000c03f"
                                   "4400000040"
                                   "ff") == std::vector{1.5F, 2.0F});
    CHECK(load("a1616182d8454201"
               "00"
               "05") == json{{"a", {{1}, 5}}});
    CHECK(load<std::vector<std::vector<int>>>("82d848410782"
                                              "0102") == std::vector<std::vector<int>>{{7}, {1, 2}});
    // Octets stay bytes.
    CHECK(load<std::vector<std::byte>>("d8404101") == std::vector{std::byte{1}});
    CHECK(load<std::vector<std::uint8_t>>("d8444101") == std::vector<std::uint8_t>{1});

    CHECK(refusal<std::vector<float>>("d85543000000").find("a typed array that ends inside an element") !=
          std::string::npos);
    CHECK(refusal<std::vector<std::uint8_t>>("d84144ffff0002") == "/0: expected integer in 0..255, got 65535");
    CHECK(refusal<std::vector<std::string>>("d8484101") == "/0: expected string, got 1");
    CHECK(refusal<std::array<int, 2>>("d8484101") == "expected array of 2, got 1");
    CHECK(refusal<std::vector<double>>("d85350"
                                       "00000000000000000000000000000000") ==
          "an array of numbers of a type that is not supported (tag 83)");
    CHECK(refusal<std::string>("d8484101") == "expected string, got an array");
}

TEST_CASE("maps with integer keys load into maps of integers, and so do objects whose keys are such in text") {
    using Map = std::map<int, std::string>;
    CHECK(load<Map>("a2016161206162") == Map{{1, "a"}, {-1, "b"}});
    CHECK(load<Map>("bf016161206162ff") == Map{{1, "a"}, {-1, "b"}});
    CHECK(load<Map>("a26131616162"
                    "2d31"
                    "6162") == Map{{1, "a"}, {-1, "b"}});
    CHECK(load<Map>("d90103a1016161") == Map{{1, "a"}});
    CHECK(load<Map>("8182016161") == Map{{1, "a"}});  // as it is written
    CHECK(load<std::optional<Map>>("a1016161") == Map{{1, "a"}});
    CHECK(refusal<Map>("a1613178").find("not CBOR") != std::string::npos);
    CHECK(refusal<Map>("a16261316161") == "expected integer in -2147483648..2147483647 as a key, got \"a1\"");
    CHECK(refusal<std::map<std::uint8_t, int>>("a119010001").starts_with("expected integer in 0..255, got 256"));
    CHECK(test::load<communica::JsonSerializer, Map>(R"({"1": "a", "-1": "b"})") == Map{{1, "a"}, {-1, "b"}});
    CHECK(test::refusal<communica::JsonSerializer, Map>(R"({"1.0": "a"})").value_or("").find("as a key, got") !=
          std::string::npos);
    CHECK(test::dump<communica::JsonSerializer>(Map{{1, "a"}}) == R"([[1,"a"]])");
}

namespace {

struct Known {
    int a = 0;
};
COMMUNICA_MODEL(Known, a)

}  // namespace

TEST_CASE("CBOR: what is read past has to be well-formed, and nothing more") {
    for (const char* unknown :
         {"a10203", "c249010000000000000000", "c48221196ab3", "d81900", "f8ff", "f0", "e0", "f7", "f97e00",
          "bf01820203ff", "9f01ff", "61ff", "7f61c361a9ff", "d84143ffffff", "d9dfff8101"}) {
        INFO(unknown);
        CHECK(load<Known>("a26178" + std::string(unknown) + "616105").a == 5);
    }
    for (const char* broken : {"1c", "ff", "fc", "f810", "5f6161ff", "9b00000000ffffffff", "7f7f6161ffff"}) {
        INFO(broken);
        CHECK(refusal<Known>("a26178" + std::string(broken) + "616105").find("not CBOR") != std::string::npos);
    }
    std::string nested;
    for (int level = 0; level != 200; ++level) {
        nested += "81";
    }
    CHECK(refusal<Known>("a26178" + nested + "00616105").find("nested") != std::string::npos);
}

TEST_CASE("CBOR: a float without a fraction is an integer, and a number with tag 1 a time") {
    CHECK(load<int>("f93c00") == 1);
    CHECK(load<int>("f98000") == 0);  // -0
    CHECK(load<std::int64_t>("fb4340000000000000") == std::int64_t{1} << 53);
    CHECK(refusal<int>("f93e00").starts_with("expected integer in "));

    using Time = std::chrono::sys_time<std::chrono::milliseconds>;
    const Time time(std::chrono::milliseconds(1'363'896'240'500));
    CHECK(load<std::chrono::sys_seconds>("c11a514b67b0") ==
          std::chrono::sys_seconds(std::chrono::seconds(1'363'896'240)));
    CHECK(load<Time>("c1fb41d452d9ec200000") == time);  // RFC 8949, appendix A
    CHECK(load<std::optional<Time>>("c1fb41d452d9ec200000") == time);
    using Nanoseconds = std::chrono::sys_time<std::chrono::nanoseconds>;
    CHECK(load<Nanoseconds>("c1fb41d98e207647df3b") ==  // 1714979289.123, as JavaScript has its milliseconds
          Nanoseconds(std::chrono::milliseconds(1'714'979'289'123)));
    CHECK(load<Nanoseconds>("c1fbc08f400000000000") == Nanoseconds(std::chrono::seconds(-1000)));
    CHECK(load<Nanoseconds>("c1fbbff199999999999a") == Nanoseconds(std::chrono::milliseconds(-1100)));
    CHECK(load<Nanoseconds>("c1fb3e45798ee2308c3a") == Nanoseconds(std::chrono::nanoseconds(10)));
    CHECK(load<Time>("c120") == Time(std::chrono::seconds(-1)));
    CHECK(refusal<Time>("1a514b67b0").ends_with("got 1363896240"));  // a number alone is none
    CHECK(refusal<Time>("c1fb7e37e43c8800759c").find("a time out of range") != std::string::npos);
    CHECK(load<std::int64_t>("c11a514b67b0") == 1'363'896'240);
    CHECK(load<std::vector<std::optional<Time>>>("82f6c100") == std::vector<std::optional<Time>>{std::nullopt, Time()});
}

TEST_CASE("CBOR keeps bytes apart from text") {
    const std::vector<std::byte> bytes{std::byte{0}, std::byte{0xFF}};
    CHECK(test::to_hex(test::dump<S>(bytes)) == "4200ff");
    CHECK(load<std::vector<std::byte>>("4200ff") == bytes);
    CHECK(load<std::vector<std::byte>>("5f410041ffff") == bytes);
    CHECK(refusal<std::string>("4161") == "expected string, got 1 bytes");
    CHECK(refusal<std::vector<std::byte>>("6161") == "expected bytes, got \"a\"");
    CHECK(test::to_hex(test::dump<S>(json::binary({1}, 64))) == "d8404101");
}

TEST_CASE("what is not CBOR is refused") {
    CHECK(refusal("") == "not CBOR: the end instead of a value, at byte 0");
    CHECK(refusal("1c") == "not CBOR: an argument that is reserved, or has no place here, at byte 1");
    CHECK(refusal("1f") == "not CBOR: an argument that is reserved, or has no place here, at byte 1");
    CHECK(refusal("dc00") == "not CBOR: an argument that is reserved, or has no place here, at byte 1");
    CHECK(refusal("ff") == "not CBOR: a simple value that means nothing here, at byte 0");
    CHECK(refusal("f0") == "not CBOR: a simple value that means nothing here, at byte 0");
    CHECK(refusal("f8ff") == "not CBOR: a simple value that means nothing here, at byte 0");
    CHECK(refusal("0101") == "not CBOR: nothing behind the value but 1 bytes more, at byte 1");
    CHECK(refusal("9f01") == "/0: not CBOR: the end instead of a value, at byte 2");
    CHECK(refusal("7f4161ff") == "not CBOR: a part of a string that is no string of definite length, at byte 2");
    CHECK(refusal("7f7f6161ffff") == "not CBOR: a part of a string that is no string of definite length, at byte 2");
    CHECK(refusal("7f61c361a9ff") == "not CBOR: a text that is not UTF-8, at byte 3");
    CHECK(refusal("61ff") == "not CBOR: a text that is not UTF-8, at byte 2");
    CHECK(refusal("a10101") == "expected keys that are strings, got 1");
    CHECK(refusal("bf01ff") == "expected keys that are strings, got 1");
    // The key before it is gone: it did not stand in one piece.
    CHECK(refusal("a27f61616162ff017f616361ffff02") == "not CBOR: a text that is not UTF-8, at byte 13");
    CHECK(refusal("bf6161ff") == "/a: not CBOR: a simple value that means nothing here, at byte 3");
    CHECK(refusal("c0") == "not CBOR: the end instead of a value, at byte 1");
}

TEST_CASE("lengths that CBOR only claims allocate nothing") {
    for (const char* claim : {"9bffffffffffffffff", "bbffffffffffffffff", "7bffffffffffffffff", "5bffffffffffffffff",
                              "9affffffff01", "ba7fffffff", "9a00000002", "5f5bffffffffffffffffff"}) {
        CHECK_THAT(refusal(claim), Catch::Matchers::ContainsSubstring("claimed"));
        CHECK(refusal<std::vector<std::array<char, 4096>>>(claim) != "loaded");
    }
}

}  // namespace cbor_tests

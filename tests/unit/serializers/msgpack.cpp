#include "support/catch.hpp"
#include "support/serialized.hpp"

#include <communica/serializers/model.hpp>
#include <communica/serializers/msgpack.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <variant>

namespace msgpack_tests {

namespace {

using S = communica::MsgpackSerializer;
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

TEST_CASE("MessagePack loads a value in any of its forms") {
    for (const char* one : {"01", "cc01", "cd0001", "ce00000001", "cf0000000000000001", "d001", "d10001", "d200000001",
                            "d30000000000000001"}) {
        CHECK(load(one) == 1);
        CHECK(load<std::uint8_t>(one) == 1);
    }
    for (const char* text : {"a161", "d90161", "da000161", "db0000000161"}) {
        CHECK(load<std::string>(text) == "a");
    }
    for (const char* array : {"9101", "dc000101", "dd0000000101"}) {
        CHECK(load<std::vector<int>>(array) == std::vector{1});
    }
    for (const char* map : {"81a16101", "de0001a16101", "df00000001a16101"}) {
        CHECK(load(map) == json{{"a", 1}});
    }
    CHECK(load<double>("ca3fc00000") == 1.5);
    CHECK(load<int>("d0ff") == -1);
    CHECK(load("d3ffffffffffffffff") == -1);
}

TEST_CASE("MessagePack: a float without a fraction, up to 2^53, is an integer") {
    CHECK(load<std::int64_t>("cb4278f4e0fb9c8000") == 1'715'001'604'552);
    CHECK(load<std::int64_t>("cbc278f4e0fb9c8000") == -1'715'001'604'552);
    CHECK(load<std::uint8_t>("ca437f0000") == 255);
    CHECK(load<int>("cb8000000000000000") == 0);  // -0
    CHECK(load<std::int64_t>("cb4340000000000000") == std::int64_t{1} << 53);
    for (const char* no : {"cb3ff8000000000000", "cb4340000000000001", "cb7ff0000000000000", "cb7ff8000000000000"}) {
        CHECK(refusal<std::int64_t>(no).starts_with("expected integer in "));
    }
    CHECK(refusal<std::uint8_t>("ca43800000") == "expected integer in 0..255, got 256");
    CHECK(refusal<unsigned>("cbbff0000000000000").starts_with("expected integer in "));
    CHECK(load("cb3ff0000000000000").is_number_float());
    using Either = std::variant<std::int64_t, std::string>;
    CHECK(load<Either>("cb3ff0000000000000") == Either(std::int64_t{1}));
    using Both = std::variant<std::int64_t, double>;
    CHECK(load<Both>("cb3ff0000000000000") == Both(1.0));
}

TEST_CASE("MessagePack: a timestamp in its three sizes is a time") {
    using Time = std::chrono::sys_time<std::chrono::nanoseconds>;
    const auto at = [](std::int64_t seconds, std::int64_t nanoseconds) {
        return Time(std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds));
    };
    CHECK(load<Time>("d6ff66388000") == at(1'714'978'816, 0));
    CHECK(load<Time>("d7ff1d6f345466388000") == at(1'714'978'816, 123'456'789));
    CHECK(load<Time>("c70cff075bcd15ffffffffffffffff") == at(-1, 123'456'789));
    CHECK(load<std::optional<Time>>("d6ff66388000") == at(1'714'978'816, 0));
    CHECK(load<std::chrono::sys_seconds>("d6ff66388000") ==
          std::chrono::sys_seconds(std::chrono::seconds(1'714'978'816)));
    CHECK(
        refusal<std::chrono::sys_seconds>("d7ff1d6f345466388000").ends_with("got a time that the type does not hold"));
    CHECK(refusal<Time>("c70cff075bcd157fffffffffffffff").ends_with("got a time that the type does not hold"));
    CHECK(refusal<Time>("d7ffffffffff66388000").find("more nanoseconds than a second has") != std::string::npos);
    CHECK(refusal<Time>("d60166388000").ends_with("got an extension of type 1"));
    CHECK(refusal<Time>("01").ends_with("got 1"));
}

TEST_CASE("MessagePack keeps bytes apart from text") {
    const std::vector<std::byte> bytes{std::byte{0}, std::byte{0xFF}};
    CHECK(test::to_hex(test::dump<S>(bytes)) == "c40200ff");
    CHECK(load<std::vector<std::byte>>("c40200ff") == bytes);
    CHECK(load<std::vector<std::byte>>("c5000200ff") == bytes);
    CHECK(load<std::array<std::byte, 2>>("c40200ff") == std::array{std::byte{0}, std::byte{0xFF}});
    CHECK(load("c40200ff") == json::binary({0, 0xFF}));
    CHECK(refusal<std::string>("c40161") == "expected string, got 1 bytes");
    CHECK(refusal<std::vector<std::byte>>("a161") == "expected bytes, got \"a\"");
    CHECK(refusal<std::array<std::byte, 2>>("c40161") == "expected 2 bytes, got 1 bytes");
}

TEST_CASE("MessagePack extension types come back as they were") {
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 2, 3, 4, 8, 16, 17, 255, 256, 70000}) {
        const json value = json::binary(std::vector<std::uint8_t>(size, 7), 200);
        CHECK(test::load<S, json>(test::dump<S>(value)) == value);
    }
    CHECK(test::to_hex(test::dump<S>(json::binary({7}, 255))) == "d4ff07");  // Python's ExtType(-1, b"\x07")
    CHECK(refusal<std::string>("d4ff07") == "expected string, got an extension of type -1");
    CHECK_THROWS_AS(test::dump<S>(json::binary({7}, 256)), communica::SerializerError);
}

namespace {

struct Part {
    int a = 0;
};
COMMUNICA_MODEL(Part, a)

template <class T>
void check_type_is_named(const std::string& value) {
    const std::string named = "got an extension of type 5";
    CHECK(refusal<T>(value).ends_with(named));
    CHECK(refusal<std::vector<T>>("91" + value).ends_with(named));
    CHECK(refusal<std::map<std::string, T>>("81a161" + value).ends_with(named));
}
template <class... T>
void check_types_are_named(const std::string& value) {
    (check_type_is_named<T>(value), ...);
}

}  // namespace

TEST_CASE("MessagePack: the refusal of an extension names its type, wherever it is") {
    check_types_are_named<int, std::uint64_t, double, bool, std::string, std::vector<int>, std::vector<std::byte>,
                          std::array<std::byte, 2>, std::tuple<int, int>, std::optional<int>,
                          std::map<std::string, int>, std::map<int, int>, std::variant<int, std::string>,
                          std::chrono::sys_seconds, std::chrono::seconds, Part>("d40507");
    for (const char* key : {"d40507", "d60566388000", "c70305000102"}) {
        CHECK(refusal<std::map<std::string, int>>("81" + std::string(key) + "01").ends_with("of type 5"));
        CHECK(refusal<std::map<int, int>>("81" + std::string(key) + "01").ends_with("of type 5"));
        CHECK(refusal<Part>("81" + std::string(key) + "01").ends_with("of type 5"));
        CHECK(refusal("81" + std::string(key) + "01").ends_with("of type 5"));
    }
    CHECK(refusal<Part>("81a161d40507") ==
          "/a: expected integer in -2147483648..2147483647, got an extension of type 5");
    // A record of msgpackr: the extension, then the names and the values of the fields.
    CHECK(refusal("d4724091a16101") ==
          "not MessagePack: nothing behind an extension of type 114 but 4 bytes more, at byte 3");
}

TEST_CASE("MessagePack: octets also come as bytes, and maps with integer keys as they are") {
    CHECK(load<std::vector<std::uint8_t>>("c40200ff") == std::vector<std::uint8_t>{0, 255});
    CHECK(load<std::vector<std::uint8_t>>("9200ccff") == std::vector<std::uint8_t>{0, 255});
    CHECK(refusal<std::vector<int>>("c40200ff") == "expected array, got 2 bytes");
    using Map = std::map<int, std::string>;
    CHECK(load<Map>("8201a161ffa162") == Map{{1, "a"}, {-1, "b"}});
    CHECK(load<Map>("82a131a161a22d31a162") == Map{{1, "a"}, {-1, "b"}});
    CHECK(load<Map>("919201a161") == Map{{1, "a"}});
    CHECK(refusal<Map>("81a161a161").find("as a key, got \"a\"") != std::string::npos);
    CHECK(refusal<std::map<std::string, int>>("810102").find("expected keys that are strings, got 1") !=
          std::string::npos);
}

TEST_CASE("MessagePack: JavaScript's undefined is an empty optional") {
    CHECK(load<std::optional<int>>("d40000") == std::nullopt);
    CHECK(load<std::vector<std::optional<int>>>("92d4000005") == std::vector<std::optional<int>>{std::nullopt, 5});
    CHECK(refusal<std::optional<int>>("d40001") ==
          "expected integer in -2147483648..2147483647 or null, got an extension of type 0");
    CHECK(refusal<std::optional<int>>("d400").find("not MessagePack") != std::string::npos);
}

namespace {

struct Known {
    int a = 0;
};
COMMUNICA_MODEL(Known, a)

}  // namespace

TEST_CASE("MessagePack: what is read past has to be well-formed, and nothing more") {
    for (const char* unknown :
         {"810203", "81c0c0", "d40001", "c70305010203", "a1ff", "8192010203", "c40101", "d9026161"}) {
        INFO(unknown);
        CHECK(load<Known>("82a178" + std::string(unknown) + "a16105").a == 5);
    }
    for (const char* broken : {"c1", "ddffffffff", "dfffffffff", "c6ffffffff", "c9ffffffff00"}) {
        INFO(broken);
        CHECK(refusal<Known>("82a178" + std::string(broken) + "a16105").find("not MessagePack") != std::string::npos);
    }
}

TEST_CASE("a float is written in its own width") {
    CHECK(test::to_hex(test::dump<S>(1.5F)) == "ca3fc00000");
    CHECK(test::to_hex(test::dump<S>(1.5)) == "cb3ff8000000000000");
    CHECK(std::isnan(test::load<S, double>(test::dump<S>(std::nan("")))));
    CHECK(std::isinf(test::load<S, float>(test::dump<S>(HUGE_VALF))));
}

TEST_CASE("what is not MessagePack is refused") {
    CHECK(refusal("") == "not MessagePack: the end instead of a value, at byte 0");
    CHECK(refusal("c1") == "not MessagePack: the byte 0xc1, at byte 0");
    CHECK(refusal("0101") == "not MessagePack: nothing behind the value but 1 bytes more, at byte 1");
    CHECK(refusal("cd01") == "not MessagePack: 2 bytes claimed, and 1 there, at byte 1");
    CHECK(refusal("a261") == "not MessagePack: 2 bytes claimed, and 1 there, at byte 1");
    CHECK(refusal("a1ff") == "not MessagePack: a text that is not UTF-8, at byte 2");
    CHECK(refusal("81a1ff01") == "not MessagePack: a text that is not UTF-8, at byte 3");
    CHECK(refusal("810101") == "expected keys that are strings, got 1");
    CHECK(refusal("8181a1610101") == "expected keys that are strings, got an object");
    CHECK(refusal("9101c0") == "not MessagePack: nothing behind the value but 1 bytes more, at byte 2");
    CHECK(refusal("92a161c1") == "/1: not MessagePack: the byte 0xc1, at byte 3");
    CHECK_THROWS_AS(test::dump<S>("\xff"), communica::SerializerError);
    CHECK_THROWS_AS(test::dump<S>(json{{"\xff", 1}}), communica::SerializerError);
}

TEST_CASE("lengths that MessagePack only claims allocate nothing") {
    for (const char* claim : {"ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff01", "dcffff",
                              "deffff", "ddffffffff0101010101"}) {
        CHECK_THAT(refusal(claim), Catch::Matchers::ContainsSubstring("claimed"));
        CHECK(refusal<std::vector<std::array<char, 4096>>>(claim) != "loaded");
    }
}

}  // namespace msgpack_tests

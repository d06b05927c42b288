#include "support/catch.hpp"
#include "support/errors.hpp"

#include <communica/wire/metadata_reader.hpp>

#include <optional>
#include <string>
#include <vector>

namespace metadata_reader_tests {

namespace wire = communica::wire;

namespace {

using communica::errc;

/// Metadata that borrows nothing.
struct Owned {
    int type = 0;
    std::string id;
    std::optional<std::string> route;
    bool operator==(const Owned&) const = default;
};

Owned read(std::string_view text) {
    wire::MetadataReader reader;
    const auto metadata = reader.read(text);
    return {static_cast<int>(metadata.type), std::string(metadata.id),
            metadata.route ? std::optional<std::string>(*metadata.route) : std::nullopt};
}

bool is_scanned(std::string_view text) {
    wire::Metadata metadata;
    return wire::detail::MetadataScanner(text).scan(metadata);
}

bool is_refused(std::string_view text) {
    return test::code_of([&] { return read(text); }) == errc::protocol_error;
}

}  // namespace

TEST_CASE("metadata as it is normally written is read by scanning alone") {
    for (const auto& [text, expected] :
         {std::pair{R"({"id": "00ff", "type": 1})", Owned{1, "00ff", {}}},
          std::pair{R"({"id": "00ff", "type": 1, "route": "sum"})", Owned{1, "00ff", "sum"}},
          std::pair{R"({"id": "", "type": 2})", Owned{2, "", {}}}, std::pair{R"({"type":11})", Owned{11, "", {}}},
          std::pair{R"({"route":"r","type":9999,"id":"x"})", Owned{9999, "x", "r"}},
          std::pair{"\t{ \"id\" :\n\"x\" , \"type\"\r: 0 } ", Owned{0, "x", {}}},
          std::pair{R"({"id": "x", "type": 1, "route": ""})", Owned{1, "x", ""}}}) {
        CHECK(is_scanned(text));
        CHECK(read(text) == expected);
    }
}

TEST_CASE("any other JSON object with a numeric type is read by the parser") {
    for (const auto& [text, expected] :
         {std::pair{R"({"zz": [1,{"a":null}], "type": 1, "trace": "t", "id": 7})", Owned{1, "", {}}},
          std::pair{R"({"type": 1.0, "id": "x"})", Owned{1, "x", {}}},
          std::pair{R"({"type": true, "id": "x"})", Owned{1, "x", {}}},
          std::pair{R"({"type": false, "id": "x"})", Owned{0, "x", {}}},
          std::pair{R"({"type": -3, "id": "x"})", Owned{-3, "x", {}}},
          std::pair{R"({"type": 1e1, "id": "x"})", Owned{10, "x", {}}},
          std::pair{R"({"type": 12345, "id": "x"})", Owned{12345, "x", {}}},
          std::pair{R"({"type": 1, "id": null, "route": null})", Owned{1, "", {}}},
          std::pair{R"({"type": 1, "id": ["x"], "route": {"route": "r"}})", Owned{1, "", {}}},
          std::pair{R"({"type": 1, "id": "\u0041\n", "route": "caf\u00e9"})", Owned{1, "A\n", "caf\xc3\xa9"}},
          std::pair{"{\"type\": 1, \"id\": \"x\", \"route\": \"caf\xc3\xa9\"}", Owned{1, "x", "caf\xc3\xa9"}},
          std::pair{R"({"\u0074ype": 1, "i\u0064": "x"})", Owned{1, "x", {}}},
          std::pair{R"({"type": 1, "deep": {"type": 2, "id": "no", "route": "no"}, "id": "x"})", Owned{1, "x", {}}},
          std::pair{"\xef\xbb\xbf{\"type\": 1, \"id\": \"x\"}", Owned{1, "x", {}}}}) {
        CHECK_FALSE(is_scanned(text));
        CHECK(read(text) == expected);
    }
}

TEST_CASE("the usual form is read as any other is, also with a byte of it changed") {
    const auto all_of = [](std::string_view text) -> std::optional<std::vector<std::string>> {
        try {
            wire::MetadataReader reader;
            const auto m = reader.read(text);
            return std::vector{
                std::to_string(static_cast<int>(m.type)),
                std::string(m.id),
                std::string(m.route.value_or("none")),
                std::to_string(m.timeout.value_or(std::chrono::milliseconds{-1}).count()),
                std::string(m.headers),
                nlohmann::json::parse(std::string(m.before_type) + "1" + std::string(m.after_type)).dump()};
        } catch (const std::system_error&) {
            return std::nullopt;
        }
    };
    for (const std::string usual :
         {R"({"id": "00112233445566778899aabbccddeeff", "type": 1})", R"({"id": "00ff", "type": 41})",
          R"({"id": "00112233445566778899aabbccddeeff", "type": 11, "route": "sum", "timeout": 5})"}) {
        for (std::size_t place = 1; place != usual.size(); ++place) {
            for (const char byte : std::string_view("\"\\{}[]:, 019aety\x1f\x7f\x80\xff")) {
                std::string changed = usual;
                changed[place] = byte;
                INFO(changed);
                CHECK(all_of(changed) == all_of("{ " + changed.substr(1)));
            }
            CHECK(all_of(usual.substr(0, place)) == std::nullopt);
        }
    }
}

TEST_CASE("of equal keys the last one counts") {
    CHECK(read(R"({"id": "a", "type": 1, "id": "b"})") == Owned{1, "b", {}});
    CHECK(read(R"({"id": "a", "type": 1, "type": 2})") == Owned{2, "a", {}});
    CHECK(read(R"({"type": "text", "type": 2})") == Owned{2, "", {}});
    CHECK(read(R"({"type": 1, "route": "a", "route": "b"})") == Owned{1, "", "b"});
    CHECK(read(R"({"type": 1, "route": "a", "route": null})") == Owned{1, "", {}});
    CHECK(read(R"({"type": 1, "id": "a", "id": 7})") == Owned{1, "", {}});
    CHECK(is_refused(R"({"type": 1, "type": "text"})"));
    CHECK(is_refused(R"({"type": 1, "type": {}})"));
}

TEST_CASE("a type that is a fraction or beyond all types is an unlisted one, on its own side of the answers") {
    CHECK(read(R"({"type": 1.5})").type != 1);
    CHECK(read(R"({"type": 10.9})").type < 11);
    CHECK(read(R"({"type": 11.5})").type > 11);
    CHECK(read(R"({"type": 123456789012345678901234567890})").type > 11);
    CHECK(read(R"({"type": 18446744073709551615})").type > 11);
    CHECK(read(R"({"type": -1e300})").type < 1);
    CHECK(read(R"({"type": -1e300, "type": 1})").type == 1);
}

TEST_CASE("what is not metadata is a protocol error") {
    for (const char* text : {"",
                             " ",
                             "{",
                             "{}",
                             "[]",
                             "1",
                             "null",
                             "\"type\"",
                             R"({"id": "x"})",
                             R"({"type": "1"})",
                             R"({"type": null})",
                             R"({"type": []})",
                             R"({"type": 1)",
                             R"({"type": 1}})",
                             R"({"type": 1} x)",
                             R"({"type": 1,})",
                             R"({"type": 01})",
                             R"({"type": 1 "id": "x"})",
                             R"({type: 1})",
                             R"({'type': 1})",
                             R"({"type": +1})",
                             R"({"type": .5})",
                             R"({"type": NaN})",
                             R"({"type": 1, "x": NaN})",
                             R"({"type": 1, "id": "\ud800"})",
                             R"({"type": 1, "id": "\x"})",
                             R"([{"type": 1}])",
                             R"({"a": {"type": 1}})",
                             "{\"type\": 1, \"id\": \"\xff\"}",
                             "{\"type\": 1, \"id\": \"\n\"}",
                             "{\"type\": 1}{\"type\": 1}",
                             "\xff\xfe{",
                             "\xfe\xff"}) {
        INFO(text);
        CHECK(is_refused(text));
    }
}

TEST_CASE("a zero byte does not hide what follows it") {
    using namespace std::string_view_literals;
    CHECK(is_refused("{\"type\": 1}\0"sv));
    CHECK(is_refused("{\"type\": 1}\0garbage"sv));
    CHECK(is_refused("{\"type\": 1, \"a\": 1}\0garbage"sv));
    CHECK(is_refused("\0"sv));
}

TEST_CASE("metadata nested 128 levels deep is read, deeper is refused") {
    const auto nested = [](std::size_t depth) {
        return R"({"type": 1, "x": )" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    CHECK(read(nested(127)).type == 1);
    CHECK(is_refused(nested(128)));
}

TEST_CASE("a million levels are refused") {
    CHECK(is_refused(R"({"type": 1, "x": )" + std::string(1'000'000, '[')));
    CHECK(is_refused(std::string(1'000'000, '[') + std::string(1'000'000, ']')));
    std::string objects;
    for (int level = 0; level != 1'000'000; ++level) {
        objects += "{\"type\":";
    }
    CHECK(is_refused(objects));
}

TEST_CASE("one reader serves message after message, whatever was odd before") {
    wire::MetadataReader reader;
    CHECK(reader.read(R"({"type": 1, "id": "\u0041", "route": "\u0042"})").id == "A");
    CHECK(test::code_of([&] { return reader.read("{").type; }) == errc::protocol_error);
    const auto plain = reader.read(R"({"type": 2})");
    CHECK(plain.id.empty());
    CHECK_FALSE(plain.route);
    const auto odd = reader.read(R"({"odd": 0, "type": 3})");
    CHECK(odd.id.empty());
    CHECK_FALSE(odd.route);
    CHECK(static_cast<int>(odd.type) == 3);
}

}  // namespace metadata_reader_tests

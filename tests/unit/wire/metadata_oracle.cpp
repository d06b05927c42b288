// The metadata reader against one that builds a JSON tree, on texts mutated at random from a fixed seed.
#include "support/metadata_oracle.hpp"
#include "support/catch.hpp"
#include "support/sanitized.hpp"

#include <communica/wire/metadata_reader.hpp>

#include <algorithm>
#include <array>
#include <random>

namespace metadata_oracle_tests {

namespace wire = communica::wire;

namespace {

using nlohmann::json;

constexpr std::array seeds{
    R"({"id": "00112233445566778899aabbccddeeff", "type": 1})",
    R"({"id": "00112233445566778899aabbccddeeff", "type": 11, "route": "sum"})",
    R"({"id":"","type":2,"route":""})",
    R"({"type": 41})",
    R"({"zz": [1,{"a":null}], "type": 1, "trace": "t", "id": 7})",
    R"({"type": 1.0, "id": "caf\u00e9", "route": "\ud83d\ude00"})",
    R"({"type": true, "id": null, "x": {"type": 2, "id": [[]]}})",
    R"({"type": -12e1, "type": 30, "id": "a", "id": "b", "route": "r", "route": 5})",
    R"({"id": "x", "type": 1, "headers": {"a": "1", "b": "2"}, "timeout": 5000})",
    R"({"id": "x", "type": 1, "timeout": null, "headers": {"a": {}}, "timeout": -1.5, "headers": {"c": "d"}})",
};

constexpr std::array<std::string_view, 51> tokens{
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    " ",
    "\n",
    "\t",
    "\r",
    "0",
    "1",
    "9",
    "-",
    "+",
    ".",
    "e",
    "E",
    "\"id\"",
    "\"type\"",
    "\"route\"",
    "\"x\"",
    "\"timeout\"",
    "\"headers\"",
    "\"timeout\": 12, ",
    "1e5",
    "-0",
    "true",
    "null",
    "false",
    "11",
    "99999",
    "1000001",
    "\\u0041",
    "\\\"",
    "\\n",
    "\\ud800",
    "\xc3\xa9",
    "\xff",
    "\x7f",
    "\x01",
    "\"type\": 2, ",
    "\"id\": \"q\", ",
    ", \"route\": \"s\"",
    "{}",
    "[]",
    "id",
    "type",
    "/",
};

class Mutator {
 public:
    std::string next() {
        std::string text = seeds[random_() % seeds.size()];
        for (auto left = random_() % 4; left != 0; --left) {
            mutate(text);
        }
        return text;
    }

 private:
    std::size_t place_in(const std::string& text) { return random_() % (text.size() + 1); }

    void mutate(std::string& text) {
        const std::size_t at = place_in(text);
        const std::size_t count = std::min(text.size() - at, random_() % 4 + std::size_t{1});
        switch (random_() % 6) {
            case 0: text.insert(at, tokens[random_() % tokens.size()]); break;
            case 1: text.replace(at, count, tokens[random_() % tokens.size()]); break;
            case 2: text.erase(at, count); break;
            case 3: text.insert(place_in(text), text.substr(at, count + random_() % 12)); break;
            case 4: text.insert(at, 1, static_cast<char>(random_() % 256)); break;
            default: insert_between(text); break;
        }
    }

    /// Something that keeps the text JSON more often than not: space or a member, next to a comma or brace.
    void insert_between(std::string& text) {
        const std::size_t at = text.find_first_of(",{}:", place_in(text));
        if (at == text.npos) {
            return;
        }
        static constexpr std::array<std::string_view, 9> members{
            "\"timeout\":null",   "\"timeout\":1e3",    "\"headers\":{\"h\":\"1\"}",
            "\"type\":2.5",       "\"id\":\"\\u0061\"", "\"route\":[1.50]",
            "\"k\":{\"type\":3}", "\"type\":12345",     "\"id\":\"z\""};
        const std::string_view member = members[random_() % members.size()];
        switch (text[at]) {
            case '{': text.insert(at + 1, std::string(member) + ','); break;
            case ',': text.insert(at, ',' + std::string(member)); break;
            default: text.insert(at, " \n"); break;
        }
    }

    std::mt19937 random_{47};  // NOLINT(bugprone-random-generator-seed)
};

struct Counts {
    int scanned = 0;
    int parsed = 0;
    int refused = 0;
};

void compare(const std::string& text, wire::MetadataReader& reader, Counts& counts) {
    INFO(text);
    const auto expected = test::ExpectedMetadata::of(text);
    wire::Metadata metadata;
    try {
        metadata = reader.read(text);
    } catch (const std::system_error& e) {
        REQUIRE(e.code() == communica::errc::protocol_error);
        REQUIRE_FALSE(expected);
        ++counts.refused;
        return;
    }
    REQUIRE(expected);
    wire::Metadata scanned;
    ++(wire::detail::MetadataScanner(text).scan(scanned) ? counts.scanned : counts.parsed);

    REQUIRE(static_cast<int>(metadata.type) == expected->type);
    REQUIRE(metadata.id == expected->id);
    REQUIRE(metadata.route == expected->route);
    REQUIRE(metadata.timeout == expected->timeout);
    REQUIRE(metadata.headers.empty() == !expected->headers.has_value());
    REQUIRE((metadata.headers.empty() || json::parse(metadata.headers) == *expected->headers));

    communica::Buffer answer;
    wire::write_answer_metadata(answer, wire::MessageType::responder_error, metadata.before_type, metadata.after_type);
    json echoed = expected->tree;
    echoed["type"] = 51;
    REQUIRE(json::parse(answer.text()) == echoed);
}

}  // namespace

TEST_CASE("the metadata reader accepts what a JSON tree accepts, with the same values, in 40,000 mutated texts") {
    Mutator mutator;
    wire::MetadataReader reader;
    Counts counts;
    for (int round = 0; round < 40'000; round += test::shown_every) {
        compare(mutator.next(), reader, counts);
    }
    // The mutations reach all three ways often enough to mean something.
    CHECK(counts.scanned > 4'000 / test::shown_every);
    CHECK(counts.parsed > 4'000 / test::shown_every);
    CHECK(counts.refused > 4'000 / test::shown_every);
}

TEST_CASE("every prefix of metadata is refused, and so is every prefix with an end") {
    wire::MetadataReader reader;
    Counts counts;
    for (const std::string text : seeds) {
        for (std::size_t size = 0; size <= text.size(); ++size) {
            compare(text.substr(0, size), reader, counts);
            compare(text.substr(0, size) + "}", reader, counts);
        }
    }
    CHECK(counts.scanned + counts.parsed >= static_cast<int>(seeds.size()));
}

}  // namespace metadata_oracle_tests

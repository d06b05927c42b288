// The keys that this library adds to metadata: how long a request has, and the texts that go with it.
#include "support/catch.hpp"

#include <communica/wire/metadata_reader.hpp>

namespace metadata_reader_extensions_tests {

namespace wire = communica::wire;

namespace {

using namespace std::chrono_literals;
using Timeout = std::optional<std::chrono::milliseconds>;

constexpr Timeout standard = 30s;
constexpr Timeout none;

/// A member of metadata, put where only the scanner or only the parser reads it.
std::string scanned(std::string_view member) { return R"({"id": "x", "type": 1, )" + std::string(member) + "}"; }
std::string parsed(std::string_view member) {
    return R"({"odd": 0, "id": "x", "type": 1, )" + std::string(member) + "}";
}

bool is_scanned(std::string_view text) {
    wire::Metadata metadata;
    return wire::detail::MetadataScanner(text).scan(metadata);
}

Timeout timeout_in(const std::string& text) {
    wire::MetadataReader reader;
    return reader.read(text).timeout;
}

std::string headers_in(const std::string& text) {
    wire::MetadataReader reader;
    return std::string(reader.read(text).headers);
}

}  // namespace

TEST_CASE("metadata that says no timeout has the standard one") {
    for (const char* text : {R"({"type": 1})", R"({"type": 1, "odd": 0})", R"({"type": 1, "deep": {"timeout": 5}})"}) {
        CHECK(timeout_in(text) == standard);
    }
}

TEST_CASE("a timeout is a number of milliseconds, or null for none, scanned as parsed") {
    for (const auto& [member, expected] :
         {std::pair{R"("timeout": 0)", Timeout(0ms)}, std::pair{R"("timeout": 1)", Timeout(1ms)},
          std::pair{R"("timeout":29999)", Timeout(29'999ms)}, std::pair{R"("timeout": 30000)", standard},
          std::pair{R"("timeout": 999999999999)", Timeout(999'999'999'999ms)}, std::pair{R"("timeout": null)", none},
          std::pair{R"("timeout" : 7 )", Timeout(7ms)}}) {
        INFO(member);
        CHECK(is_scanned(scanned(member)));
        CHECK_FALSE(is_scanned(parsed(member)));
        CHECK(timeout_in(scanned(member)) == expected);
        CHECK(timeout_in(parsed(member)) == expected);
    }
}

TEST_CASE("an odd timeout is rounded down, and kept between nothing and what a clock can hold") {
    constexpr Timeout most = 1'000'000'000'000ms;
    for (const auto& [member, expected] :
         {std::pair{R"("timeout": 1.9)", Timeout(1ms)}, std::pair{R"("timeout": 1e3)", Timeout(1s)},
          std::pair{R"("timeout": -1)", Timeout(0ms)}, std::pair{R"("timeout": -1e300)", Timeout(0ms)},
          std::pair{R"("timeout": -0)", Timeout(0ms)}, std::pair{R"("timeout": 1000000000000)", most},
          std::pair{R"("timeout": 1234567890123)", most}, std::pair{R"("timeout": 18446744073709551615)", most},
          std::pair{R"("timeout": 123456789012345678901234567890)", most}, std::pair{R"("timeout": 1e300)", most}}) {
        INFO(member);
        CHECK(timeout_in(scanned(member)) == expected);
        CHECK(timeout_in(parsed(member)) == expected);
    }
    CHECK(std::chrono::steady_clock::time_point() + *most > std::chrono::steady_clock::time_point());
}

TEST_CASE("a timeout of another type counts as none said") {
    for (const char* member : {R"("timeout": "5")", R"("timeout": true)", R"("timeout": [5])", R"("timeout": {})",
                               R"("timeout": {"timeout": 5})", R"("timeout": [null])"}) {
        INFO(member);
        CHECK(timeout_in(scanned(member)) == standard);
    }
}

TEST_CASE("of two timeouts the last one counts, whatever it is") {
    CHECK(timeout_in(scanned(R"("timeout": 5, "timeout": 6)")) == 6ms);
    CHECK(timeout_in(scanned(R"("timeout": null, "timeout": 6)")) == 6ms);
    CHECK(timeout_in(scanned(R"("timeout": 5, "timeout": null)")) == none);
    CHECK(timeout_in(scanned(R"("timeout": 5, "timeout": "text")")) == standard);
    CHECK(timeout_in(scanned(R"("timeout": null, "timeout": [])")) == standard);
}

TEST_CASE("a timeout that is not JSON makes it no metadata") {
    for (const char* member : {R"("timeout": 05)", R"("timeout": +5)", R"("timeout": nul)", R"("timeout": nullx)",
                               R"("timeout": )", R"("timeout": 5x)", R"("timeout": NaN)"}) {
        INFO(member);
        CHECK_THROWS_AS(timeout_in(scanned(member)), std::system_error);
    }
}

TEST_CASE("headers are an object of texts, scanned as parsed") {
    for (const auto& [member, expected] : {std::pair{R"("headers": {"a": "1"})", R"({"a": "1"})"},
                                           std::pair{R"("headers": {"a": "1", "b": "2"})", R"({"a": "1", "b": "2"})"},
                                           std::pair{R"("headers": {"": ""})", R"({"": ""})"}}) {
        INFO(member);
        CHECK(is_scanned(scanned(member)));
        CHECK(headers_in(scanned(member)) == expected);
        CHECK(headers_in(parsed(member)) == expected);
    }
    CHECK(nlohmann::json::parse(headers_in(scanned(R"("headers":{"a":"1" ,"b" : "2"})"))) ==
          nlohmann::json::parse(headers_in(parsed(R"("headers":{"a":"1" ,"b" : "2"})"))));
}

TEST_CASE("headers of any text are read") {
    CHECK(headers_in(scanned(R"("headers": {})")) == "{}");
    CHECK(headers_in(scanned(R"("headers": {"caf\u00e9": "\n\"\\"})")) == "{\"caf\xc3\xa9\": \"\\n\\\"\\\\\"}");
    CHECK(headers_in(R"({"headers": {"type": "2", "headers": "h", "id": "no"}, "type": 1, "odd": 0})") ==
          R"({"type": "2", "headers": "h", "id": "no"})");
}

TEST_CASE("headers that are not an object of texts alone are ignored") {
    for (const char* member :
         {R"("headers": {"a": 1})", R"("headers": {"a": null})", R"("headers": {"a": true})",
          R"("headers": {"a": "1", "b": {"c": "d"}})", R"("headers": {"a": ["1"]})", R"("headers": {"a": {}})",
          R"("headers": "a")", R"("headers": ["a"])", R"("headers": [{"a": "1"}])", R"("headers": 5)",
          R"("headers": null)", R"("headers": {"a": 1, "b": "2"})", R"("headers": {"a": 1.5})"}) {
        INFO(member);
        CHECK(headers_in(scanned(member)).empty());
    }
    CHECK(headers_in(R"({"type": 1, "deep": {"headers": {"a": "1"}}})").empty());
}

TEST_CASE("of two headers the last ones count, whatever they are") {
    CHECK(headers_in(scanned(R"("headers": {"a": "1"}, "headers": {"b": "2"})")) == R"({"b": "2"})");
    CHECK(headers_in(scanned(R"("headers": {"a": 1}, "headers": {"b": "2"})")) == R"({"b": "2"})");
    CHECK(headers_in(scanned(R"("headers": {"a": "1"}, "headers": null)")).empty());
    CHECK(headers_in(scanned(R"("headers": {"a": "1"}, "headers": {"b": 2})")).empty());
    CHECK(headers_in(scanned(R"("headers": {}, "headers": {"b": "2"})")) == R"({"b": "2"})");
}

TEST_CASE("what stands behind good headers does not spoil them") {
    CHECK(headers_in(scanned(R"("headers": {"a": "1"}, "deep": {"b": [1, {"c": 2}]})")) == R"({"a": "1"})");
    CHECK(headers_in(R"({"headers": {"a": "1"}, "type": 2, "type": 1})") == R"({"a": "1"})");
    CHECK(headers_in(R"({"type": 2, "headers": {"a": "1"}, "type": 1})") == R"({"a": "1"})");
}

TEST_CASE("an answer gives timeout and headers back as they came") {
    wire::MetadataReader reader;
    for (const std::string text : {R"({"id": "x", "type": 1, "headers": {"a": "1"}, "timeout": 5})",
                                   R"({"id": "x", "type": 1, "headers": {"a": 1}, "timeout": [5.50]})"}) {
        const auto metadata = reader.read(text);
        communica::Buffer answer;
        wire::write_answer_metadata(answer, wire::MessageType::ok, metadata.before_type, metadata.after_type);
        std::string expected = text;
        expected.replace(expected.find("\"type\": 1") + 8, 1, "11");
        CHECK(answer.text() == expected);
    }
}

TEST_CASE("timeout and headers of one message do not stay for the next") {
    wire::MetadataReader reader;
    const auto odd = reader.read(parsed(R"("timeout": 5, "headers": {"a": "1"})"));
    CHECK(odd.timeout == 5ms);
    CHECK(odd.headers == R"({"a": "1"})");
    for (const char* text : {R"({"type": 1})", R"({"type": 1, "odd": 0})"}) {
        const auto plain = reader.read(text);
        CHECK(plain.timeout == standard);
        CHECK(plain.headers.empty());
    }
}

}  // namespace metadata_reader_extensions_tests

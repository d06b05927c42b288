#include "support/catch.hpp"
#include "support/golden.hpp"

#include <communica/wire/metadata_reader.hpp>

namespace metadata_tests {

namespace wire = communica::wire;

namespace {

using namespace std::chrono_literals;
using wire::MessageType;

std::string written(const wire::MetadataFields& fields) {
    communica::Buffer out;
    wire::write_metadata(out, fields);
    return std::string(out.text());
}

bool is_scanned(std::string_view text) {
    wire::Metadata metadata;
    return wire::detail::MetadataScanner(text).scan(metadata);
}

}  // namespace

TEST_CASE("types say who asks, who answers and who waits") {
    const auto of = [](int type) { return wire::Metadata{.type = static_cast<MessageType>(type)}; };
    CHECK(of(1).wants_answer());
    CHECK_FALSE(of(1).is_answer());
    for (const int type : {2, 3, 4, 10}) {
        CHECK_FALSE(of(type).wants_answer());
        CHECK_FALSE(of(type).is_answer());
    }
    CHECK(of(11).is_answer());
    CHECK(of(77).is_answer());
}

TEST_CASE("the metadata of requests and notifications is written in the canonical form") {
    CHECK(written({.id = "00ff"}) == R"({"id": "00ff", "type": 1})");
    CHECK(written({.type = MessageType::notification}) == R"({"id": "", "type": 2})");
    CHECK(written({.type = MessageType::cancel, .id = "00ff"}) == R"({"id": "00ff", "type": 3})");
    CHECK(written({.type = MessageType::goodbye}) == R"({"id": "", "type": 4})");
    CHECK(written({.id = "00ff", .quoted_route = "\"sum\""}) == R"({"id": "00ff", "type": 1, "route": "sum"})");
    CHECK(written({.id = "a", .quoted_route = "\"\""}) == R"({"id": "a", "type": 1, "route": ""})");
}

TEST_CASE("a timeout is written unless it is the standard one, and none as null") {
    CHECK(written({.id = "a", .timeout = 30s}) == R"({"id": "a", "type": 1})");
    CHECK(written({.id = "a", .timeout = 0ms}) == R"({"id": "a", "type": 1, "timeout": 0})");
    CHECK(written({.id = "a", .timeout = 29'999ms}) == R"({"id": "a", "type": 1, "timeout": 29999})");
    CHECK(written({.id = "a", .timeout = {}}) == R"({"id": "a", "type": 1, "timeout": null})");
}

TEST_CASE("headers are written as they are, behind the route and before the timeout") {
    CHECK(written({.id = "a", .quoted_route = "\"r\"", .headers = R"({"k": "v"})", .timeout = 5ms}) ==
          R"({"id": "a", "type": 1, "route": "r", "headers": {"k": "v"}, "timeout": 5})");
    CHECK(written({.id = "a", .headers = "{}"}) == R"({"id": "a", "type": 1, "headers": {}})");
}

TEST_CASE("what is written is read back, by scanning alone") {
    wire::MetadataReader reader;
    for (const auto type :
         {MessageType::request, MessageType::notification, MessageType::cancel, MessageType::goodbye}) {
        for (const std::string_view route : {"", "\"sum\""}) {
            for (const std::string_view headers : {"", R"({"trace": "00ff", "user": "me"})"}) {
                for (const std::optional<std::chrono::milliseconds> timeout :
                     {std::optional<std::chrono::milliseconds>(30s), std::optional<std::chrono::milliseconds>(0ms),
                      std::optional<std::chrono::milliseconds>(999'999'999'999ms),
                      std::optional<std::chrono::milliseconds>()}) {
                    const std::string text = written({type, "00ff", route, headers, timeout});
                    INFO(text);
                    CHECK(is_scanned(text));
                    const auto metadata = reader.read(text);
                    CHECK(metadata.type == type);
                    CHECK(metadata.id == "00ff");
                    CHECK(metadata.route.has_value() == !route.empty());
                    CHECK(metadata.route.value_or("sum") == "sum");
                    CHECK(metadata.headers == headers);
                    CHECK(metadata.timeout == timeout);
                }
            }
        }
    }
}

TEST_CASE("the metadata of an answer is the request's own text around the answer's type") {
    communica::Buffer out;
    wire::write_answer_metadata(out, MessageType::responder_error, R"({"id": "x", "type": )", R"(, "k": 1})");
    CHECK(out.text() == R"({"id": "x", "type": 51, "k": 1})");
}

TEST_CASE("metadata is written as the Python library writes it") {
    CHECK(written({.type = MessageType::notification}) == test::golden_metadata("throw"));
    CHECK(written({.id = "00112233445566778899aabbccddeeff", .quoted_route = "\"echo\""}) ==
          test::golden_metadata("route_ok_request"));
}

}  // namespace metadata_tests

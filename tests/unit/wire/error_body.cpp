#include "support/catch.hpp"
#include "support/golden.hpp"

#include <communica/wire/error_body.hpp>

namespace error_body_tests {

namespace wire = communica::wire;

namespace {

using communica::errc;
using communica::Error;
using Kind = communica::Error::Kind;
using wire::MessageType;

std::string written(const Error& error) {
    communica::Buffer out;
    wire::write_error_body(out, error);
    return std::string(out.text());
}

Error read(MessageType type, std::string_view text) { return wire::read_error_body(type, communica::as_bytes(text)); }

}  // namespace

TEST_CASE("an error's kind says the type of its answer") {
    CHECK(wire::error_type({errc::requester_error, "", {}, Kind::requester}) == MessageType::requester_error);
    CHECK(wire::error_type({errc::responder_error, "", {}, Kind::responder}) == MessageType::responder_error);
    CHECK(wire::error_type({errc::serializer_error, "", {}, Kind::serializer}) == MessageType::data_error);
    CHECK(wire::error_type({errc::unknown_error, "", {}, Kind::unknown}) == MessageType::unknown_error);
    CHECK(wire::error_type({errc::timeout}) == MessageType::unknown_error);
}

TEST_CASE("error bodies are the Python library's byte for byte") {
    CHECK(written({errc::requester_error, "no such data", 404, Kind::requester}) ==
          test::golden_body("err_requester_response"));
    CHECK(written({errc::requester_error, "plain", {}, Kind::requester}) ==
          test::golden_body("err_requester_nocode_response"));
    CHECK(written({errc::responder_error, "im sorry", 500, Kind::responder}) ==
          test::golden_body("err_responder_response"));
    CHECK(written({errc::unknown_error, "ValueError('hello')", {}, Kind::unknown}) ==
          test::golden_body("err_unknown_response"));
    CHECK(written({errc::serializer_error,
                   "JSONDecodeError('Expecting value: line 1 column 1 (char 0)')",
                   {},
                   Kind::serializer}) == test::golden_body("err_data_load_empty_response"));
    CHECK(written({errc::requester_error, "Route \"nope\"q\" is not defined", {}, Kind::requester}) ==
          test::golden_body("route_undefined_badjson_response"));
}

TEST_CASE("error bodies of the Python library are read with message, status and kind") {
    const Error requester = read(MessageType::requester_error, test::golden_body("err_requester_response"));
    CHECK(requester.kind == Kind::requester);
    CHECK(requester.code == errc::requester_error);
    CHECK(requester.message == "no such data");
    CHECK(requester.status == 404);

    const Error plain = read(MessageType::requester_error, test::golden_body("err_requester_nocode_response"));
    CHECK(plain.message == "plain");
    CHECK_FALSE(plain.status);

    const Error responder = read(MessageType::responder_error, test::golden_body("err_responder_response"));
    CHECK(responder.kind == Kind::responder);
    CHECK(responder.code == errc::responder_error);
    CHECK(responder.status == 500);

    const Error unknown = read(MessageType::unknown_error, test::golden_body("err_unknown_response"));
    CHECK(unknown.kind == Kind::unknown);
    CHECK(unknown.message == "ValueError('hello')");

    const Error data = read(MessageType::data_error, test::golden_body("err_data_load_response"));
    CHECK(data.kind == Kind::serializer);
    CHECK(data.code == errc::serializer_error);
    CHECK(data.message.starts_with("JSONDecodeError("));
}

TEST_CASE("the library's own errors travel by name, beside code and message") {
    CHECK(written({errc::busy, "later", 503, Kind::responder}) ==
          R"({"code": 503, "message": "later", "errc": "busy"})");
    for (const auto& [value, name] : wire::named_errors) {
        for (const auto& [kind, type] : {std::pair{Kind::requester, MessageType::requester_error},
                                         std::pair{Kind::responder, MessageType::responder_error}}) {
            const Error back = read(type, written({value, "m", 1, kind}));
            CHECK(back.code == value);
            CHECK(back.kind == kind);
            CHECK(back.message == "m");
            CHECK(back.status == 1);
        }
    }
    // The kind alone says the others.
    CHECK(written({errc::requester_error, "m", {}, Kind::requester}).find("errc") == std::string::npos);
    CHECK(written({errc::connection_lost, "m", {}, Kind::none}).find("errc") == std::string::npos);
}

TEST_CASE("a name that is not known leaves the code of the kind") {
    for (const char* name : {R"("no_such_error")", R"("requester_error")", "7", "null", R"(["busy"])"}) {
        const std::string body = std::string(R"({"code": null, "message": "m", "errc": )") + name + "}";
        CHECK(read(MessageType::responder_error, body).code == errc::responder_error);
    }
}

TEST_CASE("a message is cut where it would make the body longer than 64 KiB, and a longer body is not read") {
    for (const std::string& message : {std::string(100'000, 'm'), std::string(60'000, '\n'),
                                       std::string(30'000, '\x01'), std::string(70'000, '\xff')}) {
        const std::string body = written({errc::unknown_error, message, {}, Kind::unknown});
        CHECK(body.size() <= wire::max_error_body);
        const std::string back = read(MessageType::unknown_error, body).message;
        CHECK(back.ends_with("..."));
        CHECK(back.size() > 10'000);
    }
    std::string umlauts;
    while (umlauts.size() < 100'000) {
        umlauts += "\xc3\xa4";
    }
    const std::string back =
        read(MessageType::unknown_error, written({errc::unknown_error, umlauts, {}, Kind::unknown})).message;
    CHECK(umlauts.starts_with(back.substr(0, back.size() - 3)));  // not cut in the middle of a character

    const std::string long_body = R"({"code": 1, "message": ")" + std::string(wire::max_error_body, 'm') + "\"}";
    const Error error = read(MessageType::requester_error, long_body);
    CHECK(error.code == errc::requester_error);
    CHECK(error.message == "an error of " + std::to_string(long_body.size()) + " bytes, which is too long to be read");
}

TEST_CASE("messages of any text survive") {
    for (const std::string& message :
         {std::string(), std::string("\"quoted\" \\ \n\t"), std::string("\xc3\xa9\xf0\x9f\x98\x80"),
          std::string(50'000, 'm'), std::string("a\0b", 3)}) {
        CHECK(read(MessageType::unknown_error, written({errc::unknown_error, message, {}, Kind::unknown})).message ==
              message);
    }
}

TEST_CASE("a message that is not UTF-8 is sent with a mark in place of what is not") {
    CHECK(written({errc::unknown_error, "bad \xff", {}, Kind::unknown}) ==
          "{\"code\": null, \"message\": \"bad \xef\xbf\xbd\"}");
}

TEST_CASE("a status is any integer of 64 bits, or none") {
    for (const std::int64_t status : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX, INT64_MIN}) {
        CHECK(
            read(MessageType::requester_error, written({errc::requester_error, "", status, Kind::requester})).status ==
            status);
    }
    for (const char* code :
         {"null", "\"404\"", "404.5", "true", "[404]", "18446744073709551615", "123456789012345678901234567890"}) {
        CHECK_FALSE(
            read(MessageType::requester_error, std::string(R"({"code": )") + code + R"(, "message": "m"})").status);
    }
}

TEST_CASE("a body without the form is still an error, of the right kind") {
    for (const std::string& body :
         {std::string(), std::string("{"), std::string("[]"), std::string("7"), std::string("\xff"), std::string("{}"),
          std::string(R"({"message": 7, "code": "x"})"), std::string(1'000'000, '['), std::string("NaN")}) {
        const Error error = read(MessageType::responder_error, body);
        CHECK(error.kind == Kind::responder);
        CHECK(error.code == errc::responder_error);
        CHECK_FALSE(error.status);
    }
    CHECK_FALSE(read(MessageType::responder_error, "{").message.empty());
}

TEST_CASE("an answer of an unlisted type is an unknown error that names it, whatever its body") {
    for (const char* body : {"{}", "not JSON", R"({"code": 1, "message": "m"})"}) {
        const Error error = read(static_cast<MessageType>(77), body);
        CHECK(error.kind == Kind::unknown);
        CHECK(error.message.find("77") != std::string::npos);
    }
}

}  // namespace error_body_tests

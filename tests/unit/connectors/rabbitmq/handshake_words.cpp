#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"

#include <communica/connectors/rabbitmq/handshake_words.hpp>

namespace rabbitmq_handshake_words_tests {

namespace {

using communica::errc;
using communica::Error;
using namespace communica::rabbitmq;

}  // namespace

TEST_CASE("a connection's id has one byte at least, and no more than properties have room for") {
    using communica::rabbitmq::connect_id_in;
    CHECK(connect_id_in(std::string(16, '\0')) == std::string(16, '\0'));
    CHECK(connect_id_in(std::string(64, 'x')).size() == 64);
    CHECK(test::code_of([] { return connect_id_in(""); }) == communica::errc::handshake_failed);
    CHECK(test::code_of([] { return connect_id_in(std::string(65, 'x')); }) == communica::errc::handshake_failed);
}

TEST_CASE("a request to connect is the golden one") {
    CHECK(connect_request("rs") == test::golden("rmq_connect_request"));
    CHECK(client_id_in(test::golden("rmq_connect_request")) == "rs");
}

TEST_CASE("a client id comes as it went, whatever is in it") {
    for (const std::string id : {"", "a \"quoted\" one", "\xc3\xa9\xf0\x9f\x98\x80", "\x01\x04\x7f"}) {
        INFO(id);
        CHECK(client_id_in(connect_request(id)) == id);
    }
    CHECK(connect_request("\xc3\xa9") == R"("\u00e9")");
}

TEST_CASE("a request to connect that holds no text has no client id") {
    for (const char* request :
         {"", "rs", "\"rs", "7", "null", R"(["rs"])", R"({"client_id": "rs"})", R"("rs" "rs")", "\"\xed\xa0\x80\""}) {
        INFO(request);
        CHECK_FALSE(client_id_in(request));
    }
}

TEST_CASE("a refusal is the golden one, but for the spaces") {
    CHECK(nlohmann::json::parse(refusal({errc::handshake_failed, "go away"})) ==
          nlohmann::json::parse(test::golden("rmq_handshake_fail")));
    const Error why = read_refusal(test::golden("rmq_handshake_fail"));
    CHECK(why.code == errc::handshake_failed);
    CHECK(why.message == "go away");
}

TEST_CASE("of refusals those for want of the right key are known again, and any other text refuses too") {
    CHECK(read_refusal(refusal({errc::authentication_failed, "who are you?"})).code == errc::authentication_failed);
    CHECK(read_refusal(refusal({errc::busy, "later"})).code == errc::handshake_failed);
    for (const char* text : {"", "go away", "7", "{}", R"({"reason": 7})"}) {
        INFO(text);
        CHECK(read_refusal(text).message == "no reason given");
    }
}

}  // namespace rabbitmq_handshake_words_tests

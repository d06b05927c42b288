#include "support/catch.hpp"

#include <communica/connectors/rabbitmq/too_large.hpp>

namespace rabbitmq_too_large_tests {

namespace {

using communica::errc;
using namespace communica::rabbitmq;
namespace wire = communica::wire;

}  // namespace

TEST_CASE("an answer that the broker does not take becomes an error, which says so, to the one who asked") {
    const auto [text, body] =
        too_large_answer(R"({"id": "r1", "type": 11, "route": "r", "extra": [1]})", broker_limit(1000));
    CHECK(text.text() == R"({"id": "r1", "type": 51, "route": "r", "extra": [1]})");
    const auto error = wire::read_error_body(wire::MessageType::responder_error, communica::as_bytes(body.text()));
    CHECK(error.code == errc::message_too_large);
    CHECK(error.status == 413);
    CHECK(error.message == "The answer is too large: the broker takes messages of up to 1000 bytes");
}

TEST_CASE("an error that the broker does not take becomes a small one") {
    CHECK(too_large_answer(R"({"id": "r1", "type": 41})", "so it is").text.text() == R"({"id": "r1", "type": 51})");
}

TEST_CASE("a broker's refusal says how large the message is, and how large one may be") {
    const auto refusal =
        SizeRefusal::read("PRECONDITION_FAILED - message size 200037 is larger than configured max size 100000");
    REQUIRE(refusal);
    CHECK(refusal->size == 200037);
    CHECK(refusal->limit == 100000);
    CHECK(SizeRefusal::read("PRECONDITION_FAILED - message size 600000000 is larger than max size 536870912")->limit ==
          536870912);
    for (const std::string words :
         {"", "PRECONDITION_FAILED - unknown delivery tag 1", "message size", "message size 7 is larger than max size ",
          "message size 7 is larger than max size 8", "message size -7 is larger than max size -8",
          "message size 99999999999999999999999 is larger than max size 7"}) {
        CHECK_FALSE(SizeRefusal::read(words));
    }
}

}  // namespace rabbitmq_too_large_tests

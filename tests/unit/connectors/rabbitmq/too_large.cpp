#include "support/catch.hpp"

#include <communica/connectors/rabbitmq/too_large.hpp>

namespace rabbitmq_too_large_tests {

namespace {

using communica::errc;
using namespace communica::rabbitmq;
namespace wire = communica::wire;

}  // namespace

TEST_CASE("an answer that the broker does not take becomes an error, which says so, to the one who asked") {
    const auto [text, body] = too_large_answer(R"({"id": "r1", "type": 11, "route": "r", "extra": [1]})", 1000);
    CHECK(text.text() == R"({"id": "r1", "type": 51, "route": "r", "extra": [1]})");
    const auto error = wire::read_error_body(wire::MessageType::responder_error, communica::as_bytes(body.text()));
    CHECK(error.code == errc::message_too_large);
    CHECK(error.status == 413);
    CHECK(error.message == "The answer is too large: the broker takes messages of up to 1000 bytes");
}

TEST_CASE("an error that the broker does not take becomes a small one") {
    CHECK(too_large_answer(R"({"id": "r1", "type": 41})", 1000).text.text() == R"({"id": "r1", "type": 51})");
}

}  // namespace rabbitmq_too_large_tests

#include "support/catch.hpp"

#include <communica/wire/ended_notifications.hpp>

#include <string>

namespace ended_notifications_tests {

namespace wire = communica::wire;

TEST_CASE("a report of ended notifications has the failed ones in its metadata, if there are any") {
    communica::Buffer metadata;
    communica::Buffer body;
    wire::write_ended_notifications(metadata, body, {.all = 2048, .failed = 0});
    CHECK(metadata.text() == wire::taken_metadata);
    CHECK(body.text() == "2048");

    communica::Buffer metadata_with_failed;
    communica::Buffer body_with_failed;
    wire::write_ended_notifications(metadata_with_failed, body_with_failed, {.all = 2048, .failed = 3});
    CHECK(metadata_with_failed.text() == R"({"id": "", "type": 12, "failed": 3})");
    CHECK(body_with_failed.text() == "2048");
    const auto read = wire::read_ended_notifications(metadata_with_failed.text(), body_with_failed.text());
    REQUIRE(read.has_value());
    CHECK(read->all == 2048);
    CHECK(read->failed == 3);
}

TEST_CASE("a report of ended notifications without a valid total is no report") {
    for (const char* body : {"", "null", "-1", "1.5", "12 ", " 12", "18446744073709551616"}) {
        INFO(body);
        CHECK_FALSE(wire::read_ended_notifications(wire::taken_metadata, body).has_value());
    }
    const auto most = wire::read_ended_notifications(wire::taken_metadata, "18446744073709551615");
    REQUIRE(most.has_value());
    CHECK(most->all == 18446744073709551615U);
}

TEST_CASE("a malformed number of failed notifications counts as none") {
    for (const char* failed : {"-1", "1.5", "\"3\"", "null", "[3]", "18446744073709551616"}) {
        INFO(failed);
        const auto read =
            wire::read_ended_notifications(R"({"failed": )" + std::string(failed) + R"(, "id": "", "type": 12})", "7");
        REQUIRE(read.has_value());
        CHECK(read->all == 7);
        CHECK(read->failed == 0);
    }
    const auto read = wire::read_ended_notifications(R"({"other": {}, "failed":5, "type": 12})", "7");
    REQUIRE(read.has_value());
    CHECK(read->failed == 5);
}

}  // namespace ended_notifications_tests

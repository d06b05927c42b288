#include "support/catch.hpp"

#include <communica/peer/outgoing.hpp>

namespace outgoing_tests {

namespace {

using communica::peer::Outgoing;

}  // namespace

TEST_CASE("a message counts for its parts and for what keeps it") {
    Outgoing message;
    CHECK(message.size() == sizeof(Outgoing));
    message.quoted_route = "\"route\"";
    message.headers = "{}";
    message.body.append("body");
    CHECK(message.size() == sizeof(Outgoing) + 7 + 2 + 4);
}

TEST_CASE("a copy is all that the message is, and its own") {
    Outgoing message{.quoted_route = "\"r\"", .headers = "{}", .timeout = std::chrono::seconds{7}};
    message.type = communica::wire::MessageType::notification;
    message.wait_for_connection = false;
    message.idempotent = true;
    message.priority = communica::Priority::low;
    message.body.append("body");
    const Outgoing copy = message.copy();
    message.body.clear();
    message.quoted_route.clear();
    CHECK(copy.is_notification());
    CHECK(copy.quoted_route == "\"r\"");
    CHECK(copy.headers == "{}");
    CHECK(copy.timeout == std::chrono::seconds{7});
    CHECK_FALSE(copy.wait_for_connection);
    CHECK(copy.idempotent);
    CHECK(copy.priority == communica::Priority::low);
    CHECK(copy.body.text() == "body");
}

TEST_CASE("a message is a request that waits for a connection, without an end, unless it says otherwise") {
    const Outgoing message;
    CHECK_FALSE(message.is_notification());
    CHECK(message.wait_for_connection);
    CHECK_FALSE(message.idempotent);
    CHECK(message.priority == communica::Priority::normal);
    CHECK_FALSE(message.timeout);
}

}  // namespace outgoing_tests

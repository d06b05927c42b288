#include "support/catch.hpp"

#include <communica/peer/unconfirmed.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace unconfirmed_tests {

using communica::errc;
using communica::peer::UnconfirmedNotifications;
using communica::wire::MessageType;

namespace {

void add(UnconfirmedNotifications& lost, std::optional<std::string_view> route,
         MessageType type = MessageType::notification) {
    communica::wire::Metadata metadata;
    metadata.type = type;
    metadata.route = route;
    lost.add_unwritten(metadata);
}

}  // namespace

TEST_CASE("notifications that may have been written are counted without their routes") {
    CHECK(UnconfirmedNotifications().count() == 0);
    const UnconfirmedNotifications lost(7);
    CHECK(lost.count() == 7);
    CHECK(lost.text({errc::closed, "gone"}) == "up to 7 notifications that were sent may be lost: gone");
}

TEST_CASE("notifications that were not written are counted by route") {
    UnconfirmedNotifications lost;
    add(lost, "log");
    add(lost, "event");
    add(lost, "event");
    add(lost, "event", MessageType::request);
    CHECK(lost.count() == 3);
    CHECK(lost.text({errc::closed, "gone"}) == R"(3 notifications were not written ("event": 2, "log": 1): gone)");
}

TEST_CASE("notifications of an entity without routes are counted alone") {
    UnconfirmedNotifications lost;
    add(lost, std::nullopt);
    CHECK(lost.text({errc::closed, "gone"}) == "1 notifications were not written: gone");
}

TEST_CASE("a report of many routes is bounded") {
    UnconfirmedNotifications lost;
    for (int number = 10; number != 30; ++number) {
        add(lost, std::string(100, 'r') + std::to_string(number));
    }
    const std::string text = lost.text({errc::closed, "gone"});
    CHECK(lost.count() == 20);
    CHECK(text.size() < 16 * 75 + 100);
    CHECK(text.ends_with(", 4 other routes): gone"));
}

}  // namespace unconfirmed_tests

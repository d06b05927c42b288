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

TEST_CASE("notifications that may have been written are counted by route, as far as it is known") {
    UnconfirmedNotifications lost;
    CHECK(lost.count() == 0);
    lost.add_sent(R"("a \"b\"")", 3);
    lost.add_sent(R"("event")", 2);
    CHECK(lost.text({errc::closed, "gone"}) ==
          R"(up to 5 notifications that were sent may be lost ("a \"b\"": 3, "event": 2): gone)");
    lost.add_sent(std::nullopt, 4);
    lost.remove_sent(R"("event")");
    lost.remove_sent(R"("a \"b\"")");
    lost.remove_sent(R"("event")");
    lost.remove_sent(R"("another")");
    CHECK(lost.count() == 5);
    CHECK(lost.text({errc::closed, "gone"}) ==
          R"(up to 5 notifications that were sent may be lost ("a \"b\"": 2, 3 of other routes): gone)");
}

TEST_CASE("without routes, and without known ones, the number alone is told") {
    UnconfirmedNotifications lost;
    lost.add_sent("", 3);
    lost.add_sent(std::nullopt, 4);
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
    CHECK(text.ends_with(", 4 of other routes): gone"));
}

}  // namespace unconfirmed_tests

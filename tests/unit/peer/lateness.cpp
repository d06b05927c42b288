#include "support/catch.hpp"
#include "unit/peer/one_requester.hpp"

#include <communica/peer/cancel.hpp>
#include <communica/peer/lateness.hpp>

#include <regex>
#include <string>

namespace lateness_tests {

using communica::errc;
using communica::peer::Lateness;
using test::OneRequester;
using namespace std::chrono_literals;

namespace {

auto request_within(OneRequester& one, std::chrono::milliseconds timeout) {
    auto message = test::outgoing("1");
    message.timeout = timeout;
    return one.start(std::move(message));
}

/// What a request says that is late after this time.
std::string text_after(OneRequester& one, std::chrono::milliseconds timeout) {
    const auto outcome = request_within(one, timeout);
    one.run_until(outcome);
    return outcome->error->message;
}

bool matches(const std::string& text, const std::string& pattern) {
    return std::regex_match(text, std::regex(pattern));
}

}  // namespace

TEST_CASE("a request that was sent at once and is late says no more than its time") {
    CHECK(Lateness{.quoted_route = "\"divide\"", .timeout = 50ms}.text({.name = "local:calculator"}) ==
          "\"divide\" to local:calculator: no answer within 50 ms");
}

TEST_CASE("a request that waited before it was sent says how long, and how long it has been sent") {
    CHECK(Lateness{.quoted_route = "", .timeout = 250ms, .waited = 180ms}.text({}) ==
          "a request: no answer within 250 ms: sent after 180 ms, 70 ms ago");
}

TEST_CASE("a request that waits with others says how many they are and how large") {
    const Lateness late{
        .quoted_route = "", .timeout = 50ms, .state = Lateness::State::queued, .queued = 3, .bytes = 3000};
    CHECK(late.text({}) == "a request: not sent within 50 ms: it waited in a queue with 3 others, 3000 bytes");
}

TEST_CASE("the time before a request was sent counts from its beginning") {
    OneRequester one;
    const auto waiting = request_within(one, 300ms);
    const auto short_one = request_within(one, 5ms);  // begins later: when it is over, the other has waited 5 ms
    one.run_until(short_one);
    CHECK(short_one->error->message.starts_with("a request: not sent within 5 ms: "));
    const auto connection = one.connect();
    REQUIRE(connection->sent.size() == 1);
    one.run_until(waiting);
    CHECK(waiting->error->code == errc::timeout);
    INFO(waiting->error->message);
    CHECK(matches(waiting->error->message, "a request: no answer within 300 ms: sent after [1-9]\\d* ms, \\d+ ms ago"));
}

TEST_CASE("a request that was moved to another requester says its whole time") {
    OneRequester one;
    OneRequester other;
    const auto moved = request_within(one, 300ms);
    one.run_until(request_within(one, 5ms));
    const auto connection = other.connect();
    communica::peer::hand_over(*one.requester, *other.requester);
    REQUIRE(connection->sent.size() == 1);
    other.run_until(moved);
    INFO(moved->error->message);
    CHECK(matches(moved->error->message, "a request: no answer within 300 ms: sent after [1-9]\\d* ms, \\d+ ms ago"));
}

TEST_CASE("a late request says that the connection was lost that it was sent over") {
    OneRequester one;
    const auto connection = one.connect();
    const auto outcome = request_within(one, 20ms);
    one.lose(connection);
    const bool again = GENERATE(false, true);
    if (again) {
        one.connect();
    }
    one.run_until(outcome);
    CHECK(outcome->error->message == "a request: no answer within 20 ms: its connection was lost");
}

TEST_CASE("a late request that the peer still has after a reconnect blames no lost connection") {
    OneRequester one;
    const auto connection = one.connect();
    const auto outcome = request_within(one, 20ms);
    communica::wire::MetadataReader reader;
    const std::string id(reader.read(connection->sent.front().metadata).id);
    one.lose(connection);
    one.connect();
    const bool is_known = GENERATE(true, false);
    const auto ids = one.requester->read_resumed(communica::as_bytes(is_known ? "[\"" + id + "\"]" : "[]"));
    REQUIRE(ids);
    CHECK(ids->size() == (is_known ? 1 : 0));
    one.requester->on_resumed(*ids);
    one.run_until(outcome);
    CHECK(outcome->error->code == (is_known ? errc::timeout : errc::connection_lost));
    if (is_known) {
        CHECK(outcome->error->message == "a request: no answer within 20 ms");
    }
}

TEST_CASE("a late request that waits alone has none before it") {
    OneRequester one;
    const auto connection = one.connect();
    connection->room = 0;
    CHECK(text_after(one, 5ms) == "a request: not sent within 5 ms: the connection took no more");
}

TEST_CASE("a late request says how much its connection has not written") {
    OneRequester one;
    const auto connection = one.connect();
    connection->unwritten = 4711;
    CHECK(text_after(one, 20ms) == "a request: no answer within 20 ms: 4711 bytes wait to be written");
}

}  // namespace lateness_tests

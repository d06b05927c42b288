// Who came, by its session: the one that was there before, or another.
#include "unit/peer/one_peer.hpp"

namespace peer_session_tests {

namespace {

using communica::errc;
using communica::peer::Capabilities;
using communica::peer::full_offer;
using test::Bodies;
using test::bodies;
using test::error_of;
using test::OnePeer;

const std::string goodbye_metadata = R"({"id": "", "type": 4})";

}  // namespace

TEST_CASE("another session gives up what was sent and abandons what is at work") {
    OnePeer one;
    const auto first = one.connect(full_offer("a", 1000));
    const auto sent = one.request("sent");
    const auto call = one.begin(first);
    one.lose(first);
    const auto waits = one.request("waits");
    const auto second = one.connect(full_offer("b", 1000));
    CHECK(error_of(sent) == errc::connection_lost);
    CHECK(waits->completions == 0);
    CHECK(call->is_cancelled());
    one.finish(*call, "for the session before");
    CHECK(bodies(*second) == Bodies{"[]", "waits"});
}

TEST_CASE("the same session takes up what was sent and what is at work") {
    OnePeer one;
    const auto first = one.connect(full_offer("a", 1000));
    const auto sent = one.request("sent");
    const auto call = one.begin(first);
    one.lose(first);
    const auto second = one.connect(full_offer("a", 1000));
    CHECK(sent->completions == 0);
    CHECK_FALSE(call->is_cancelled());
    one.finish(*call, "result");
    CHECK(bodies(*second) == Bodies{R"(["x"])", "result"});
}

TEST_CASE("who has no sessions is taken for who was there before") {
    for (const auto& [before, after] : {std::pair{"", ""}, std::pair{"", "a"}}) {
        OnePeer one;
        const auto first = one.connect({.session = before});
        const auto sent = one.request("sent");
        const auto call = one.begin(first);
        one.lose(first);
        one.connect({.session = after});
        CHECK(sent->completions == 0);
        CHECK_FALSE(call->is_cancelled());
    }
    OnePeer one;
    one.connect({.session = "a"});
    const auto sent = one.request("sent");
    one.connect({.session = ""});
    CHECK(error_of(sent) == errc::connection_lost);
}

TEST_CASE("a later connection takes the place of the earlier one, which is closed") {
    OnePeer one;
    const auto first = one.connect();
    one.request("1");
    const auto second = one.connect();
    CHECK(first->closed == 1);
    CHECK(second->closed == 0);
    one.lose(first, {0});
    CHECK(one.peer->is_connected());
    CHECK(bodies(*second) == Bodies{"1"});
}

TEST_CASE("a connection that another session replaced is told so, if it offered goodbye") {
    OnePeer one;
    const auto first = one.connect(full_offer("a", 1000));
    const auto second = one.connect(full_offer("b", 1000));
    CHECK(first->sent == std::vector<test::SentMessage>{{goodbye_metadata, R"("replaced")"}});
    CHECK(first->closed == 1);
    CHECK(second->sent.empty());
    one.connect(Capabilities{.session = "c"});
    CHECK(second->sent.size() == 1);
}

TEST_CASE("a connection that its own session replaced, or that did not offer goodbye, is closed in silence") {
    OnePeer one;
    const auto first = one.connect(full_offer("a", 1000));
    const auto second = one.connect(full_offer("a", 1000));
    CHECK(first->sent.empty());
    CHECK(first->closed == 1);
    one.lose(second);

    OnePeer other;
    const auto silent = other.connect(Capabilities{.session = "a", .cancel = true});
    other.connect(full_offer("b", 1000));
    CHECK(silent->sent.empty());
    CHECK(silent->closed == 1);
}

}  // namespace peer_session_tests

#include "unit/peer/one_peer.hpp"

namespace peer_tests {

namespace {

using communica::errc;
using communica::peer::Capabilities;
using communica::peer::full_offer;
using communica::peer::RequestId;
using test::Bodies;
using test::bodies;
using test::error_of;
using test::OnePeer;
using namespace std::chrono_literals;

const std::string goodbye_metadata = R"({"id": "", "type": 4})";

}  // namespace

TEST_CASE("a peer offers all that the library knows, its limit, and the session of its requests") {
    OnePeer one;
    const Capabilities offer = one.peer->offer();
    const auto connection = one.connect();
    one.request("1");
    CHECK(offer.session == test::session_of(connection->sent[0]));
    CHECK(offer.max_message == communica::Limits{}.max_message);
    CHECK((offer.cancel && offer.deadline && offer.goodbye && offer.headers && offer.ping));
    CHECK(one.peer->id() == "client");
}

TEST_CASE("the asking half is made for the first who asks, as the peer is by then") {
    OnePeer connected;
    const auto connection = connected.connect();
    CHECK(connected.peer->made_requester() == nullptr);
    connected.request("1");
    CHECK(connected.peer->made_requester() != nullptr);
    CHECK(connection->sent.size() == 1);

    OnePeer closed;
    closed.peer->close({errc::replaced});
    const auto request = closed.request("1");
    CHECK(request->completions == 1);
    CHECK(error_of(request) == errc::replaced);
}

TEST_CASE("a peer is connected from a connection's begin to its end") {
    OnePeer one;
    CHECK_FALSE(one.peer->is_connected());
    const auto connection = one.connect();
    CHECK(one.attached);
    CHECK(one.peer->is_connected());
    one.lose(connection);
    CHECK_FALSE(one.peer->is_connected());
}

TEST_CASE("what a lost connection did not send goes out over the next: requests and answers") {
    OnePeer one;
    const auto first = one.connect();
    const auto call = one.begin(first);
    one.request("asked 1");
    one.finish(*call, "answered");
    one.request("asked 2");
    one.lose(first, {0, 1, 2});
    CHECK(bodies(*one.connect()) == Bodies{"answered", "asked 1", "asked 2"});
}

TEST_CASE("when the resume window ends, what was sent has failed and what waits goes on waiting") {
    OnePeer one(1ms);
    const auto first = one.connect();
    const auto sent = one.request("sent");
    const auto waits = one.request("waits");
    const auto call = one.begin(first);
    one.lose(first, {1});
    one.run_until([&] { return sent->completions != 0; });
    CHECK(error_of(sent) == errc::connection_lost);
    CHECK(waits->completions == 0);
    CHECK(call->is_cancelled());
    CHECK(bodies(*one.connect()) == Bodies{"waits"});
}

TEST_CASE("when the resume window ends, it is told, also if nothing was lost") {
    int expired = 0;
    OnePeer one(1ms, [&] { ++expired; });
    one.lose(one.connect());
    one.run_until([&] { return expired == 1; });
}

TEST_CASE("who comes back within the resume window is not told to be gone") {
    int expired = 0;
    OnePeer one(1h, [&] { ++expired; });
    const auto first = one.connect();
    const auto sent = one.request("sent");
    one.lose(first);
    one.connect();
    one.context.poll();
    CHECK(one.context.stopped());
    CHECK(expired == 0);
    CHECK(sent->completions == 0);
}

TEST_CASE("who closed in order neither waits for answers nor gives any") {
    OnePeer one;
    const auto first = one.connect();
    const auto sent = one.request("sent");
    const auto call = one.begin(first);
    one.lose(first, {}, errc::closed);
    CHECK(call->is_cancelled());
    CHECK(error_of(sent) == errc::connection_lost);
    one.finish(*call, "late");
    CHECK(one.connect()->sent.empty());
}

TEST_CASE("draining refuses requests and tells who understands it") {
    OnePeer one;
    const auto connection = one.connect(full_offer("a", 1000));
    int idle = 0;
    one.peer->drain([&] { ++idle; });
    CHECK(connection->sent == std::vector<test::SentMessage>{{goodbye_metadata, R"("draining")"}});
    CHECK(connection->closed == 0);
    const auto refusal = one.peer->responder().refusal(*connection, {.type = communica::wire::MessageType::request}, 1);
    REQUIRE(refusal);
    CHECK(refusal->code == errc::draining);
    CHECK(one.request("of this side")->completions == 0);
    CHECK(connection->sent.size() == 2);

    OnePeer other;
    const auto silent = other.connect();
    other.peer->drain([] {});
    CHECK(silent->sent.empty());
}

TEST_CASE("who connects while this side drains is told so too") {
    OnePeer one;
    one.lose(one.connect(full_offer("a", 1000)));
    one.peer->drain([] {});
    CHECK(one.connect(full_offer("a", 1000))->sent.back() == test::SentMessage{goodbye_metadata, R"("draining")"});
}

TEST_CASE("closing ends every request with the reason, and lets none in until it is opened") {
    OnePeer one;
    const auto sent_over = one.connect();
    const auto sent = one.request("1");
    const auto call = one.begin(sent_over);
    one.peer->close({errc::closed, "the reason"});
    CHECK(error_of(sent) == errc::closed);
    CHECK(sent->error->message == "the reason");
    one.context.poll();
    CHECK(call->is_cancelled());
    REQUIRE(sent_over->sent.size() == 2);
    CHECK(sent_over->sent[1].metadata == R"({"id": "x", "type": 51})");
    CHECK(sent_over->closed == 1);
    CHECK_FALSE(one.peer->is_connected());
    CHECK(error_of(one.request("2")) == errc::closed);
    const auto refused = one.connect();
    CHECK_FALSE(one.attached);
    CHECK(refused->closed == 1);
    CHECK(refused->sent.empty());

    one.peer->open();
    const auto later = one.request("3");
    CHECK(later->completions == 0);
    CHECK(bodies(*one.connect()) == Bodies{"3"});
    CHECK(one.attached);
}

TEST_CASE("a peer is idle when nothing is left of it") {
    OnePeer one;
    CHECK(one.peer->is_idle());
    const RequestId id = one.peer->requester()->reserve();
    one.request("1", id);
    CHECK_FALSE(one.peer->is_idle());
    one.peer->requester()->cancel(id);
    CHECK(one.peer->is_idle());
    const auto connection = one.connect();
    CHECK_FALSE(one.peer->is_idle());
    one.begin(connection);
    one.lose(connection);
    CHECK_FALSE(one.peer->is_idle());
    one.peer->responder().cancel("x");
    CHECK(one.peer->is_idle());
}

TEST_CASE("a peer that is gone and for whom nothing waits does not keep the context at work") {
    OnePeer one;
    one.lose(one.connect());
    one.context.poll();
    CHECK(one.context.stopped());
}

}  // namespace peer_tests

#include "support/catch.hpp"
#include "support/plain_inbox.hpp"
#include "support/recorded_operation.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/message_dispatcher.hpp>

namespace inbox_tests {

namespace {

using communica::errc;
using communica::peer::Capabilities;
using communica::peer::full_offer;
using communica::peer::Handler;
using communica::peer::HandlerMap;
using communica::peer::Handlers;
using communica::peer::MessageDispatcher;
using communica::peer::Peer;
using test::Outcome;

/// Keeps the calls that it begins at work.
class Begins final : public Handler {
 public:
    void handle(const communica::peer::Incoming& incoming) const override {
        calls.push_back(
            incoming.peer->responder().begin(incoming.connection, incoming.metadata, incoming.body.size()).call);
    }
    mutable std::vector<std::shared_ptr<communica::peer::InflightCall>> calls;
};

struct Arrivals {
    explicit Arrivals(const Capabilities& offer = {}, const communica::Limits& limits = {})
        : peer(std::make_shared<Peer>(
              communica::peer::PeerSettings{
                  context.get_executor(), std::make_shared<Handlers>(handler), {.limits = limits}},
              "client")),
          inbox(std::make_shared<test::PlainInbox>(peer, connection)) {
        MessageDispatcher::begin(inbox, offer);
    }

    void message(std::string_view metadata, std::string_view body = "") {
        inbox->on_message({metadata, communica::as_bytes(body)});
    }

    std::shared_ptr<Outcome> request() const {
        auto outcome = std::make_shared<Outcome>();
        peer->requester()->start(0, {}, test::RecordedOperation::make(outcome));
        return outcome;
    }
    /// The metadata of an answer to a request that was sent.
    std::string answer_to(std::size_t index) const {
        std::string metadata = connection->sent[index].metadata;
        return metadata.replace(metadata.find("\"type\": 1"), 9, "\"type\": 11");
    }

    nlohmann::json last_body() const { return nlohmann::json::parse(connection->sent.back().body); }

    asio::io_context context;
    std::shared_ptr<Begins> handler = std::make_shared<Begins>();
    std::shared_ptr<test::RecordingConnection> connection = std::make_shared<test::RecordingConnection>(context);
    std::shared_ptr<Peer> peer;
    std::shared_ptr<test::PlainInbox> inbox;
};

}  // namespace

TEST_CASE("an answer too large for this side fails its request and leaves the others") {
    Arrivals arrivals;
    const auto large = arrivals.request();
    const auto other = arrivals.request();
    arrivals.inbox->on_discarded(arrivals.answer_to(0), errc::message_too_large);
    CHECK(error_of(large) == errc::message_too_large);
    CHECK(other->completions == 0);
    arrivals.inbox->on_discarded(arrivals.answer_to(1), errc::busy);
    CHECK(error_of(other) == errc::busy);
}

TEST_CASE("a request too large is refused with 413, a notification too large in silence") {
    Arrivals arrivals;
    arrivals.inbox->on_discarded(R"({"id": "", "type": 2})", errc::message_too_large);
    CHECK(arrivals.connection->sent.empty());
    arrivals.inbox->on_discarded(R"({"id": "x", "type": 1})", errc::message_too_large);
    REQUIRE(arrivals.connection->sent.size() == 1);
    CHECK(arrivals.connection->sent[0].metadata == R"({"id": "x", "type": 41})");
    CHECK(arrivals.last_body()["code"] == 413);
    CHECK(arrivals.last_body()["errc"] == "message_too_large");
    CHECK(arrivals.connection->send_classes[0] == communica::SendClass::rejection);
}

TEST_CASE("a request that the budget had no room for is refused with 503, a notification in silence") {
    Arrivals arrivals;
    arrivals.inbox->on_discarded(R"({"id": "", "type": 2})", errc::busy);
    CHECK(arrivals.connection->sent.empty());
    arrivals.inbox->on_discarded(R"({"id": "x", "type": 1})", errc::busy);
    REQUIRE(arrivals.connection->sent.size() == 1);
    CHECK(arrivals.connection->sent[0].metadata == R"({"id": "x", "type": 51})");
    CHECK(arrivals.last_body()["code"] == 503);
    CHECK(arrivals.last_body()["errc"] == "busy");
    CHECK(arrivals.connection->send_classes[0] == communica::SendClass::rejection);
}

TEST_CASE(
    "what is over a limit is refused without calling its handler, requests and notifications each by themselves, those "
    "in silence") {
    Arrivals arrivals({}, {.max_requests = 1});
    arrivals.message(R"({"id": "1", "type": 1})");
    CHECK(arrivals.handler->calls.size() == 1);
    arrivals.message(R"({"id": "", "type": 2})");
    CHECK(arrivals.handler->calls.size() == 2);
    arrivals.message(R"({"id": "", "type": 2})");
    CHECK(arrivals.handler->calls.size() == 2);
    CHECK(arrivals.connection->sent.empty());
    arrivals.message(R"({"id": "2", "type": 1})");
    CHECK(arrivals.handler->calls.size() == 2);
    REQUIRE(arrivals.connection->sent.size() == 1);
    CHECK(arrivals.connection->sent[0].metadata == R"({"id": "2", "type": 51})");
    CHECK(arrivals.last_body()["errc"] == "busy");
    CHECK(arrivals.connection->send_classes[0] == communica::SendClass::rejection);
}

TEST_CASE("a request whose time is over is answered without calling its handler") {
    Arrivals arrivals(Capabilities{.session = "s", .deadline = true});
    arrivals.message(R"({"id": "1", "type": 1, "timeout": 0})");
    CHECK(arrivals.handler->calls.empty());
    REQUIRE(arrivals.connection->sent.size() == 1);
    CHECK(arrivals.last_body()["errc"] == "timeout");
    CHECK(arrivals.last_body()["code"] == 504);

    Arrivals without;
    without.message(R"({"id": "1", "type": 1, "timeout": 0})");
    CHECK(without.handler->calls.size() == 1);
}

TEST_CASE("a cancel message cancels the request of its id") {
    Arrivals arrivals(full_offer("a", 1000));
    arrivals.message(R"({"id": "x", "type": 1})");
    arrivals.message(R"({"id": "y", "type": 3})");
    CHECK_FALSE(arrivals.handler->calls[0]->is_cancelled());
    arrivals.message(R"({"id": "x", "type": 3})");
    CHECK(arrivals.handler->calls[0]->is_cancelled());
    CHECK(arrivals.handler->calls.size() == 1);
    CHECK(arrivals.connection->sent.empty());
}

TEST_CASE("a goodbye stops the requests of this side, and tells if this side was replaced") {
    for (const std::string why : {"draining", "replaced", "no such reason"}) {
        Arrivals arrivals(full_offer("a", 1000));
        arrivals.message(R"({"id": "", "type": 4})", '"' + why + '"');
        CHECK(arrivals.request()->completions == 0);
        CHECK(arrivals.connection->sent.empty());
        arrivals.message(R"({"id": "", "type": 4})", "\"draining\"");
        arrivals.inbox->on_end({errc::closed});
        CHECK(arrivals.inbox->ending->code == (why == "replaced" ? errc::replaced : errc::closed));
    }
}

TEST_CASE("cancel and goodbye of who did not offer them are requests of an unlisted type, as ever") {
    Arrivals arrivals;
    arrivals.message(R"({"id": "x", "type": 1})");
    arrivals.message(R"({"id": "x", "type": 3})");
    arrivals.message(R"({"id": "", "type": 4})", R"("replaced")");
    CHECK(arrivals.handler->calls.size() == 3);
    CHECK_FALSE(arrivals.handler->calls[0]->is_cancelled());
    arrivals.request();
    CHECK(arrivals.connection->sent.size() == 1);
    arrivals.inbox->on_end({errc::connection_lost});
    CHECK(arrivals.inbox->ending->code == errc::connection_lost);
}

TEST_CASE("room on the connection sends what waits") {
    Arrivals arrivals;
    arrivals.connection->room = 0;
    arrivals.request();
    arrivals.connection->room = 1;
    CHECK(arrivals.connection->sent.empty());
    arrivals.inbox->on_room();
    CHECK(arrivals.connection->sent.size() == 1);
}

TEST_CASE("serving watches who answers pings, and no other") {
    for (const bool ping : {false, true}) {
        const Arrivals arrivals(Capabilities{.ping = ping});
        CHECK(arrivals.inbox->attached);
        CHECK(arrivals.connection->pings == ping);
        CHECK(arrivals.peer->is_connected());
        arrivals.inbox->on_end({errc::closed});
        CHECK_FALSE(arrivals.peer->is_connected());
    }
}

}  // namespace inbox_tests

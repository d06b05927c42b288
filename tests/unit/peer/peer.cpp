#include "support/catch.hpp"
#include "support/recorded_operation.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/inbox.hpp>

namespace {

using communica::errc;
using communica::peer::HandlerMap;
using communica::peer::Handlers;
using communica::peer::Outgoing;
using communica::peer::Peer;
using communica::peer::RequestId;
using communica::wire::MessageType;
using test::Outcome;
using test::RecordingConnection;
using namespace std::chrono_literals;

class OnePeer {
 public:
    explicit OnePeer(communica::peer::Clock::duration resume_window = 1h)
        : peer(std::make_shared<Peer>(context.get_executor(), std::make_shared<Handlers>(HandlerMap{}), "client",
                                      resume_window)) {}

    std::shared_ptr<RecordingConnection> connect() {
        auto connection = std::make_shared<RecordingConnection>(context);
        peer->attach(connection);
        return connection;
    }

    std::shared_ptr<Outcome> request(std::string_view body, RequestId id = 0) {
        return start(MessageType::request, body, id);
    }
    std::shared_ptr<Outcome> notify(std::string_view body) { return start(MessageType::notification, body, 0); }

    std::shared_ptr<Outcome> start(MessageType type, std::string_view body, RequestId id, bool wait = true,
                                   std::optional<communica::peer::Clock::duration> timeout = {}) {
        Outgoing outgoing;
        outgoing.type = type;
        outgoing.body.append(body);
        outgoing.wait_for_connection = wait;
        outgoing.timeout = timeout;
        auto outcome = std::make_shared<Outcome>();
        peer->start(id, std::move(outgoing), test::RecordedOperation::make(outcome, type == MessageType::notification));
        return outcome;
    }

    /// The answer to a request that was sent.
    void answer(const test::SentMessage& request, std::string_view body) const {
        communica::wire::MetadataReader reader;
        auto metadata = reader.read(request.metadata);
        metadata.type = MessageType::ok;
        peer->on_answer(metadata, communica::as_bytes(body));
    }

    /// As a connection that breaks before these of its messages went out.
    void lose(const std::shared_ptr<RecordingConnection>& connection, std::vector<std::size_t> unsent = {}) const {
        for (const std::size_t index : unsent) {
            connection->unsent.push_back({connection->sent[index].metadata, {}});
            connection->unsent.back().body.append(connection->sent[index].body);
        }
        peer->detach(*connection);
    }

    /// Lets timers that have passed run.
    void run_until(const std::shared_ptr<Outcome>& outcome) {
        context.restart();
        while (outcome->completions == 0 && context.run_one_for(60s) != 0) {
        }
    }

    asio::io_context context;
    std::shared_ptr<Peer> peer;
};

std::vector<std::string> bodies(const RecordingConnection& connection) {
    std::vector<std::string> bodies;
    for (const auto& message : connection.sent) {
        bodies.push_back(message.body);
    }
    return bodies;
}

using Bodies = std::vector<std::string>;

std::error_code error_of(const std::shared_ptr<Outcome>& outcome) {
    return outcome->error ? outcome->error->code : std::error_code();
}

}  // namespace

TEST_CASE("requests wait for a connection, and go out over it in their order") {
    OnePeer one;
    const auto request = one.request("1");
    const auto notification = one.notify("2");
    one.request("3");
    CHECK_FALSE(one.peer->is_connected());
    CHECK(notification->completions == 0);
    const auto connection = one.connect();
    CHECK(one.peer->is_connected());
    CHECK(bodies(*connection) == Bodies{"1", "2", "3"});
    CHECK(notification->completions == 1);
    CHECK_FALSE(notification->error);
    CHECK(request->completions == 0);
}

TEST_CASE("a request that does not want to wait for a connection fails at once") {
    OnePeer one;
    CHECK(error_of(one.start(MessageType::request, "1", 0, false)) == errc::not_connected);
    CHECK(error_of(one.start(MessageType::notification, "2", 0, false)) == errc::not_connected);
    CHECK(one.connect()->sent.empty());
}

TEST_CASE("an answer completes its request, once, in whatever order answers come") {
    OnePeer one;
    const auto connection = one.connect();
    const auto first = one.request("1");
    const auto second = one.request("2");
    one.answer(connection->sent[1], "two");
    CHECK(second->body == "two");
    CHECK(first->completions == 0);
    one.answer(connection->sent[0], "one");
    one.answer(connection->sent[0], "one again");
    CHECK(first->body == "one");
    CHECK(first->completions == 1);
}

TEST_CASE("an answer that nobody waits for is dropped") {
    OnePeer one;
    const auto connection = one.connect();
    const auto request = one.request("1");
    OnePeer another;
    const auto elsewhere = another.connect();
    another.request("1");
    one.answer(elsewhere->sent[0], "for another");
    one.answer({.metadata = R"({"id": "s1", "type": 1})", .body = {}}, "for nobody");
    one.answer({.metadata = R"({"id": 7, "type": 1})", .body = {}}, "for nobody");
    CHECK(request->completions == 0);
}

TEST_CASE("a cancelled request is forgotten: before it is sent, and when its answer comes late") {
    OnePeer one;
    const RequestId waiting = one.peer->reserve();
    const auto not_sent = one.request("1", waiting);
    one.peer->cancel(waiting);
    CHECK(error_of(not_sent) == asio::error::operation_aborted);

    const auto connection = one.connect();
    CHECK(connection->sent.empty());
    const RequestId id = one.peer->reserve();
    const auto sent = one.request("2", id);
    one.peer->cancel(id);
    one.answer(connection->sent[0], "late");
    CHECK(sent->completions == 1);
    CHECK(error_of(sent) == asio::error::operation_aborted);
}

TEST_CASE("a request cancelled before it starts is never sent") {
    OnePeer one;
    const auto connection = one.connect();
    const RequestId id = one.peer->reserve();
    one.peer->cancel(id);
    CHECK(error_of(one.request("1", id)) == asio::error::operation_aborted);
    CHECK(connection->sent.empty());
}

TEST_CASE("what a lost connection did not send goes out first on the next") {
    OnePeer one;
    const auto first = one.connect();
    for (const char* body : {"1", "2", "3"}) {
        one.request(body);
    }
    one.lose(first, {1, 2});
    one.request("4");
    const auto second = one.connect();
    CHECK(bodies(*second) == Bodies{"2", "3", "4"});
}

TEST_CASE("what was cancelled meanwhile is not sent again") {
    OnePeer one;
    const auto first = one.connect();
    const RequestId id = one.peer->reserve();
    one.request("cancelled", id);
    one.request("kept");
    one.peer->cancel(id);
    one.lose(first, {0, 1});
    CHECK(bodies(*one.connect()) == Bodies{"kept"});
}

TEST_CASE("a request that was sent may be answered on the next connection") {
    OnePeer one;
    const auto first = one.connect();
    const auto request = one.request("1");
    one.lose(first);
    const auto second = one.connect();
    CHECK(second->sent.empty());
    one.answer(first->sent[0], "late, and welcome");
    CHECK(request->body == "late, and welcome");
}

TEST_CASE("when the resume window ends, what was sent has failed and what waits goes on waiting") {
    OnePeer one(1ms);
    const auto first = one.connect();
    const auto sent = one.request("sent");
    const auto waits = one.request("waits");
    one.lose(first, {1});
    one.run_until(sent);
    CHECK(error_of(sent) == errc::connection_lost);
    CHECK(waits->completions == 0);
    CHECK(bodies(*one.connect()) == Bodies{"waits"});
}

TEST_CASE("a request ends at its deadline, and is not sent after it") {
    OnePeer one;
    const auto request = one.start(MessageType::request, "1", 0, true, 0ms);
    one.run_until(request);
    CHECK(error_of(request) == errc::timeout);
    CHECK(one.connect()->sent.empty());
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

TEST_CASE("closing ends every request with the reason, and lets none in until it is opened") {
    OnePeer one;
    const auto sent_over = one.connect();
    const auto sent = one.request("1");
    one.peer->close({errc::closed, "the reason"});
    CHECK(error_of(sent) == errc::closed);
    CHECK(sent->error->message == "the reason");
    CHECK(sent_over->closed == 1);
    CHECK_FALSE(one.peer->is_connected());
    CHECK(error_of(one.request("2")) == errc::closed);
    const auto refused = one.connect();
    CHECK(refused->closed == 1);
    CHECK(refused->sent.empty());

    one.peer->open();
    const auto later = one.request("3");
    CHECK(later->completions == 0);
    CHECK(bodies(*one.connect()) == Bodies{"3"});
}

TEST_CASE("requests that ended by closing are not sent after opening again") {
    OnePeer one;
    const auto first = one.connect();
    const auto request = one.request("1");
    one.peer->close({errc::closed});
    one.peer->open();
    one.lose(first, {0});
    CHECK(error_of(request) == errc::closed);
    CHECK(one.connect()->sent.empty());
}

TEST_CASE("an answer goes out over the connection its request came by, else the next, else it waits") {
    OnePeer one;
    const auto first = one.connect();
    const auto answer = [&](std::string_view text) {
        communica::Buffer body;
        body.append(text);
        one.peer->answer(*first, "{\"id\": \"x\", \"type\": ", "}", MessageType::ok, body);
    };
    answer("1");
    CHECK(first->sent == std::vector<test::SentMessage>{{R"({"id": "x", "type": 11})", "1"}});
    one.lose(first);
    answer("2");
    const auto second = one.connect();
    CHECK(bodies(*second) == Bodies{"2"});
    answer("3");
    CHECK(bodies(*second) == Bodies{"2", "3"});
}

TEST_CASE("an oversized answer fails its request and leaves the others") {
    OnePeer one;
    const auto connection = one.connect();
    const auto large = one.request("1");
    const auto other = one.request("2");
    communica::peer::Inbox inbox(one.peer, connection);
    std::string metadata = connection->sent[0].metadata;
    metadata.replace(metadata.find("\"type\": 1"), 9, "\"type\": 11");
    inbox.on_oversized(metadata);
    CHECK(error_of(large) == errc::message_too_large);
    CHECK(other->completions == 0);
}

TEST_CASE("an oversized request is refused with 413, an oversized notification in silence") {
    OnePeer one;
    const auto connection = one.connect();
    communica::peer::Inbox inbox(one.peer, connection);
    inbox.on_oversized(R"({"id": "", "type": 2})");
    CHECK(connection->sent.empty());
    inbox.on_oversized(R"({"id": "x", "type": 1})");
    REQUIRE(connection->sent.size() == 1);
    CHECK(connection->sent[0].metadata == R"({"id": "x", "type": 41})");
    const auto body = nlohmann::json::parse(connection->sent[0].body);
    CHECK(body["code"] == 413);
    CHECK(body["errc"] == "message_too_large");
}

TEST_CASE("a peer is idle when nothing is left of it") {
    OnePeer one;
    CHECK(one.peer->is_idle());
    const RequestId id = one.peer->reserve();
    one.request("1", id);
    CHECK_FALSE(one.peer->is_idle());
    one.peer->cancel(id);
    CHECK(one.peer->is_idle());
    const auto connection = one.connect();
    CHECK_FALSE(one.peer->is_idle());
    one.lose(connection);
    CHECK(one.peer->is_idle());
    const auto handler = one.peer->begin_handler(one.context.get_executor());
    CHECK_FALSE(one.peer->is_idle());
    one.peer->end_handler(*handler);
    CHECK(one.peer->is_idle());
}

TEST_CASE("nothing that waits for nobody keeps the context at work") {
    OnePeer one;
    const RequestId id = one.peer->reserve();
    one.start(MessageType::request, "1", id, true, 1h);
    one.peer->cancel(id);
    CHECK(one.context.run_for(60s) <= 1);  // the cancelled wait alone
    CHECK(one.context.stopped());
}

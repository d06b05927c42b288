// What the two sides tell each other over the next connection of one session: what they have of the one before.
#include "unit/peer/one_peer.hpp"

namespace peer_resume_tests {

namespace {

using communica::errc;
using communica::peer::full_offer;
using communica::peer::Outgoing;
using test::error_of;
using test::OnePeer;
using test::SentMessage;

const std::string resumed_metadata = R"({"id": "", "type": 5})";

SentMessage resumed(const std::string& ids) { return {resumed_metadata, ids}; }

std::string id_of(const SentMessage& message) {
    return nlohmann::json::parse(message.metadata).at("id").get<std::string>();
}

void hear(const OnePeer& one, const communica::Connection& connection, std::string_view ids) {
    one.peer->on_resumed(connection, communica::as_bytes(ids));
}

/// A request that may be sent again.
std::shared_ptr<test::Outcome> request_idempotent(const OnePeer& one, std::string_view body) {
    Outgoing outgoing{.idempotent = true};
    outgoing.body.append(body);
    auto outcome = std::make_shared<test::Outcome>();
    one.peer->requester()->start(0, std::move(outgoing), test::RecordedOperation::make(outcome));
    return outcome;
}

}  // namespace

TEST_CASE("the first connection has nothing to say of one before") {
    OnePeer one;
    CHECK(one.connect(full_offer("a", 1000))->sent.empty());
}

TEST_CASE("over the next connection this side says what is at work here, if the other side has offered to hear it") {
    OnePeer one;
    const auto first = one.connect(full_offer("a", 1000));
    const auto call = one.begin(first);
    one.lose(first);
    const auto second = one.connect(full_offer("a", 1000));
    CHECK(second->sent == std::vector{resumed(R"(["x"])")});
    one.finish(*call, "result");
    one.lose(second);
    CHECK(one.connect(full_offer("a", 1000))->sent == std::vector{resumed("[]")});

    OnePeer other;
    other.lose(other.connect({.session = "a"}));
    CHECK(other.connect({.session = "a"})->sent.empty());
}

TEST_CASE("it says so, too, to a session that was not there before: who asked before has been forgotten") {
    OnePeer one;
    one.lose(one.connect(full_offer("a", 1000)));
    one.lose(one.connect());
    CHECK(one.connect(full_offer("a", 1000))->sent == std::vector{resumed("[]")});
}

TEST_CASE("where several servers read one queue nothing is said: whoever reads it may not be who was asked") {
    OnePeer one;
    one.lose(one.connect(full_offer("a", 1000)));
    auto shared = std::make_shared<test::RecordingConnection>(one.context);
    shared->one_reader = false;
    one.peer->attach(shared, full_offer("a", 1000));
    CHECK(shared->sent.empty());
}

TEST_CASE("a request that the other side does not have is lost at once, and one that it has is waited for") {
    OnePeer one;
    const auto first = one.connect(full_offer("a", 1000));
    const auto lost = one.request("lost");
    const auto at_work = one.request("at work");
    const std::string id = id_of(first->sent.at(1));
    one.lose(first);
    const auto second = one.connect(full_offer("a", 1000));
    const auto later = one.request("later");
    hear(one, *second, R"([")" + id + R"(", "of nobody"])");
    CHECK(error_of(lost) == errc::connection_lost);
    CHECK(at_work->completions == 0);
    CHECK(later->completions == 0);
}

TEST_CASE("what is no resumption says nothing") {
    OnePeer one;
    const auto first = one.connect(full_offer("a", 1000));
    const auto asked = one.request("asked");
    one.lose(first);
    const auto second = one.connect(full_offer("a", 1000));
    for (const std::string_view text : {"", "{}", R"(["a")", "[1]"}) {
        hear(one, *second, text);
        CHECK(asked->completions == 0);
    }
    hear(one, *second, "[]");
    CHECK(error_of(asked) == errc::connection_lost);
}

TEST_CASE("an idempotent request that the other side does not have is sent again, in its turn") {
    OnePeer one;
    const auto first = one.connect(full_offer("a", 1000));
    const auto again = request_idempotent(one, "again");
    const auto second = one.connect(full_offer("a", 1000));
    one.lose(first);
    CHECK(test::bodies(*second) == test::Bodies{"again", "[]"});
    hear(one, *second, "[]");
    CHECK(test::bodies(*second) == test::Bodies{"again", "[]"});
    CHECK(again->completions == 0);
}

TEST_CASE("both wait until an earlier connection has ended: what it did not send is not lost") {
    OnePeer one;
    const auto first = one.connect(full_offer("a", 1000));
    const auto unsent = one.request("unsent");
    const auto lost = one.request("lost");
    const auto call = one.begin(first);
    const auto second = one.connect(full_offer("a", 1000));
    CHECK(second->sent.empty());
    hear(one, *second, "[]");
    CHECK(lost->completions == 0);
    one.lose(first, {0});
    CHECK(test::bodies(*second) == test::Bodies{"unsent", R"(["x"])"});
    CHECK(error_of(lost) == errc::connection_lost);
    CHECK(unsent->completions == 0);
}

TEST_CASE("what an earlier connection says of its past is late") {
    OnePeer one;
    const auto first = one.connect(full_offer("a", 1000));
    const auto asked = one.request("asked");
    const auto second = one.connect(full_offer("a", 1000));
    hear(one, *first, "[]");
    one.lose(first);
    CHECK(asked->completions == 0);
}

TEST_CASE("who has given up offers another session") {
    OnePeer one(std::chrono::milliseconds{1});
    const auto first = one.connect(full_offer("a", 1000));
    const auto sent = one.request("sent");
    const std::string session = one.peer->offer().session;
    CHECK(session == test::session_of(first->sent.at(0)));
    one.lose(first);
    CHECK(one.peer->offer().session == session);
    one.run_until([&] { return sent->completions == 1; });
    CHECK(error_of(sent) == errc::connection_lost);
    CHECK(one.peer->offer().session != session);
    const auto second = one.connect(full_offer("a", 1000));
    const auto later = one.request("later");
    CHECK(test::session_of(second->sent.back()) == one.peer->offer().session);
}

TEST_CASE("who closes in order answers nothing any more: what was sent is lost at once") {
    OnePeer one;
    const auto first = one.connect(full_offer("a", 1000));
    const auto sent = one.request("sent");
    const auto unsent = one.request("unsent");
    const auto again = request_idempotent(one, "again");
    one.lose(first, {1}, errc::closed);
    CHECK(error_of(sent) == errc::connection_lost);
    CHECK(unsent->completions == 0);
    CHECK(again->completions == 0);
    CHECK(test::bodies(*one.connect(full_offer("b", 1000))) == test::Bodies{"[]", "again", "unsent"});
}

}  // namespace peer_resume_tests

#include "support/catch.hpp"
#include "unit/peer/one_requester.hpp"

#include <communica/peer/sender.hpp>

namespace sender_tests {

namespace {

using namespace std::chrono_literals;
using communica::peer::Capabilities;
using communica::peer::Outgoing;
using communica::peer::Sender;
using communica::wire::MessageType;
using Sent = Sender::Sent;
using Left = std::optional<communica::peer::Clock::duration>;

struct Sending {
    explicit Sending(Capabilities offer = {}) { sender.attach(connection, std::move(offer)); }

    Sent send(Outgoing message, Left left = 30s) {
        message.timeout = left;
        return sender.send(id, message);
    }
    /// The metadata that goes out, but for its id.
    std::string metadata_of(Outgoing message, Left left = 30s) {
        CHECK(send(std::move(message), left) == Sent::yes);
        return connection->sent.back().metadata.substr(43);
    }

    asio::io_context context;
    std::shared_ptr<test::RecordingConnection> connection = std::make_shared<test::RecordingConnection>(context);
    communica::peer::RequestIdCodec::Id id = communica::peer::RequestIdCodec().write(7);
    Sender sender;
};

Outgoing with_headers(MessageType type = MessageType::request) {
    auto message = test::outgoing("body");
    message.type = type;
    message.headers = R"({"k":"v"})";
    return message;
}

}  // namespace

TEST_CASE("a sender is open from one connection's begin to its end, unless the other side drains") {
    Sender sender;
    CHECK_FALSE(sender.is_connected());
    CHECK_FALSE(sender.is_open());
    asio::io_context context;
    const auto connection = std::make_shared<test::RecordingConnection>(context);
    const test::RecordingConnection other(context);
    sender.attach(connection, {});
    CHECK(sender.is_open());
    CHECK(sender.is_connected_by(*connection));
    CHECK_FALSE(sender.is_connected_by(other));
    sender.set_draining();
    CHECK(sender.is_connected());
    CHECK(sender.is_draining());
    CHECK_FALSE(sender.is_open());
    sender.attach(connection, {});
    CHECK(sender.is_open());
    sender.detach();
    CHECK_FALSE(sender.is_connected());
}

TEST_CASE("to who offers nothing requests go out as the Python library writes them") {
    Sending sending;
    CHECK(sending.metadata_of(with_headers()) == R"("type": 1})");
    CHECK(sending.metadata_of(with_headers(), std::nullopt) == R"("type": 1})");
    CHECK(sending.metadata_of(with_headers(), 5s) == R"("type": 1})");
    CHECK(sending.connection->sent[0].metadata.substr(0, 43) ==
          "{\"id\": \"" + std::string(sending.id.begin(), sending.id.end()) + "\", ");
}

TEST_CASE("to who understands deadlines the time goes along that is left") {
    Sending sending({.deadline = true});
    CHECK(sending.metadata_of(with_headers(), 30s) == R"("type": 1})");
    CHECK(sending.metadata_of(with_headers(), std::nullopt) == R"("type": 1, "timeout": null})");
    CHECK(sending.metadata_of(with_headers(), 5s) == R"("type": 1, "timeout": 5000})");
    CHECK(sending.metadata_of(with_headers(), 1ns) == R"("type": 1, "timeout": 1})");
    CHECK(sending.metadata_of(with_headers(), -5s) == R"("type": 1, "timeout": 0})");
}

TEST_CASE("to who shows headers to handlers they go along, with notifications too") {
    Sending sending({.headers = true});
    CHECK(sending.metadata_of(with_headers()) == R"("type": 1, "headers": {"k":"v"}})");
    CHECK(sending.send(with_headers(MessageType::notification)) == Sent::yes);
    CHECK(sending.connection->sent.back().metadata == R"({"id": "", "type": 2, "headers": {"k":"v"}})");
}

TEST_CASE("a notification has neither number nor time") {
    Sending sending({.deadline = true});
    for (const Left left : {Left(), Left(5s)}) {
        CHECK(sending.send(with_headers(MessageType::notification), left) == Sent::yes);
        CHECK(sending.connection->sent.back().metadata == R"({"id": "", "type": 2})");
    }
}

TEST_CASE("a flush goes to who understands it alone") {
    Sending silent;
    CHECK(silent.send(with_headers(MessageType::flush)) == Sent::not_supported);
    CHECK(silent.connection->sent.empty());
    CHECK(silent.sender.error_of(Sent::not_supported).code == communica::errc::not_supported);
    Sending telling({.flush = true});
    CHECK(telling.metadata_of(with_headers(MessageType::flush)) == R"("type": 6})");
}

TEST_CASE("a flush is certain of what a flush has confirmed, or what has not gone out") {
    Sending sending({.flush = true});
    const auto again = [&] { sending.sender.attach(sending.connection, {.flush = true}); };
    const std::string_view id(sending.id.data(), sending.id.size());
    CHECK(sending.send(with_headers(MessageType::notification)) == Sent::yes);
    CHECK(sending.send(with_headers(MessageType::flush)) == Sent::yes);
    sending.sender.on_answer(id);
    again();
    CHECK(sending.send(with_headers(MessageType::flush)) == Sent::yes);
    CHECK(sending.send(with_headers(MessageType::notification)) == Sent::yes);
    sending.sender.on_answer(id);  // of what was before it
    again();
    CHECK(sending.send(with_headers(MessageType::flush)) == Sent::unknown_before);
    CHECK(sending.send(with_headers(MessageType::flush)) == Sent::yes);
    CHECK(sending.send(with_headers(MessageType::notification)) == Sent::yes);
    sending.sender.on_answer("another");
    sending.sender.on_unsent_notification(true, {});
    again();
    CHECK(sending.send(with_headers(MessageType::flush)) == Sent::yes);
}

TEST_CASE("notifications that their connection did not confirm before it ended are returned once") {
    const communica::peer::Capabilities offer{.flush = true, .ahead = {.items = 10, .bytes = 1000}};
    Sending sending(offer);
    const auto notify = [&](int count) {
        for (int number = 0; number != count; ++number) {
            CHECK(sending.send(with_headers(MessageType::notification)) == Sent::yes);
        }
    };
    notify(5);
    CHECK(sending.sender.on_notifications_ended({.all = 1, .failed = 1}) == 1);
    CHECK(sending.sender.on_notifications_ended({.all = 2, .failed = 1}) == 0);
    CHECK(sending.sender.on_notifications_ended({.all = 2, .failed = 100}) == 1);  // at most as many as have ended
    CHECK(sending.sender.take_unconfirmed().count() == 0);
    sending.sender.attach(sending.connection, offer);  // replaces the connection
    sending.sender.on_unsent_notification(false, {});
    CHECK(sending.sender.take_unconfirmed().count() == 2);
    CHECK(sending.sender.take_unconfirmed().count() == 0);

    notify(4);
    sending.sender.on_unsent_notification(true, {});
    sending.sender.detach();
    CHECK(sending.sender.take_unconfirmed().count() == 3);

    sending.sender.attach(sending.connection, offer);
    CHECK(sending.send(with_headers(MessageType::flush)) == Sent::unknown_before);
    notify(1);
    CHECK(sending.send(with_headers(MessageType::flush)) == Sent::yes);
    notify(1);
    sending.sender.on_answer({sending.id.data(), sending.id.size()});
    sending.sender.detach();
    CHECK(sending.sender.take_unconfirmed().count() == 1);  // the flush has confirmed the other

    sending.sender.attach(sending.connection, offer);
    notify(1);
    sending.sender.close();
    CHECK(sending.sender.take_unconfirmed().count() == 0);
}

TEST_CASE("the routes of unconfirmed notifications are those of the last that were sent, and not taken back") {
    const communica::peer::Capabilities offer{.ahead = {.items = 1000, .bytes = 100'000}};
    Sending sending(offer);
    const auto notify = [&](const std::string& route, int count = 1) {
        for (int number = 0; number != count; ++number) {
            auto message = with_headers(MessageType::notification);
            message.quoted_route = '"' + route + '"';
            CHECK(sending.send(std::move(message)) == Sent::yes);
        }
    };
    const auto told = [&] { return sending.sender.take_unconfirmed().text({communica::errc::closed, "gone"}); };
    const std::string lost = " notifications that were sent may be lost ";
    notify("event", 3);
    notify("log", 2);
    notify("event", 2);
    sending.sender.on_notifications_ended({.all = 2, .failed = 0});
    sending.sender.on_unsent_notification(true, R"("log")");
    sending.sender.attach(sending.connection, offer);  // replaces the connection
    sending.sender.on_unsent_notification(false, R"("event")");
    CHECK(told() == "up to 3" + lost + R"(("event": 2, "log": 1): gone)");

    for (int number = 0; number != 70; ++number) {
        notify("route " + std::to_string(100 + number), 2);
    }
    notify(std::string(300, 'r'));
    sending.sender.on_notifications_ended({.all = 2 * 60, .failed = 0});
    sending.sender.detach();
    CHECK(told() ==
          "up to 21" + lost +
              R"(("route 160": 2, "route 161": 2, "route 162": 2, "route 163": 2, 13 of other routes): gone)");

    sending.sender.attach(sending.connection, offer);  // has numbers of its own
    notify("route 169", 5);
    sending.sender.detach();
    CHECK(told() == "up to 5" + lost + R"(("route 169": 5): gone)");
}

TEST_CASE("a message that is not sent keeps its body") {
    Sending sending({.max_message = 100});
    auto small = test::outgoing("small");
    sending.connection->room = 0;
    CHECK(sending.sender.send(sending.id, small) == Sent::no_room);
    CHECK(small.body.text() == "small");
    auto large = test::outgoing(std::string(100, 'b'));
    CHECK(sending.sender.send(sending.id, large) == Sent::too_large);
    CHECK(large.body.size() == 100);
    CHECK(sending.connection->sent.empty());
}

TEST_CASE("metadata and body together count against what the other side takes") {
    const std::size_t metadata_size =
        std::string_view(R"({"id": "0123456789abcdef0123456789abcdef", "type": 1})").size();
    Sending sending({.max_message = metadata_size + 10});
    CHECK(sending.send(test::outgoing(std::string(10, 'b'))) == Sent::yes);
    CHECK(sending.send(test::outgoing(std::string(11, 'b'))) == Sent::too_large);
}

TEST_CASE("a cancellation is told to who understands it, room or not") {
    Sending sending({.cancel = true});
    sending.connection->room = 0;
    sending.sender.cancel(sending.id);
    CHECK(sending.connection->sent ==
          std::vector<test::SentMessage>{
              {"{\"id\": \"" + std::string(sending.id.begin(), sending.id.end()) + "\", \"type\": 3}", ""}});

    Sending silent;
    silent.sender.cancel(silent.id);
    CHECK(silent.connection->sent.empty());
    Sender nobody;
    nobody.cancel(sending.id);
}

}  // namespace sender_tests

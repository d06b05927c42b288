#include "support/catch.hpp"
#include "support/recording_connection.hpp"

#include <communica/peer/outbox.hpp>

namespace {

using communica::peer::Outbox;
using communica::peer::RequestId;
using communica::peer::Waiting;

Waiting waiting(RequestId id, std::string_view body) {
    Waiting message{.id = id, .metadata = "m" + std::to_string(id), .body = {}};
    message.body.append(body);
    return message;
}

struct Sending {
    asio::io_context context;
    test::RecordingConnection connection{context};
    std::vector<RequestId> told;

    void from(Outbox& outbox) {
        outbox.send_to(connection, [this](RequestId id) { told.push_back(id); });
    }
};

}  // namespace

TEST_CASE("an outbox sends what waits in its order, and tells of each") {
    Outbox outbox;
    CHECK(outbox.empty());
    CHECK_FALSE(outbox.oldest());
    outbox.add(waiting(1, "a"));
    outbox.add(waiting(0, "b"));
    outbox.add(waiting(3, "c"));
    CHECK(outbox.oldest() == 1);

    Sending sending;
    sending.from(outbox);
    CHECK(sending.connection.sent == std::vector<test::SentMessage>{{"m1", "a"}, {"m0", "b"}, {"m3", "c"}});
    CHECK(sending.told == std::vector<RequestId>{1, 0, 3});
    CHECK(outbox.empty());
}

TEST_CASE("what a connection does not take keeps waiting, whole") {
    Outbox outbox;
    outbox.add(waiting(1, "a"));
    outbox.add(waiting(2, "b"));
    outbox.add(waiting(3, "c"));
    Sending first;
    first.connection.capacity = 1;
    first.from(outbox);
    CHECK(first.told == std::vector<RequestId>{1});
    CHECK(outbox.oldest() == 2);
    Sending second;
    second.from(outbox);
    CHECK(second.connection.sent == std::vector<test::SentMessage>{{"m2", "b"}, {"m3", "c"}});
}

TEST_CASE("what is put back goes out first") {
    Outbox outbox;
    outbox.add(waiting(3, "c"));
    outbox.put_back(waiting(2, "b"));
    outbox.put_back(waiting(1, "a"));
    Sending sending;
    sending.from(outbox);
    CHECK(sending.told == std::vector<RequestId>{1, 2, 3});
}

TEST_CASE("a request is taken out from anywhere, by its number") {
    for (RequestId taken = 1; taken != 4; ++taken) {
        Outbox outbox;
        outbox.add(waiting(1, "body 1"));
        outbox.add(waiting(2, "body 2"));
        outbox.add(waiting(3, "body 3"));
        CHECK(outbox.contains(taken));
        const Waiting message = outbox.take(taken);
        CHECK(message.id == taken);
        CHECK(message.body.text() == "body " + std::to_string(taken));
        CHECK_FALSE(outbox.contains(taken));
        Sending sending;
        sending.from(outbox);
        CHECK(sending.told.size() == 2);
    }
}

TEST_CASE("taking or dropping what is not there changes nothing") {
    Outbox outbox;
    outbox.add(waiting(1, "a"));
    CHECK(outbox.take(7).id == 0);
    outbox.drop(7);
    CHECK(outbox.contains(1));
    outbox.drop(1);
    CHECK(outbox.empty());
}

TEST_CASE("messages without a number are not found by one") {
    Outbox outbox;
    outbox.add(waiting(0, "an answer"));
    CHECK_FALSE(outbox.contains(0));
    outbox.drop(0);
    CHECK(outbox.take(0).metadata.empty());
    CHECK_FALSE(outbox.empty());
    outbox.clear();
    CHECK(outbox.empty());
}

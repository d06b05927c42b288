#include "support/catch.hpp"

#include <communica/peer/outbox.hpp>

namespace outbox_tests {

namespace {

using communica::peer::Outbox;
using communica::peer::Outgoing;
using communica::peer::RequestId;

Outgoing message(std::string_view body) {
    Outgoing message;
    message.body.append(body);
    return message;
}

/// Takes all that waits, front first.
std::vector<std::pair<RequestId, std::string>> take_all(Outbox& outbox) {
    std::vector<std::pair<RequestId, std::string>> all;
    while (!outbox.empty()) {
        all.emplace_back(outbox.front().id, outbox.front().message.body.text());
        outbox.erase(outbox.begin());
    }
    return all;
}

using All = std::vector<std::pair<RequestId, std::string>>;

const std::size_t each = message("a").size();

}  // namespace

TEST_CASE("an outbox gives what waits in its order") {
    Outbox outbox;
    CHECK(outbox.empty());
    outbox.add(1, message("a"));
    outbox.add(0, message("b"));
    outbox.add(3, message("c"));
    CHECK(outbox.size() == 3);
    CHECK(take_all(outbox) == All{{1, "a"}, {0, "b"}, {3, "c"}});
    CHECK(outbox.empty());
}

TEST_CASE("what is put back comes first") {
    Outbox outbox;
    outbox.add(3, message("c"));
    outbox.put_back(2, message("b"));
    outbox.put_back(1, message("a"));
    CHECK(take_all(outbox) == All{{1, "a"}, {2, "b"}, {3, "c"}});
}

TEST_CASE("a request is taken out from anywhere, by its number") {
    for (RequestId taken = 1; taken != 4; ++taken) {
        Outbox outbox;
        outbox.add(1, message("body 1"));
        outbox.add(2, message("body 2"));
        outbox.add(3, message("body 3"));
        CHECK(outbox.contains(taken));
        const auto found = outbox.take(taken);
        REQUIRE(found);
        CHECK(found->body.text() == "body " + std::to_string(taken));
        CHECK_FALSE(outbox.contains(taken));
        CHECK_FALSE(outbox.take(taken));
        CHECK(take_all(outbox).size() == 2);
    }
}

TEST_CASE("taking what is not there changes nothing") {
    Outbox outbox;
    outbox.add(1, message("a"));
    CHECK_FALSE(outbox.take(7));
    CHECK(outbox.contains(1));
    CHECK(outbox.bytes() == each);
}

TEST_CASE("messages without a number are not found by one") {
    Outbox outbox;
    outbox.add(0, message("nobody waits for it"));
    CHECK_FALSE(outbox.contains(0));
    CHECK_FALSE(outbox.take(0));
    CHECK_FALSE(outbox.empty());
    outbox.clear();
    CHECK(outbox.empty());
}

TEST_CASE("an outbox knows the bytes of all that waits") {
    Outbox outbox;
    CHECK(outbox.bytes() == 0);
    outbox.add(1, message("a"));
    outbox.put_back(2, message("b"));
    outbox.add(0, message("c"));
    CHECK(outbox.bytes() == 3 * each);
    outbox.take(1);
    CHECK(outbox.bytes() == 2 * each);
    outbox.erase(outbox.begin());
    CHECK(outbox.bytes() == each);
    outbox.clear();
    CHECK(outbox.bytes() == 0);
    outbox.add(1, message("a"));
    CHECK(outbox.bytes() == each);
}

TEST_CASE("a message whose body was taken counts for what it was") {
    Outbox outbox;
    outbox.add(1, message("a body"));
    outbox.add(2, message("a"));
    outbox.front().message.body = communica::Buffer();
    outbox.erase(outbox.begin());
    CHECK(outbox.bytes() == each);
    outbox.erase(outbox.begin());
    CHECK(outbox.bytes() == 0);
}

}  // namespace outbox_tests

#include "support/catch.hpp"

#include <communica/peer/unsent_queue.hpp>

#include <algorithm>
#include <array>

namespace outbox_tests {

namespace {

using communica::peer::Outgoing;
using communica::peer::RequestId;
using communica::peer::UnsentQueue;

Outgoing message(std::string_view body) {
    Outgoing message;
    message.body.append(body);
    return message;
}

Outgoing of(communica::Priority priority, std::string_view body) {
    Outgoing outgoing = message(body);
    outgoing.priority = priority;
    return outgoing;
}

/// Takes all that waits, front first.
std::vector<std::pair<RequestId, std::string>> take_all(UnsentQueue& unsent_queue) {
    std::vector<std::pair<RequestId, std::string>> all;
    while (!unsent_queue.empty()) {
        all.emplace_back(unsent_queue.front().id, unsent_queue.front().message.body.text());
        unsent_queue.erase(unsent_queue.begin());
    }
    return all;
}

using All = std::vector<std::pair<RequestId, std::string>>;

const std::size_t each = message("a").size();

}  // namespace

TEST_CASE("an unsent_queue gives what waits in its order") {
    UnsentQueue unsent_queue;
    CHECK(unsent_queue.empty());
    unsent_queue.add(1, message("a"));
    unsent_queue.add(0, message("b"));
    unsent_queue.add(3, message("c"));
    CHECK(unsent_queue.size() == 3);
    CHECK(take_all(unsent_queue) == All{{1, "a"}, {0, "b"}, {3, "c"}});
    CHECK(unsent_queue.empty());
}

TEST_CASE("what is put back comes first") {
    UnsentQueue unsent_queue;
    unsent_queue.add(3, message("c"));
    unsent_queue.put_back(2, message("b"));
    unsent_queue.put_back(1, message("a"));
    CHECK(take_all(unsent_queue) == All{{1, "a"}, {2, "b"}, {3, "c"}});
}

TEST_CASE("a request is taken out from anywhere, by its number") {
    for (RequestId taken = 1; taken != 4; ++taken) {
        UnsentQueue unsent_queue;
        unsent_queue.add(1, message("body 1"));
        unsent_queue.add(2, message("body 2"));
        unsent_queue.add(3, message("body 3"));
        CHECK(unsent_queue.contains(taken));
        const auto found = unsent_queue.take(taken);
        REQUIRE(found);
        CHECK(found->body.text() == "body " + std::to_string(taken));
        CHECK_FALSE(unsent_queue.contains(taken));
        CHECK_FALSE(unsent_queue.take(taken));
        CHECK(take_all(unsent_queue).size() == 2);
    }
}

TEST_CASE("taking what is not there changes nothing") {
    UnsentQueue unsent_queue;
    unsent_queue.add(1, message("a"));
    CHECK_FALSE(unsent_queue.take(7));
    CHECK(unsent_queue.contains(1));
    CHECK(unsent_queue.bytes() == each);
}

TEST_CASE("messages without a number are not found by one") {
    UnsentQueue unsent_queue;
    unsent_queue.add(0, message("nobody waits for it"));
    CHECK_FALSE(unsent_queue.contains(0));
    CHECK_FALSE(unsent_queue.take(0));
    CHECK_FALSE(unsent_queue.empty());
    unsent_queue.clear();
    CHECK(unsent_queue.empty());
}

TEST_CASE("an unsent_queue knows the bytes of all that waits") {
    UnsentQueue unsent_queue;
    CHECK(unsent_queue.bytes() == 0);
    unsent_queue.add(1, message("a"));
    unsent_queue.put_back(2, message("b"));
    unsent_queue.add(0, message("c"));
    CHECK(unsent_queue.bytes() == 3 * each);
    unsent_queue.take(1);
    CHECK(unsent_queue.bytes() == 2 * each);
    unsent_queue.erase(unsent_queue.begin());
    CHECK(unsent_queue.bytes() == each);
    unsent_queue.clear();
    CHECK(unsent_queue.bytes() == 0);
    unsent_queue.add(1, message("a"));
    CHECK(unsent_queue.bytes() == each);
}

TEST_CASE("a message whose body was taken counts for what it was") {
    UnsentQueue unsent_queue;
    unsent_queue.add(1, message("a body"));
    unsent_queue.add(2, message("a"));
    unsent_queue.front().message.body = communica::Buffer();
    unsent_queue.erase(unsent_queue.begin());
    CHECK(unsent_queue.bytes() == each);
    unsent_queue.erase(unsent_queue.begin());
    CHECK(unsent_queue.bytes() == 0);
}

TEST_CASE("messages of high priority come first and those of low last, each in the order in which they were added") {
    using enum communica::Priority;
    std::vector<int> order{0, 1, 2, 3, 4, 5};
    do {
        UnsentQueue unsent_queue;
        All expected;
        for (const int index : order) {
            const auto priority = std::array{low, normal, high}[static_cast<std::size_t>(index / 2)];
            unsent_queue.add(static_cast<RequestId>(index), of(priority, ""));
        }
        for (const int priority : {2, 1, 0}) {
            for (const int index : order) {
                if (index / 2 == priority) {
                    expected.emplace_back(index, "");
                }
            }
        }
        REQUIRE(take_all(unsent_queue) == expected);
    } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("what is put back comes before what waits with its priority, however much of it is taken out between") {
    using enum communica::Priority;
    UnsentQueue unsent_queue;
    unsent_queue.add(1, of(low, "l1"));
    unsent_queue.add(2, of(normal, "n1"));
    unsent_queue.add(3, of(high, "h1"));
    for (const RequestId id : {1U, 2U, 3U}) {
        unsent_queue.take(id);
        unsent_queue.put_back(id, of(std::array{low, normal, high}[id - 1], "back"));
        unsent_queue.add(id + 3, of(std::array{low, normal, high}[id - 1], "new"));
    }
    unsent_queue.put_back(7, of(low, "first"));
    unsent_queue.put_back(8, of(high, "first"));
    CHECK(take_all(unsent_queue) ==
          All{{8, "first"}, {3, "back"}, {6, "new"}, {2, "back"}, {5, "new"}, {7, "first"}, {1, "back"}, {4, "new"}});
}

TEST_CASE("a new message has those before it that are of its priority or a higher one") {
    using enum communica::Priority;
    UnsentQueue unsent_queue;
    CHECK_FALSE(unsent_queue.has_before(low));
    unsent_queue.add(1, of(normal, ""));
    CHECK(unsent_queue.has_before(low));
    CHECK(unsent_queue.has_before(normal));
    CHECK_FALSE(unsent_queue.has_before(high));
    unsent_queue.take(1);
    CHECK_FALSE(unsent_queue.has_before(low));
    unsent_queue.add(2, of(low, ""));
    unsent_queue.clear();
    CHECK_FALSE(unsent_queue.has_before(low));
}

TEST_CASE("a flush comes behind all that waits, whatever its priority") {
    using enum communica::Priority;
    UnsentQueue unsent_queue;
    Outgoing flush;
    flush.type = communica::wire::MessageType::flush;
    unsent_queue.add(0, of(low, "l"));
    unsent_queue.add(1, std::move(flush));
    unsent_queue.add(0, of(normal, "n"));
    CHECK(take_all(unsent_queue) == All{{0, "n"}, {0, "l"}, {1, ""}});
}

}  // namespace outbox_tests

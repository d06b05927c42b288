// Which messages a queue gives back after a connection broke: exactly those that did not go out whole.
#include "support/catch.hpp"
#include "support/frames.hpp"

#include <communica/stream/write_queue.hpp>

#include <ostream>

namespace write_queue_unsent_tests {

namespace {

using communica::Buffer;
using communica::SendClass;
using communica::stream::WriteQueue;

struct Text {
    std::string metadata;
    std::string body;
    bool operator==(const Text&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Text& text) {
        return out << text.metadata << " + " << text.body.size();
    }
};
using Texts = std::vector<Text>;

void push(WriteQueue& queue, const Texts& messages) {
    for (const Text& message : messages) {
        Buffer body;
        body.append(message.body);
        queue.push(SendClass::request, message.metadata, body);
    }
}

Texts unsent(WriteQueue& queue) {
    Texts messages;
    for (const auto& message : queue.take_unsent()) {
        messages.push_back({message.metadata, std::string(message.body.text())});
    }
    return messages;
}

/// Where in the bytes of a write each message begins.
std::vector<std::size_t> starts_of(const Texts& messages, const communica::Limits& limits) {
    std::vector<std::size_t> starts;
    WriteQueue queue(limits);
    for (const Text& message : messages) {
        starts.push_back(queue.size());
        push(queue, {message});
    }
    starts.push_back(queue.size());
    return starts;
}

/// Breaks a write of `flying` off at every byte, with `queued` behind it.
void check_every_position(const Texts& flying, const Texts& queued, const communica::Limits& limits) {
    const auto starts = starts_of(flying, limits);
    for (std::size_t position = 0; position <= starts.back(); ++position) {
        WriteQueue queue(limits);
        push(queue, flying);
        queue.begin_write();
        push(queue, queued);
        queue.end_write(position);

        Texts expected;
        for (std::size_t index = 0; index != flying.size(); ++index) {
            if (starts[index + 1] > position) {
                expected.push_back(flying[index]);
            }
        }
        expected.insert(expected.end(), queued.begin(), queued.end());
        INFO("broken off after " << position << " of " << starts.back());
        REQUIRE(unsent(queue) == expected);
        REQUIRE(queue.empty());
        REQUIRE(queue.size() == 0);
    }
}

constexpr communica::Limits no_limit;
constexpr communica::Limits chunked{.max_frame = 40};

}  // namespace

TEST_CASE("small messages broken off at any byte: those not written whole are given back") {
    check_every_position({{"a", "1"}, {"", ""}, {"bb", std::string(300, 'b')}, {"c", std::string(9, '\0')}},
                         {{"d", "later"}, {"e", ""}}, no_limit);
    check_every_position({{"only", "one"}}, {}, no_limit);
}

TEST_CASE("chunked messages broken off at any byte: one of which a chunk is missing is given back whole") {
    check_every_position({{"aa", std::string(100, 'a')}, {"b", "whole"}, {"cc", std::string(77, 'c')}},
                         {{"dd", std::string(90, 'd')}, {"e", "whole"}}, chunked);
}

TEST_CASE("large bodies broken off at any byte: those not written whole are given back") {
    const std::string large(WriteQueue::large_body, 'L');
    check_every_position({{"a", "1"}, {"b", large}, {"c", "2"}}, {{"d", large}}, no_limit);
}

TEST_CASE("what no write has taken over yet is given back whole") {
    WriteQueue queue(chunked);
    const Texts messages{{"a", "1"}, {"b", std::string(20'000, 'b')}, {"c", "2"}};
    push(queue, messages);
    CHECK(unsent(queue) == messages);
    CHECK(unsent(queue).empty());
}

TEST_CASE("what a finished write has sent is not given back") {
    WriteQueue queue(no_limit);
    push(queue, {{"a", "1"}, {"b", std::string(20'000, 'b')}});
    queue.begin_write();
    queue.end_write(queue.size());
    push(queue, {{"c", "2"}});
    CHECK(unsent(queue) == Texts{{"c", "2"}});
}

TEST_CASE("a close notify that did not go out is not given back, and what was queued before it is") {
    WriteQueue queue(no_limit);
    push(queue, {{"a", "1"}});
    queue.push_frame(SendClass::response, communica::wire::close_notify);
    CHECK(unsent(queue) == Texts{{"a", "1"}});

    queue.push_frame(SendClass::response, communica::wire::close_notify);
    CHECK(unsent(queue).empty());
}

TEST_CASE("messages beyond the default limits of reading are given back") {
    WriteQueue queue(no_limit);
    const Texts messages{{std::string(100'000, 'm'), std::string(70'000'000, 'b')}};
    push(queue, messages);
    CHECK(unsent(queue) == messages);
}

}  // namespace write_queue_unsent_tests

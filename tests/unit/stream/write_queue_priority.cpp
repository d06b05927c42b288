// What goes first of the requests in a queue.
#include "support/catch.hpp"
#include "support/frames.hpp"

#include <communica/stream/write_queue.hpp>

#include <algorithm>
#include <map>

namespace write_queue_priority_tests {

namespace {

using communica::Buffer;
using communica::Limits;
using communica::Room;
using communica::SendClass;
using communica::stream::WriteQueue;

constexpr Limits no_limit;
constexpr Limits chunked{.max_frame = 40};

void push(WriteQueue& queue, SendClass send_class, std::string_view metadata, std::size_t size = 0) {
    Buffer body;
    body.append(std::string(size, 'b'));
    queue.push(send_class, metadata, body);
}

/// The bytes of the next write.
std::string write(WriteQueue& queue) {
    std::string bytes;
    for (const auto& buffer : queue.begin_write()) {
        bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
    }
    return bytes;
}

std::string frames(const std::vector<std::string>& metadata) {
    std::string bytes;
    for (const std::string& each : metadata) {
        bytes += test::message_frame(each, "");
    }
    return bytes;
}

using Names = std::vector<std::string>;

Names high_first(const Names& names) {
    Names sorted = names;
    std::ranges::stable_partition(sorted, [](const std::string& name) { return name.starts_with('h'); });
    return sorted;
}

}  // namespace

TEST_CASE(
    "requests of high priority go before all that is queued, in their order, and not into a write that has begun") {
    WriteQueue queue(no_limit);
    push(queue, SendClass::request, "n1");
    CHECK(write(queue) == frames({"n1"}));
    push(queue, SendClass::response, "a");
    push(queue, SendClass::low_request, "l");
    push(queue, SendClass::high_request, "h1");
    push(queue, SendClass::request, "n2");
    push(queue, SendClass::high_request, "h2");
    queue.end_write(queue.size());
    CHECK(write(queue) == frames({"h1", "h2", "a", "l", "n2"}));
    queue.end_write(queue.size());
    CHECK(queue.empty());
    push(queue, SendClass::request, "n3");
    push(queue, SendClass::high_request, "h3");
    CHECK(write(queue) == frames({"h3", "n3"}));
}

TEST_CASE("large and chunked requests of high priority go first as well") {
    for (const Limits& limits : {no_limit, chunked}) {
        constexpr std::size_t size = WriteQueue::large_body;
        WriteQueue alone(limits);
        push(alone, SendClass::request, "h", size);
        push(alone, SendClass::request, "i");
        push(alone, SendClass::request, "n", size);
        push(alone, SendClass::request, "o");
        WriteQueue queue(limits);
        push(queue, SendClass::request, "n", size);
        push(queue, SendClass::high_request, "h", size);
        push(queue, SendClass::request, "o");
        push(queue, SendClass::high_request, "i");
        CHECK(write(queue) == write(alone));
    }
}

TEST_CASE("requests of all priorities are counted together") {
    WriteQueue queue(no_limit);
    for (const SendClass send_class : {SendClass::request, SendClass::high_request, SendClass::low_request}) {
        push(queue, send_class, "m");
    }
    CHECK(queue.size(SendClass::request) == 3 * test::message_frame("m", "").size());
    CHECK(queue.size(SendClass::request) == queue.size());
    queue.begin_write();
    queue.end_write(queue.size());
    CHECK(queue.size(SendClass::request) == 0);
}

TEST_CASE("a request of low priority is refused at 64 KiB of requests, others at 1 MiB") {
    Room room;
    const auto admits = [&](std::size_t bytes) {
        return std::map<std::string, bool>{{"high", room.admits(SendClass::high_request, bytes, 1)},
                                           {"normal", room.admits(SendClass::request, bytes, 1)},
                                           {"low", room.admits(SendClass::low_request, bytes, 1)}};
    };
    using Admitted = std::map<std::string, bool>;
    CHECK(admits(64 * 1024 - 1) == Admitted{{"high", true}, {"normal", true}, {"low", true}});
    CHECK_FALSE(room.is_back(0, 0));
    CHECK(admits(64 * 1024) == Admitted{{"high", true}, {"normal", true}, {"low", false}});
    CHECK_FALSE(room.is_back(64 * 1024, 0));
    CHECK(room.is_back(64 * 1024 - 1, 0));
    CHECK_FALSE(room.is_back(0, 0));
    CHECK(admits(1024 * 1024 - 1) == Admitted{{"high", true}, {"normal", true}, {"low", false}});
    CHECK(admits(1024 * 1024) == Admitted{{"high", false}, {"normal", false}, {"low", false}});
    CHECK(room.is_back(1024 * 1024 - 1, 0));
    CHECK_FALSE(room.is_back(64 * 1024, 0));
    CHECK(room.is_back(64 * 1024 - 1, 0));
}

TEST_CASE("a queue gives back what was not written in the order of writing, and says which are of high priority") {
    const Names in_flight{"n1", "h1", "n2", "h2"};
    const Names queued{"n3", "h3", "h4", "n4"};
    const std::size_t each = frames({"n1"}).size();
    for (std::size_t written = 0; written <= 4 * each; ++written) {
        WriteQueue queue(no_limit);
        const auto push_all = [&](const Names& names) {
            for (const std::string& name : names) {
                push(queue, name[0] == 'h' ? SendClass::high_request : SendClass::request, name);
            }
        };
        push_all(in_flight);
        queue.begin_write();
        push_all(queued);
        queue.end_write(written);

        Names expected = high_first(in_flight);
        expected.erase(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(written / each));
        std::ranges::copy(high_first(queued), std::back_inserter(expected));
        Names unsent;
        for (const auto& message : queue.take_unsent()) {
            unsent.push_back(message.metadata);
            CHECK((message.send_class == SendClass::high_request) == message.metadata.starts_with('h'));
        }
        INFO(written << " of " << 4 * each << " bytes written");
        REQUIRE(unsent == expected);
        REQUIRE(queue.empty());
    }
}

}  // namespace write_queue_priority_tests

// Messages with descriptors in a queue: each waits for a permission and keeps its descriptors until it is written.
#include "support/attached.hpp"
#include "support/catch.hpp"
#include "support/frames.hpp"

#include <communica/stream/write_queue.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace write_queue_descriptors_tests {

namespace {

using communica::Buffer;
using communica::Limits;
using communica::SendClass;
using communica::base::Attachments;
using communica::stream::WriteQueue;
using test::ask;
using test::Attached;
using test::frame_of;
using test::message_frame;
using test::u32;

Buffer body_of(std::string_view text, std::shared_ptr<Attachments> attachments = nullptr) {
    Buffer body;
    body.append(text);
    if (attachments) {
        body.attachments() = std::move(attachments);
    }
    return body;
}

void push(WriteQueue& queue, std::string_view text, std::shared_ptr<Attachments> attachments = nullptr,
          SendClass send_class = SendClass::request) {
    Buffer body = body_of(text, std::move(attachments));
    queue.push(send_class, "{}", body);
}

std::string text_of(std::span<const asio::const_buffer> buffers) {
    std::string text;
    for (const auto& buffer : buffers) {
        text.append(static_cast<const char*>(buffer.data()), buffer.size());
    }
    return text;
}

/// Writes as much as there is: the bytes, or nothing if all waits.
std::string write(WriteQueue& queue) {
    const std::string text = text_of(queue.begin_write());
    if (!text.empty()) {
        queue.end_write(text.size());
    }
    return text;
}

WriteQueue passing(Limits limits = {}) { return WriteQueue(limits, nullptr, true); }

}  // namespace

TEST_CASE("a message with descriptors waits for its permission with all that is behind it") {
    WriteQueue queue = passing();
    push(queue, "1");
    push(queue, "2", std::make_shared<Attached>(3));
    push(queue, "3");
    CHECK(write(queue) == message_frame("{}", "1") + ask);
    CHECK(write(queue).empty());
    push(queue, "4");
    CHECK(write(queue).empty());
    CHECK(queue.has_pieces());
    CHECK(queue.permit_descriptors());
    CHECK_FALSE(queue.permit_descriptors());
    CHECK(write(queue) == frame_of(3) + message_frame("{}", "2") + message_frame("{}", "3") + message_frame("{}", "4"));
    CHECK(queue.empty());
    CHECK(queue.size() == 0);
    CHECK(queue.size(SendClass::request) == 0);
    CHECK_FALSE(queue.permit_descriptors());
}

TEST_CASE("each message with descriptors has a permission of its own") {
    WriteQueue queue = passing();
    push(queue, "1", std::make_shared<Attached>(1));
    push(queue, "2");
    push(queue, "3", std::make_shared<Attached>(2));
    CHECK(write(queue) == ask);
    CHECK(queue.permit_descriptors());
    CHECK(write(queue) == frame_of(1) + message_frame("{}", "1") + message_frame("{}", "2") + ask);
    CHECK(write(queue).empty());
    CHECK(queue.permit_descriptors());
    CHECK(write(queue) == frame_of(2) + message_frame("{}", "3"));
    CHECK(queue.size() == 0);
}

TEST_CASE("permissions and messages of high priority pass what waits, unless they have descriptors") {
    WriteQueue queue = passing();
    push(queue, "1", std::make_shared<Attached>(1));
    CHECK(write(queue) == ask);
    push(queue, "high", nullptr, SendClass::high_request);
    CHECK(write(queue) == message_frame("{}", "high"));
    queue.push_first(SendClass::response, "permission");
    CHECK(write(queue) == "permission");
    CHECK(queue.permit_descriptors());
    push(queue, "higher", std::make_shared<Attached>(2), SendClass::high_request);
    CHECK(write(queue) == frame_of(1) + message_frame("{}", "1") + ask);
    CHECK(queue.permit_descriptors());
    CHECK(write(queue) == frame_of(2) + message_frame("{}", "higher"));
}

TEST_CASE("the last frame waits for what waits") {
    WriteQueue queue = passing();
    push(queue, "1", std::make_shared<Attached>(1));
    queue.push_last(SendClass::response, "goodbye");
    queue.push_frame(SendClass::rejection, "pong");
    CHECK(write(queue) == ask + "pong");
    CHECK_FALSE(queue.empty());
    CHECK(queue.permit_descriptors());
    CHECK(write(queue) == frame_of(1) + message_frame("{}", "1") + "goodbye");
    CHECK(queue.empty());
}

TEST_CASE("descriptors are closed as soon as they are written") {
    WriteQueue queue = passing();
    auto attached = std::make_shared<Attached>(1);
    const std::weak_ptr<Attached> watched = attached;
    push(queue, "1", std::move(attached));
    CHECK(queue.permit_descriptors());
    const std::size_t size = text_of(queue.begin_write()).size();
    CHECK_FALSE(watched.expired());
    queue.end_write(size);
    CHECK(watched.expired());
    attached = std::make_shared<Attached>(1);
    const std::weak_ptr<Attached> first = attached;
    CHECK(write(queue).empty());
    push(queue, "2", std::move(attached));
    CHECK(write(queue) == ask);
    CHECK(queue.permit_descriptors());
    CHECK(write(queue) == frame_of(1) + message_frame("{}", "2"));
    CHECK(first.expired());
    push(queue, "3");
    CHECK(write(queue) == message_frame("{}", "3"));
}

TEST_CASE("descriptors are written by themselves") {
    WriteQueue queue = passing();
    const auto attached = std::make_shared<Attached>(2);
    push(queue, "1");
    push(queue, "2", attached);
    push(queue, "3");
    CHECK(queue.permit_descriptors());
    const std::string before = message_frame("{}", "1") + ask;
    const std::string behind = message_frame("{}", "2") + message_frame("{}", "3");
    CHECK(text_of(queue.begin_write()) == before + frame_of(2) + behind);
    REQUIRE(queue.has_pieces());
    CHECK(text_of(queue.piece(0).buffers) == before);
    CHECK(text_of(queue.piece(5).buffers) == before.substr(5));
    CHECK(queue.piece(5).attachments == nullptr);
    const auto piece = queue.piece(before.size());
    CHECK(piece.attachments == attached.get());
    CHECK(piece.frame.size() == 6);
    const auto rest = queue.piece(before.size() + 2);  // a part of the frame is written, so the descriptors are sent
    CHECK(rest.attachments == nullptr);
    CHECK(text_of(rest.buffers) == frame_of(2).substr(2) + behind);
    CHECK(text_of(queue.piece(before.size() + 6 + 3).buffers) == behind.substr(3));
}

TEST_CASE("a message that is not written whole is given back with its descriptors") {
    const Limits limits = GENERATE(Limits{}, Limits{.max_frame = 40});
    const std::string large(100, 'x');
    const auto first = std::make_shared<Attached>(1);
    const auto second = std::make_shared<Attached>(2);
    const auto high = std::make_shared<Attached>(3);
    const auto fill = [&](WriteQueue& queue) {
        push(queue, "plain");
        push(queue, "first", first);
        queue.permit_descriptors();
        const std::size_t size = text_of(queue.begin_write()).size();
        push(queue, large, second);
        push(queue, "high", high, SendClass::high_request);
        return size;
    };
    WriteQueue whole = passing(limits);
    const std::size_t size = fill(whole);
    for (std::size_t written = 0; written <= size; ++written) {
        WriteQueue queue = passing(limits);
        fill(queue);
        queue.end_write(written);
        std::vector<std::pair<std::string, const Attachments*>> expected;
        const std::size_t end_of_plain = message_frame("{}", "plain").size();
        if (written < end_of_plain) {
            expected.emplace_back("plain", nullptr);
        }
        if (written < size) {
            expected.emplace_back("first", first.get());
        }
        expected.emplace_back(large, second.get());
        expected.emplace_back("high", high.get());
        std::vector<std::pair<std::string, const Attachments*>> given;
        for (const auto& message : queue.take_unsent()) {
            given.emplace_back(message.body.text(), message.body.attached());
        }
        CAPTURE(written);
        REQUIRE(given == expected);
    }
}

TEST_CASE("what waits and what is written is counted by its class") {
    WriteQueue queue = passing();
    const std::size_t message = message_frame("{}", "1").size();
    for (int time = 0; time != 3; ++time) {
        push(queue, "2", std::make_shared<Attached>(1));
        push(queue, "3", nullptr, SendClass::response);
        push(queue, "4", std::make_shared<Attached>(1), SendClass::high_request);
        CHECK_FALSE(write(queue).empty());
        CHECK(queue.size(SendClass::request) == 2 * message);
        CHECK(queue.size(SendClass::response) == message + 12);
        CHECK(queue.permit_descriptors());
        push(queue, "5", nullptr, SendClass::high_request);
        CHECK(queue.size(SendClass::request) == 3 * message);
        CHECK(write(queue) ==
              message_frame("{}", "5") + frame_of(1) + message_frame("{}", "2") + message_frame("{}", "3") + ask);
        CHECK(queue.size(SendClass::request) == message);
        CHECK(queue.size(SendClass::response) == 6);
        queue.push_frame(SendClass::rejection, "ping");
        push(queue, "6", nullptr, SendClass::high_request);
        CHECK(write(queue) == message_frame("{}", "6") + "ping");
        CHECK(queue.size(SendClass::request) == message);
        CHECK(queue.size(SendClass::rejection) == 0);
        CHECK(queue.permit_descriptors());
        const auto written = text_of(queue.begin_write()).size();
        CHECK(queue.size(SendClass::response) == 6);
        queue.end_write(written);
        CHECK(queue.size() == 0);
        for (const auto send_class : {SendClass::request, SendClass::response, SendClass::rejection}) {
            CHECK(queue.size(send_class) == 0);
        }
    }
}

TEST_CASE("descriptors are dropped where they do not pass") {
    WriteQueue queue{Limits()};
    auto attached = std::make_shared<Attached>(1);
    const std::weak_ptr<Attached> watched = attached;
    push(queue, "1", std::move(attached));
    CHECK(watched.expired());
    CHECK(write(queue) == message_frame("{}", "1"));
}

TEST_CASE("a permission is overdue from the second look after its question was written") {
    WriteQueue queue = passing();
    CHECK_FALSE(queue.is_permission_overdue());
    push(queue, "a", std::make_shared<Attached>(1));
    push(queue, "b", std::make_shared<Attached>(1));
    CHECK_FALSE(queue.is_permission_overdue());
    const std::string question = text_of(queue.begin_write());
    CHECK_FALSE(queue.is_permission_overdue());
    queue.end_write(question.size());
    CHECK_FALSE(queue.is_permission_overdue());
    CHECK(queue.is_permission_overdue());
    CHECK(queue.is_permission_overdue());
    CHECK(queue.permit_descriptors());
    CHECK_FALSE(queue.is_permission_overdue());
    write(queue);  // with the question for the next
    CHECK_FALSE(queue.is_permission_overdue());
    CHECK(queue.is_permission_overdue());
    (void)queue.take_unsent();
    CHECK_FALSE(queue.is_permission_overdue());
}

}  // namespace write_queue_descriptors_tests

#include "published.hpp"
#include "support/catch.hpp"

#include <communica/connectors/rabbitmq/publisher.hpp>

#include <array>

namespace rabbitmq_publisher_tests {

namespace {

using namespace communica::rabbitmq;
using communica::SendClass;

constexpr std::uint32_t frame_max = smallest_frame_max;
constexpr std::size_t payload = frame_max - FrameHead::size - 1;
constexpr std::size_t large_body = 16 * 1024;

std::string some_text(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t index = 0; index != size; ++index) {
        text[index] = static_cast<char>('a' + index * 7 / 5 % 26);
    }
    return text;
}

Publication publication(std::string head, std::string_view body) {
    Publication publication{.routing_key = "a queue"};
    publication.head = std::move(head);
    publication.body.append(body);
    return publication;
}

/// What the frames of a body are to hold: each as much as goes into it, and the last the rest.
std::vector<std::size_t> full_frames(std::size_t size) {
    std::vector<std::size_t> frames(size / payload, payload);
    if (size % payload != 0) {
        frames.push_back(size % payload);
    }
    return frames;
}

void check_round_trip(std::size_t head_size, std::size_t body_size) {
    INFO(head_size << " + " << body_size);
    const std::string head = some_text(head_size);
    const std::string body = some_text(body_size);
    const test::Published message = test::published(publication(head, body), frame_max);
    CHECK(message.size == head_size + body_size);
    CHECK((message.body == head + body));
    CHECK(message.frames == full_frames(head_size + body_size));
}

/// A publisher that has written messages of these send_classes, each of 10 bytes more than the one before.
struct Unconfirmed {
    explicit Unconfirmed(const std::vector<SendClass>& send_classes) {
        std::size_t size = 0;
        for (const SendClass send_class : send_classes) {
            Publication next = publication(some_text(4), some_text(size += 10));
            next.send_class = send_class;
            publisher.publish(std::move(next));
        }
        Batch batch;
        test::write_all(publisher, batch, 1, frame_max);
    }

    /// The sizes that are told, in their order.
    std::vector<std::size_t> confirm(std::uint64_t number, bool multiple) {
        std::vector<std::size_t> sizes;
        publisher.confirm(number, multiple, [&](SendClass send_class, std::size_t size) {
            sizes.push_back(size);
            told.push_back(send_class);
        });
        return sizes;
    }

    Publisher publisher{"an exchange"};
    std::vector<SendClass> told = {};
};
using Sizes = std::vector<std::size_t>;

const std::vector<SendClass> four(4, SendClass::request);

}  // namespace

TEST_CASE("a message is written with all that was said of it") {
    Publication publication{.kind = Kind::connect_request, .routing_key = "a queue", .mandatory = true};
    publication.head = "head";
    publication.body.append("body");
    publication.reply_to = "another queue";
    publication.expiration = std::chrono::milliseconds{30'000};
    CHECK(test::published(std::move(publication)) == test::Published{.channel = 5,
                                                                     .exchange = "an exchange",
                                                                     .routing_key = "a queue",
                                                                     .mandatory = true,
                                                                     .type = "communica_client_connect",
                                                                     .reply_to = "another queue",
                                                                     .expiration = "30000",
                                                                     .size = 8,
                                                                     .body = "headbody",
                                                                     .frames = {8}});
}

TEST_CASE("a message without a body is a header alone") {
    const Publication sign_of_life{.kind = Kind::listening, .routing_key = "a queue"};
    CHECK(sign_of_life.size() == 0);
    CHECK(test::published({.kind = Kind::listening, .routing_key = "a queue"}) ==
          test::Published{.channel = 5, .exchange = "an exchange", .routing_key = "a queue", .type = "listening"});
}

TEST_CASE("bodies around the size of a frame are written in full frames and read back") {
    for (const std::size_t head : {std::size_t{0}, std::size_t{3}, payload, payload + 1}) {
        for (const std::size_t frames : {1u, 2u}) {
            for (const int more : {-4, -1, 0, 1}) {
                check_round_trip(head, static_cast<std::size_t>(static_cast<int>(frames * payload) + more));
            }
        }
        check_round_trip(head, 0);
        check_round_trip(head, 1);
    }
}

TEST_CASE("bodies around the size from which on they are not copied are written alike") {
    for (const std::size_t head : {std::size_t{0}, std::size_t{3}, payload - 1, payload, 2 * payload + 5}) {
        for (const std::size_t body : {large_body - 1, large_body, large_body + 1, 5 * payload, 10 * payload - 3}) {
            check_round_trip(head, body);
        }
    }
}

TEST_CASE("a large body is not copied, and lives as long as the batch") {
    const std::string body = some_text(3 * large_body);
    Batch batch;
    {
        Publisher publisher("an exchange");
        publisher.publish(publication("head", body));
        test::write_all(publisher, batch, 1, 128 * 1024);
    }
    CHECK(batch.text().size() < 200);
    CHECK((test::read_published(test::bytes_in(batch), 128 * 1024).at(0).body == "head" + body));
}

TEST_CASE("a small message is written at once, a large one frame by frame with nothing between them") {
    Publisher publisher("an exchange");
    CHECK(publisher.empty());
    publisher.publish(publication("", some_text(large_body - 1)));
    publisher.publish(publication("", some_text(2 * payload + large_body)));
    publisher.publish(publication("", "last"));
    Batch batch;
    publisher.write_next(batch, 1, frame_max);
    CHECK_FALSE(publisher.is_within_message());
    publisher.write_next(batch, 1, frame_max);
    CHECK_FALSE(publisher.empty());
    std::size_t frames = 0;
    for (; publisher.is_within_message(); ++frames) {
        publisher.write_on(batch, 1, frame_max);
    }
    CHECK(frames == full_frames(2 * payload + large_body).size());
    publisher.write_next(batch, 1, frame_max);
    CHECK(publisher.empty());
    const auto messages = test::read_published(test::bytes_in(batch), frame_max);
    REQUIRE(messages.size() == 3);
    CHECK(messages[2].body == "last");
}

TEST_CASE("what waits can be forgotten, while a message that is written in part is written to its end") {
    Publisher publisher("an exchange");
    const std::string body = some_text(2 * large_body);
    publisher.publish(publication("head", body));
    publisher.publish(publication("", "forgotten"));
    Batch batch;
    publisher.write_next(batch, 1, frame_max);
    publisher.write_on(batch, 1, frame_max);
    publisher.forget_waiting();
    CHECK(publisher.empty());
    test::write_all(publisher, batch, 1, frame_max);
    const auto messages = test::read_published(test::bytes_in(batch), frame_max);
    REQUIRE(messages.size() == 1);
    CHECK((messages[0].body == "head" + body));
}

TEST_CASE("when nothing more is written, a message that was begun is forgotten too") {
    Publisher publisher("an exchange");
    publisher.publish(publication("", some_text(large_body)));
    publisher.publish(publication("", "forgotten"));
    Batch batch;
    publisher.write_next(batch, 1, frame_max);
    CHECK(publisher.is_within_message());
    publisher.clear();
    CHECK_FALSE(publisher.is_within_message());
    CHECK(publisher.empty());
}

TEST_CASE("each message that the broker has taken is told once, with its send_class and size") {
    Unconfirmed written({SendClass::request, SendClass::response, SendClass::rejection});
    CHECK(written.confirm(1, false) == Sizes{14});
    CHECK(written.confirm(1, false).empty());
    CHECK(written.confirm(2, false) == Sizes{24});
    CHECK(written.confirm(3, false) == Sizes{34});
    CHECK(written.told == std::vector{SendClass::request, SendClass::response, SendClass::rejection});
}

TEST_CASE("confirms may come out of order, and for several messages at once") {
    Unconfirmed written(four);
    CHECK(written.confirm(3, false) == Sizes{34});
    CHECK(written.confirm(2, true) == Sizes{14, 24});
    CHECK(written.confirm(4, true) == Sizes{44});

    Unconfirmed others(four);
    CHECK(others.confirm(2, false) == Sizes{24});
    CHECK(others.confirm(4, true) == Sizes{14, 34, 44});
}

TEST_CASE("confirms of what was never written, or was confirmed, tell nothing") {
    Unconfirmed written(four);
    for (const bool multiple : {false, true}) {
        CHECK(written.confirm(0, multiple).empty());
        CHECK(written.confirm(5, multiple).empty());
        CHECK(written.confirm(static_cast<std::uint64_t>(-1), multiple).empty());
    }
    CHECK(written.confirm(4, true) == Sizes{14, 24, 34, 44});
    CHECK(written.confirm(2, true).empty());
}

TEST_CASE("confirms keep to their messages while more are written") {
    Unconfirmed written(four);
    CHECK(written.confirm(4, true).size() == 4);
    written.publisher.publish(publication("", "fifth"));
    Batch batch;
    test::write_all(written.publisher, batch, 1, frame_max);
    CHECK(written.confirm(5, false) == Sizes{5});
}

TEST_CASE("a message that is not confirmed is found by its size, with its head unless it is small") {
    Publisher publisher("exchange");
    Batch batch;
    for (const std::size_t size : std::array<std::size_t, 4>{10, 5'000, 20'000, 5'000}) {
        Publication next = publication("head", some_text(size - 4));
        next.send_class = size == 20'000 ? SendClass::request : SendClass::response;
        publisher.publish(std::move(next));
        publisher.write_next(batch, 1, frame_max);
        while (publisher.is_within_message()) {
            publisher.write_on(batch, 1, frame_max);
        }
    }
    CHECK(publisher.find_unconfirmed(7) == nullptr);
    REQUIRE(publisher.find_unconfirmed(20'000) != nullptr);
    CHECK(publisher.find_unconfirmed(20'000)->send_class == SendClass::request);
    CHECK(publisher.find_unconfirmed(20'000)->head == "head");
    CHECK(publisher.find_unconfirmed(10)->head.empty());
    publisher.confirm(2, false, [](SendClass, std::size_t) {});
    CHECK(publisher.find_unconfirmed(5'000) != nullptr);  // the last
    publisher.confirm(4, false, [](SendClass, std::size_t) {});
    CHECK(publisher.find_unconfirmed(5'000) == nullptr);
}

}  // namespace rabbitmq_publisher_tests

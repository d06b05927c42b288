// Lent bodies behind messages with descriptors, which wait for a permission.
#include "support/attached.hpp"
#include "support/catch.hpp"
#include "support/frames.hpp"
#include "support/lent_memory.hpp"

#include <communica/stream/write_queue.hpp>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace write_queue_lent_and_descriptors_tests {

namespace {

using communica::Buffer;
using communica::Limits;
using communica::SendClass;
using communica::stream::WriteQueue;
using test::ask;
using test::Attached;
using test::lent_frame;
using test::message_frame;
using test::u32;

const std::string descriptors = test::frame_of(1);

struct Queue : WriteQueue {
    explicit Queue(const Limits& limits = {}) : WriteQueue(limits, nullptr, true) { set_lender(this); }

    void add(std::string_view text, bool has_attachments, SendClass send_class = SendClass::request) {
        Buffer body;
        body.append(text);
        if (has_attachments) {
            body.attachments() = std::make_shared<Attached>();
        }
        push(send_class, "m", body);
    }
    test::LentMemory& add_lent(SendClass send_class = SendClass::request) {
        auto& memory = memories.emplace_back(1'000, static_cast<std::uint32_t>(memories.size()), this);
        Buffer body = memory.lend();
        push(send_class, "m", body);
        return memory;
    }
    std::string begin() {
        std::string bytes;
        for (const auto& buffer : begin_write()) {
            bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
        }
        return bytes;
    }

    std::deque<test::LentMemory> memories;
};

std::string lent(std::uint32_t number) { return lent_frame(number, 0, 1'000, "m"); }

}  // namespace

TEST_CASE("lent bodies that wait for a permission are not sent, and passed on when they are") {
    const Limits limits = GENERATE(Limits{}, Limits{.max_frame = 40});
    const std::string large(40'000, 'l');
    Queue queue(limits);
    const auto& before = queue.add_lent();
    queue.add("1", true);
    queue.add(large, false);
    const auto& behind = queue.add_lent();
    const std::string sent = queue.begin();
    CHECK(sent == lent(0) + ask);
    CHECK(before.sent == 1);
    CHECK(behind.sent == 0);
    queue.end_write(sent.size());
    CHECK(before.passed_on == 1);
    CHECK(behind.passed_on == 0);
    const auto& last = queue.add_lent();
    const auto& high = queue.add_lent(SendClass::high_request);
    const std::string sent_high = queue.begin();
    CHECK(sent_high == lent(3));
    CHECK(high.sent == 1);
    queue.end_write(sent_high.size());
    CHECK(behind.sent + last.sent + behind.passed_on + last.passed_on == 0);
    CHECK(queue.permit_descriptors());
    const std::string rest = queue.begin();
    CHECK(rest.starts_with(descriptors + message_frame("m", "1")));
    CHECK(rest.ends_with(lent(1) + lent(2)));
    CHECK(behind.sent + last.sent == 2);
    queue.end_write(rest.size());
    CHECK(behind.passed_on + last.passed_on == 2);
    CHECK(queue.size() == 0);
    CHECK(queue.take_unsent().empty());
    for (const auto& memory : queue.memories) {
        CHECK(memory.passed_on == 1);
        CHECK(memory.given_back == 0);
    }
}

TEST_CASE("unsent messages keep their lent memory and their attachments, wherever the write broke off") {
    const bool is_permitted = GENERATE(false, true);
    std::size_t size = 1;
    for (std::size_t written = 0; written <= size; ++written) {
        Queue queue;
        queue.add_lent();
        queue.add("1", true);
        queue.add_lent();
        if (is_permitted) {
            queue.permit_descriptors();
        }
        size = queue.begin().size();
        queue.add("2", true);
        queue.add_lent();
        queue.end_write(written);
        std::string got;
        {
            for (const auto& message : queue.take_unsent()) {
                got += message.body.is_lent()    ? std::to_string(message.body.lent_memory()->segment)
                       : message.body.attached() ? "a"
                                                 : "?";
            }
        }
        const std::size_t end_of_first = lent(0).size();
        const std::size_t end_of_second =
            end_of_first + ask.size() + descriptors.size() + message_frame("m", "1").size();
        CAPTURE(is_permitted, written);
        CHECK(got == (written < end_of_first                     ? "0a1a2"
                      : !is_permitted || written < end_of_second ? "a1a2"
                      : written < size                           ? "1a2"
                                                                 : "a2"));
        for (const auto& memory : queue.memories) {
            CHECK(memory.passed_on + memory.given_back == 1);
        }
    }
}

}  // namespace write_queue_lent_and_descriptors_tests

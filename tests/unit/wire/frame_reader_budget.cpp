// What the budget of an entity has no room for: it is told and read past.
#include "support/catch.hpp"
#include "support/frames.hpp"

#include <communica/wire/frame_reader.hpp>

#include <thread>

namespace frame_reader_budget_tests {

namespace wire = communica::wire;

namespace {

using communica::Budget;
using communica::errc;
using test::Kind;
using test::OwnedFrame;
using Frames = std::vector<OwnedFrame>;

constexpr std::size_t step = communica::BudgetReservation::step;

struct Reading {
    explicit Reading(std::size_t limit) : budget(std::make_shared<Budget>(limit)), reader({}, budget) {}

    /// Reads as a connection does, which gives memory back before each read.
    void read(std::string_view bytes, std::size_t piece) {
        for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
            reader.shrink();
            largest = std::max(largest,
                               test::feed(reader, bytes.substr(0, piece), piece,
                                          [&](const wire::Frame& frame) { frames.push_back(OwnedFrame::of(frame)); }));
            most_used = std::max(most_used, budget->used());
        }
        reader.shrink();
    }

    std::shared_ptr<Budget> budget;
    wire::FrameReader reader;
    Frames frames = {};
    std::size_t largest = 0;
    std::size_t most_used = 0;
};

const std::string next = test::message_frame("next", "fine");
const OwnedFrame next_frame{Kind::message, "next", "fine"};

}  // namespace

TEST_CASE("a message that the budget has room for is read whole, and its memory given back") {
    Reading reading(100 * step);
    const std::string body(20 * step, 'b');
    reading.read(test::message_frame("m", body) + next, 10'000);
    CHECK(reading.frames == Frames{{Kind::message, "m", body}, next_frame});
    CHECK(reading.most_used >= 19 * step);
    CHECK(reading.budget->used() == 0);
}

TEST_CASE("memory that is there is had at once for a large message, where the budget can spare it") {
    const std::string large = test::message_frame("m", std::string(20 * step, 'b'));
    const auto room_after_head = [&](Reading& reading) {
        std::size_t room = 0;
        std::thread([&] {  // which has kept nothing else
            communica::Buffer left;
            left.reserve(large.size());
            left.release();
            reading.read(large.substr(0, 100), 100);
            room = reading.reader.prepare().size();
        })
            .join();
        return room;
    };
    Reading roomy(100 * step);
    CHECK(room_after_head(roomy) == large.size() - 100);
    CHECK(roomy.budget->used() == 20 * step);
    roomy.read(large.substr(100), 1'000'000);
    CHECK(roomy.frames == Frames{{Kind::message, "m", std::string(20 * step, 'b')}});
    CHECK(roomy.budget->used() == 0);

    Reading tight(100 * step);
    tight.budget->force_take(51 * step);
    CHECK(room_after_head(tight) < 1000);
    CHECK(tight.budget->used() == 51 * step);
    Reading small(10 * step);
    CHECK(room_after_head(small) < 1000);
    CHECK(small.budget->used() == 0);
}

TEST_CASE("a message that the budget has no room for is discarded as busy, and the next one is read") {
    Reading reading(10 * step);
    reading.read(test::message_frame("m", std::string(100 * step, 'b')) + next, 10'000);
    CHECK(reading.frames == Frames{OwnedFrame::discarded("m", errc::busy), next_frame});
    CHECK(reading.most_used <= 10 * step);
    CHECK(reading.budget->used() == 0);
}

TEST_CASE("what the budget refused is read past in constant memory") {
    Reading reading(10 * step);
    const std::string large = test::message_frame("m", std::string(20'000'000, 'b'));
    reading.read(large, 50'000);
    reading.largest = 0;
    reading.budget->force_take(100 * step);  // others have taken all meanwhile
    reading.read(next + large + next, 50'000);
    CHECK(reading.frames.size() == 4);
    CHECK(reading.frames.back() == next_frame);
    CHECK(reading.largest <= 2 * wire::ReadBuffer::steady_capacity);
    CHECK(reading.budget->used() == 100 * step);
}

TEST_CASE("a budget that is used up by others leaves small messages alone") {
    Reading reading(10 * step);
    reading.budget->force_take(20 * step);
    for (int round = 0; round != 10; ++round) {
        reading.read(test::message_frame("m", std::string(2000, 'b')), 900);
    }
    CHECK(reading.frames == Frames(10, {Kind::message, "m", std::string(2000, 'b')}));
}

TEST_CASE("a message refused by the budget is told with the size of its body, once its metadata is there") {
    const auto budget = std::make_shared<Budget>(0);
    wire::FrameReader reader({}, budget);
    const std::string bytes = test::message_frame("meta", std::string(100'000, 'b'));
    std::vector<std::size_t> sizes;
    test::feed(reader, std::string_view(bytes).substr(0, 30'000), 30'000, [&](const wire::Frame& frame) {
        CHECK(OwnedFrame::of(frame) == OwnedFrame::discarded("meta", errc::busy));
        sizes.push_back(frame.body_size);
    });
    CHECK(sizes == std::vector<std::size_t>{100'000});
}

TEST_CASE("a message refused by the budget comes out the same however the bytes are cut") {
    const std::string bytes = test::message_frame("m", std::string(3 * step, 'b')) + next + test::close_frame();
    for (const std::size_t piece : {1u, 7u, 100u, 4000u, 16'384u, 30'000u}) {
        Reading reading(0);
        reading.read(bytes, piece);
        CHECK(reading.frames == Frames{OwnedFrame::discarded("m", errc::busy), next_frame, {Kind::close}});
    }
}

TEST_CASE("a message too large and over the budget is too large") {
    const auto budget = std::make_shared<Budget>(0);
    wire::FrameReader reader({.max_message = 1000}, budget);
    CHECK(test::read_frames(reader, test::message_frame("m", std::string(100'000, 'b')), 5000) ==
          Frames{OwnedFrame::discarded("m", errc::message_too_large)});
}

TEST_CASE("a chunk refused by the budget keeps its place, and loses its body") {
    Reading reading(0);
    reading.read(test::chunk_frame(0, 2, "meta", std::string(3 * step, 'x')) + test::chunk_frame(1, 2, "", "rest"),
                 9000);
    CHECK(reading.frames == Frames{{Kind::chunk, "meta", "", 0, 2, errc::busy}, {Kind::chunk, "", "rest", 1, 2}});
}

TEST_CASE("readers that share a budget are refused for what the other holds, until it has given that back") {
    const auto budget = std::make_shared<Budget>(12 * step);
    wire::FrameReader holder({}, budget);
    wire::FrameReader reader({}, budget);
    const std::string large = test::message_frame("m", std::string(10 * step, 'b'));
    const auto all_but_last = std::string_view(large).substr(0, large.size() - 1);
    CHECK(test::read_frames(holder, all_but_last, 5000).empty());
    CHECK(test::read_frames(reader, large, 5000) == Frames{OwnedFrame::discarded("m", errc::busy)});
    reader.shrink();

    CHECK(test::read_frames(holder, "b").size() == 1);
    wire::Frame frame;
    CHECK_FALSE(holder.next(frame));
    holder.shrink();
    CHECK(budget->used() == 0);
    CHECK(test::read_frames(reader, large, 5000) == Frames{{Kind::message, "m", std::string(10 * step, 'b')}});
}

}  // namespace frame_reader_budget_tests

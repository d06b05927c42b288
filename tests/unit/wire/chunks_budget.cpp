// A message in chunks that the budget of an entity has no room for.
#include "support/catch.hpp"
#include "support/frames.hpp"

#include <communica/wire/chunks.hpp>

namespace chunks_budget_tests {

namespace wire = communica::wire;

namespace {

using communica::Budget;
using communica::errc;
using test::Kind;
using test::OwnedFrame;
using Messages = std::vector<OwnedFrame>;

constexpr std::size_t step = communica::BudgetReservation::step;

/// Reads as a connection does, which gives memory back before each read.
struct Reading {
    explicit Reading(std::size_t limit)
        : budget(std::make_shared<Budget>(limit)), reader({}, budget), chunks({}, budget) {}

    void read(std::string_view bytes) {
        test::feed(reader, bytes, 1000, [&](wire::Frame frame) {
            if (frame.kind != Kind::chunk || chunks.add(frame)) {
                messages.push_back(OwnedFrame::of(frame));
            }
        });
        reader.shrink();
        chunks.shrink();
    }

    std::shared_ptr<Budget> budget;
    wire::FrameReader reader;
    wire::ChunkAssembler chunks;
    Messages messages = {};
};

/// A message in chunks of 1000 bytes, from one of them up to another.
std::string chunked(std::string_view metadata, std::size_t total, std::size_t begin, std::size_t end) {
    std::string bytes;
    for (std::size_t index = begin; index != end; ++index) {
        bytes += test::chunk_frame(index, total, index == 0 ? metadata : "", std::string(1000, 'b'));
    }
    return bytes;
}
std::string chunked(std::string_view metadata, std::size_t total) { return chunked(metadata, total, 0, total); }

OwnedFrame message(std::string metadata, std::size_t chunks) {
    return {Kind::message, std::move(metadata), std::string(1000 * chunks, 'b')};
}

}  // namespace

TEST_CASE("chunks that the budget has room for become a message, whose memory is given back") {
    Reading reading(100 * step);
    reading.read(chunked("m", 200, 0, 199));
    CHECK(reading.messages.empty());
    CHECK(reading.budget->used() >= 12 * step);
    reading.read(chunked("m", 200, 199, 200));
    CHECK(reading.messages == Messages{message("m", 200)});
    CHECK(reading.budget->used() == 0);
}

TEST_CASE("chunks that the budget has no room for are discarded as busy, told once, and what follows is read") {
    Reading reading(10 * step);
    reading.read(chunked("m", 1000) + test::message_frame("n", "fine") + chunked("k", 50));
    CHECK(reading.messages ==
          Messages{OwnedFrame::discarded("m", errc::busy), {Kind::message, "n", "fine"}, message("k", 50)});
    CHECK(reading.budget->used() == 0);
}

TEST_CASE("discarded chunks hold nothing while the rest of them comes") {
    Reading reading(10 * step);
    reading.read(chunked("m", 1000, 0, 500));
    CHECK(reading.messages == Messages{OwnedFrame::discarded("m", errc::busy)});
    CHECK(reading.budget->used() == 0);
    reading.read(chunked("m", 1000, 500, 1000));
    CHECK(reading.messages.size() == 1);
}

TEST_CASE("a message that stays unfinished holds its part of the budget, and gives it back with its connection") {
    const auto budget = std::make_shared<Budget>(10 * step);
    {
        Reading holder(0);
        wire::ChunkAssembler chunks({}, budget);
        const std::string body(step, 'b');
        wire::Frame frame{
            .kind = Kind::chunk, .metadata = "m", .body = body, .index = 0, .total = 9, .body_size = step};
        CHECK_FALSE(chunks.add(frame));
        CHECK(budget->used() == 2 * step);
    }
    CHECK(budget->used() == 0);
}

TEST_CASE("a chunk that the reader had no room for discards its message as busy, first or later") {
    wire::ChunkAssembler chunks;
    for (const std::uint32_t dropped : {0u, 1u, 2u}) {
        Messages messages;
        for (std::uint32_t index = 0; index != 3; ++index) {
            wire::Frame frame{.kind = Kind::chunk, .metadata = index == 0 ? "m" : "", .index = index, .total = 3};
            frame.why = index == dropped ? errc::busy : errc{};
            if (chunks.add(frame)) {
                messages.push_back(OwnedFrame::of(frame));
            }
        }
        CHECK(messages == Messages{OwnedFrame::discarded("m", errc::busy)});
    }
}

TEST_CASE("assemblers that share a budget are refused for what the other holds") {
    const auto budget = std::make_shared<Budget>(5 * step);
    wire::ChunkAssembler holder({}, budget);
    wire::ChunkAssembler other({}, budget);
    const std::string body(2 * step, 'b');
    const auto chunk = [&](std::uint32_t index) {
        return wire::Frame{
            .kind = Kind::chunk, .metadata = "m", .body = body, .index = index, .total = 2, .body_size = body.size()};
    };
    wire::Frame first = chunk(0);
    CHECK_FALSE(holder.add(first));
    wire::Frame refused = chunk(0);
    CHECK(other.add(refused));
    CHECK(refused.why == errc::busy);
}

}  // namespace chunks_budget_tests

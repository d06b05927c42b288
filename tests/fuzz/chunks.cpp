// Chunks in any order with any numbers are put together as docs/protocol.md says, and what a plan cuts comes out whole.
#include "fuzz.hpp"
#include "support/frames.hpp"

#include <communica/wire/chunks.hpp>

namespace {

using communica::Limits;
using communica::wire::ChunkAssembler;
using communica::wire::ChunkPlan;
using communica::wire::Frame;
using test::Kind;
using test::OwnedFrame;

/// The same as the assembler, from docs/protocol.md alone.
class Model {
 public:
    explicit Model(std::size_t limit) : limit_(limit) {}

    std::optional<OwnedFrame> add(const Frame& chunk) {
        if (parts_ == 0) {
            if (chunk.index != 0) {
                return std::nullopt;
            }
            metadata_ = chunk.metadata;
            body_.clear();
            over_ = false;
        }
        const bool last = ++parts_ == chunk.total;
        const bool was_over = over_;
        body_ += chunk.body;
        over_ = over_ || chunk.body.size() != chunk.body_size || metadata_.size() + body_.size() > limit_;
        std::optional<OwnedFrame> result;
        if (over_ && !was_over) {
            result = OwnedFrame::discarded(metadata_);
        } else if (last && !over_) {
            result = OwnedFrame{.kind = Kind::message, .metadata = metadata_, .body = body_};
        }
        if (last) {
            parts_ = 0;
        }
        return result;
    }

 private:
    std::size_t limit_;
    std::size_t parts_ = 0;
    bool over_ = false;
    std::string metadata_;
    std::string body_;
};

void assemble(std::string_view input, const Limits& limits) {
    ChunkAssembler assembler(limits);
    Model model(limits.max_message);
    while (!input.empty()) {
        Frame chunk{.kind = Kind::chunk};
        chunk.index = fuzz::take_byte(input) % 8;
        chunk.total = fuzz::take_byte(input) % 8;
        const std::size_t metadata = fuzz::take_byte(input) % 64;
        const std::size_t body = fuzz::take_byte(input) % 64;
        chunk.metadata = input.substr(0, metadata);
        input.remove_prefix(chunk.metadata.size());
        chunk.body = input.substr(0, body);
        input.remove_prefix(chunk.body.size());
        chunk.body_size = chunk.body.size();
        if (chunk.body_size > limits.max_message) {
            chunk.body = {};  // as the reader gives it
            chunk.why = communica::errc::message_too_large;
        }
        const auto expected = model.add(chunk);
        const bool whole = assembler.add(chunk);
        fuzz::require(whole == expected.has_value(), "whole when the model is");
        fuzz::require(!whole || OwnedFrame::of(chunk) == *expected, "the same message");
    }
}

void cut_and_join(std::string_view input, std::size_t max_payload) {
    const std::string_view metadata = input.substr(0, input.size() / 3);
    const std::string_view body = input.substr(metadata.size());
    const ChunkPlan plan(metadata.size(), body.size(), max_payload);
    ChunkAssembler assembler;
    std::size_t at = 0;
    for (std::size_t index = 0; index != plan.total(); ++index) {
        const auto head = plan.head(index);
        fuzz::require(plan.offset(index) == at, "the parts follow each other");
        const bool metadata_alone = index == 0 && head.body_size == 0;
        fuzz::require(metadata_alone || head.body_size == 1 ||
                          ChunkPlan::overhead + head.metadata_size + head.body_size <= max_payload,
                      "no chunk is over the limit");
        char bytes[communica::wire::ChunkHead::size];
        head.store(bytes);
        const auto frames =
            test::read_frames(std::string(bytes, sizeof bytes) + std::string(metadata.substr(0, head.metadata_size)) +
                              std::string(body.substr(at, head.body_size)));
        fuzz::require(frames.size() == 1 && frames[0].kind == Kind::chunk, "each is a frame");
        Frame chunk{.kind = Kind::chunk,
                    .metadata = frames[0].metadata,
                    .body = frames[0].body,
                    .index = frames[0].index,
                    .total = frames[0].total,
                    .body_size = frames[0].body.size()};
        const bool whole = assembler.add(chunk);
        fuzz::require(whole == (index + 1 == plan.total()), "whole with the last");
        fuzz::require(!whole || (chunk.metadata == metadata && chunk.body == body), "what was cut");
        at += head.body_size;
    }
    fuzz::require(at == body.size(), "all of the body");
}

}  // namespace

void fuzz_one(std::string_view input) {
    const unsigned choice = fuzz::take_byte(input);
    assemble(input, {.max_message = choice & 1 ? 40 : Limits{}.max_message});
    cut_and_join(input, choice);
}

// Any bytes, however they are cut, give the same frames or the same error, and what they are is what a second decoder,
// written from docs/protocol.md, says.
#include "fuzz.hpp"
#include "support/frame_decoder.hpp"

#include <communica/wire/frame_reader.hpp>

#include <system_error>

namespace {

using communica::Limits;
using test::DecodedFrames;
using test::OwnedFrame;

DecodedFrames read(std::string_view bytes, const Limits& limits, bool lends, std::size_t step) {
    DecodedFrames result;
    communica::wire::FrameReader reader(limits);
    if (lends) {
        reader.accept_lent();
    }
    try {
        const std::size_t largest =
            test::feed(reader, bytes, step, [&](const auto& frame) { result.frames.push_back(OwnedFrame::of(frame)); });
        // Memory follows what has come, not what was claimed.
        fuzz::require(largest <= 2 * (bytes.size() + communica::wire::ReadBuffer::steady_capacity), "memory");
    } catch (const std::system_error& e) {
        fuzz::require(e.code() == communica::errc::protocol_error || e.code() == communica::errc::message_too_large);
        result.failed = true;
    }
    return result;
}

}  // namespace

void fuzz_one(std::string_view input) {
    const unsigned choice = fuzz::take_byte(input);
    const Limits limits{.max_message = choice & 1 ? 48 : Limits{}.max_message,
                        .max_metadata = choice & 2 ? 32 : Limits{}.max_metadata};
    const bool lends = (choice & 4) != 0;
    const std::size_t step = 1 + (choice >> 3);

    const DecodedFrames whole = read(input, limits, lends, input.size());
    fuzz::require(whole == read(input, limits, lends, step), "cutting changes nothing");
    fuzz::require(whole == test::decode_frames(input, limits, lends), "the second decoder agrees");
}

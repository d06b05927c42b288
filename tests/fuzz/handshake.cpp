// A hello or a refusal is taken out of any bytes, however they are cut; what this library writes, it reads.
#include "fuzz.hpp"

#include <communica/wire/handshake.hpp>

namespace wire = communica::wire;

namespace {

struct Taken {
    std::optional<std::string> hello;
    std::string rest;
    bool failed = false;
    bool operator==(const Taken&) const = default;
};

Taken take(std::string_view bytes, std::size_t step) {
    wire::ReadBuffer buffer;
    Taken taken;
    while (!bytes.empty() && !taken.hello) {
        const auto room = buffer.prepare();
        const std::size_t count = std::min({room.size(), step, bytes.size()});
        std::memcpy(room.data(), bytes.data(), count);
        buffer.commit(count);
        bytes.remove_prefix(count);
        try {
            taken.hello = wire::take_hello(buffer);
        } catch (const std::system_error& e) {
            fuzz::require(e.code() == communica::errc::handshake_failed);
            taken.failed = true;
            return taken;
        }
    }
    taken.rest = std::string(buffer.unread()) + std::string(bytes);
    return taken;
}

}  // namespace

void fuzz_one(std::string_view input) {
    const std::size_t step = 1 + fuzz::take_byte(input);
    const std::size_t end = input.find('\0');

    const Taken taken = take(input, step);
    fuzz::require(taken == take(input, input.size() + 1), "cutting changes nothing");
    fuzz::require(taken.hello.has_value() == (end != input.npos && end <= wire::max_hello), "a hello ends with a zero");
    fuzz::require(
        taken.failed || taken.hello.value_or("") + (taken.hello ? std::string(1, '\0') : "") + taken.rest == input,
        "no byte is lost");

    const auto reason = wire::read_refusal(input);
    fuzz::require(reason.has_value() == input.starts_with('\x04'), "a refusal begins with its mark");
    fuzz::require(!wire::begins_refusal(input) || reason, "what begins a refusal is one");
    const auto read_back = wire::read_refusal(wire::frame_refusal(input));
    fuzz::require(read_back.has_value(), "a refusal that was written is read");
    try {
        const std::string written = wire::frame_hello(input);
        const Taken again = take(written, step);
        fuzz::require(again.hello == input && again.rest.empty(), "a hello that was written is read");
    } catch (const std::system_error& e) {
        fuzz::require(e.code() == communica::errc::invalid_argument);
        fuzz::require(
            input.find_first_of(std::string_view("\0\x04", 2)) != input.npos || input.size() >= wire::max_hello,
            "refused for a reason");
    }
}

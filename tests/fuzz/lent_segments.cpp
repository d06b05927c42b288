// Whatever a peer says about lent memory, the buffers of this side are memory, and a lie is a protocol error.
#include "fuzz.hpp"

#include <communica/connectors/shared_memory/lent_linux.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>

namespace {

using communica::Buffer;
using communica::detail::LentSegments;
using communica::detail::OwnedDescriptor;
using communica::detail::SealedMemory;
using Kind = communica::wire::Frame::Kind;

constexpr std::size_t page = 4096;
constexpr std::size_t limit = 64 * page;

struct Sockets {
    Sockets() {
        int ends[2];
        fuzz::require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a socketpair");
        near.reset(ends[0]);
        far.reset(ends[1]);
    }
    OwnedDescriptor near;
    OwnedDescriptor far;
};

void touch(Buffer& buffer) {
    if (!buffer.empty()) {
        buffer.data()[0] = buffer.data()[buffer.size() - 1] = 'x';
    }
}

}  // namespace

/// Three bytes are a step.
void fuzz_one(std::string_view input) {
    const Sockets sockets;
    const auto segments = std::make_shared<LentSegments>(sockets.near.get(), false, limit, limit);
    std::vector<Buffer> held;
    std::vector<Buffer> sent;
    try {
        while (input.size() >= 3) {
            const unsigned what = fuzz::take_byte(input);
            const std::uint32_t number = fuzz::take_byte(input) % 8;
            const std::size_t size = fuzz::take_byte(input) * page / 4;
            switch (what % 8) {
                case 0: segments->add(SealedMemory::make_file(size + 1)); break;
                case 1: held.push_back(segments->take(number, what / 8 * page / 2, size)); break;
                case 2: segments->on_notice(Kind::returned, number); break;
                case 3: segments->on_notice(Kind::retired, number); break;
                case 4:
                    if (auto lent = segments->lend(size)) {
                        held.push_back(*std::move(lent));
                    }
                    break;
                case 5:
                    if (!held.empty()) {
                        held.erase(held.begin() + static_cast<std::ptrdiff_t>(number % held.size()));
                    }
                    break;
                case 6:
                    if (!held.empty()) {
                        held.back().lent_memory()->note_sent();
                        sent.push_back(std::move(held.back()));
                        held.pop_back();
                    } else if (!sent.empty()) {
                        sent.back().pass_on();
                        sent.pop_back();
                    }
                    break;
                default: size == 0 ? segments->close() : segments->retire_idle(); segments->take_notices();
            }
            for (Buffer& buffer : held) {
                touch(buffer);
            }
        }
    } catch (const std::system_error& e) {
        fuzz::require(e.code() == communica::errc::protocol_error, "said so");
    }
    segments->close();
    for (Buffer& buffer : held) {
        touch(buffer);
    }
}

// Bytes pass through a ring in any steps, whole and in order; and whatever the other side writes into its control, nothing outside of the
// ring is touched.
#include "fuzz.hpp"

#include <communica/connectors/shared_memory/ring.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace {

using communica::detail::RingControl;
using communica::detail::RingMemory;
using communica::detail::RingReader;
using communica::detail::RingWriter;

struct Ring {
    explicit Ring(std::uint32_t capacity) : bytes(std::make_unique<char[]>(capacity)), size(capacity) {}
    RingMemory<> memory() { return {control.get(), bytes.get(), size}; }

    std::unique_ptr<RingControl<>> control = std::make_unique<RingControl<>>();
    std::unique_ptr<char[]> bytes;  // of just this size, so that a sanitizer sees who leaves it
    std::uint32_t size;
};

/// The byte at this place of all that is ever written.
char nth(std::size_t number) { return static_cast<char>((number * 7) >> 4); }

/// Each byte is a step.
void pass(std::string_view steps, std::uint32_t capacity) {
    Ring ring(capacity);
    RingWriter writer(ring.memory());
    RingReader reader(ring.memory());
    std::size_t written = 0;
    std::size_t read = 0;
    const auto read_some = [&](std::size_t most) {
        std::string room(most, '\0');
        const std::size_t count = reader.read(room);
        reader.release();
        for (std::size_t i = 0; i != count; ++i) {
            fuzz::require(room[i] == nth(read++), "in order");
        }
        return count;
    };
    while (!steps.empty()) {
        const unsigned byte = fuzz::take_byte(steps);
        const std::size_t size = std::size_t{byte >> 2} * byte;
        switch (byte & 3) {
            case 0:
            case 1: {
                std::string text(size, '\0');
                for (std::size_t i = 0; i != size; ++i) {
                    text[i] = nth(written + i);
                }
                written += writer.write(text);
                if ((byte & 1) != 0) {
                    writer.publish();
                }
                break;
            }
            case 2: read_some(size); break;
            default: {
                writer.has_to_wait();
                reader.has_to_wait();
                writer.take_unused();
            }
        }
    }
    writer.publish();
    while (read_some(1'000) != 0) {
    }
    fuzz::require(read == written, "whole");
}

/// Three bytes and a number are a step.
void attack(std::string_view steps, std::uint32_t capacity) {
    Ring ring(capacity);
    RingWriter writer(ring.memory());
    RingReader reader(ring.memory());
    try {
        while (steps.size() >= 11) {
            const unsigned what = fuzz::take_byte(steps);
            const std::size_t size = fuzz::take_byte(steps) * 64 + fuzz::take_byte(steps);
            std::uint64_t number = 0;
            for (int i = 0; i != 8; ++i) {
                number = number << 8 | fuzz::take_byte(steps);
            }
            switch (what % 8) {
                case 0: ring.control->tail.store(number); break;
                case 1: ring.control->head.store(number); break;
                case 2: ring.control->lap_end.store(static_cast<std::uint32_t>(number)); break;
                case 3: ring.control->is_closed.store(static_cast<std::uint32_t>(number)); break;
                case 4:
                    writer.write(std::string(size, 'w'));
                    writer.publish();
                    break;
                case 5: {
                    std::string room(size, '\0');
                    fuzz::require(reader.read(room) <= size, "as much as there is room for");
                    reader.release();
                    break;
                }
                case 6:
                    writer.has_to_wait();
                    reader.has_to_wait();
                    break;
                default: fuzz::require(writer.take_unused() <= capacity, "of the ring"); reader.is_at_end();
            }
        }
    } catch (const std::system_error& e) {
        fuzz::require(e.code() == communica::errc::protocol_error, "said so");
    }
}

}  // namespace

void fuzz_one(std::string_view input) {
    const unsigned choice = fuzz::take_byte(input);
    const std::uint32_t capacity = 3'840 + 512 * (choice >> 1 & 15);
    (choice & 1) != 0 ? attack(input, capacity) : pass(input, capacity);
}

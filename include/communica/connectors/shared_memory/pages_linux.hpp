// The shared memory of a connection: a sealed, anonymous file with a ring for each direction.
#pragma once

#include "../../error.hpp"
#include "../detail/owned_descriptor_unix.hpp"
#include "ring.hpp"
#include "sealed_memory_linux.hpp"

#include <cstddef>
#include <cstdint>
#include <new>
#include <system_error>
#include <utility>

#include <sys/mman.h>

namespace communica::detail {

/// Two rings of equal size, mapped for the lifetime of this object.
class SharedPages {
 public:
    static constexpr std::size_t page = 4096;
    static constexpr std::size_t least_ring = 2 * page;
    static constexpr std::size_t largest_ring = std::size_t{1} << 30;

    SharedPages() = default;

    static OwnedDescriptor make_file(std::size_t ring_size) { return SealedMemory::make_file(2 * ring_size); }

    /// Maps the peer's file. Throws `errc::handshake_failed` if it is not as `make_file` makes it.
    static SharedPages map(const OwnedDescriptor& file, std::size_t ring_size) {
        auto memory = SealedMemory::map(file, 2 * ring_size);
        if (!memory || memory->size() != 2 * ring_size) {
            throw std::system_error(errc::handshake_failed,
                                    "the memory to share is not a sealed file of the size said");
        }
        return SharedPages(*std::move(memory));
    }

    /// The client writes to the first ring.
    enum class Direction { to_server, to_client };
    RingMemory<> ring(Direction direction) const {
        char* const start = start_of(direction);
        return {std::launder(reinterpret_cast<RingControl<>*>(start)), start + RingControl<>::size,
                static_cast<std::uint32_t>(ring_size() - RingControl<>::size)};
    }

    /// Frees the memory of a ring's first `used` bytes, except for the first page. It reads as zeros afterwards.
    void give_back(Direction direction, std::size_t used) const noexcept {
        const std::size_t end = (RingControl<>::size + used + page - 1) / page * page;
        if (end > page) {
            ::madvise(start_of(direction) + page, end - page, MADV_REMOVE);  // if it fails the memory stays allocated
        }
    }

 private:
    explicit SharedPages(SealedMemory memory) noexcept : memory_(std::move(memory)) {}

    std::size_t ring_size() const noexcept { return memory_.size() / 2; }
    char* start_of(Direction direction) const noexcept {
        return memory_.start() + (direction == Direction::to_server ? 0 : ring_size());
    }

    SealedMemory memory_;
};

}  // namespace communica::detail

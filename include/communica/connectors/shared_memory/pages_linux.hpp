// The shared memory of a connection: a sealed, anonymous file with a ring for each direction.
#pragma once

#include "../../error.hpp"
#include "../detail/owned_descriptor_unix.hpp"
#include "../detail/sockets_unix.hpp"
#include "ring.hpp"

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace communica::detail {

/// Two rings of equal size, mapped for the lifetime of this object. The system allocates a page at the first access.
class SharedPages {
 public:
    static constexpr std::size_t page = 4096;
    static constexpr std::size_t least_ring = 2 * page;
    static constexpr std::size_t largest_ring = std::size_t{1} << 30;

    SharedPages() = default;
    SharedPages(SharedPages&& other) noexcept
        : start_(std::exchange(other.start_, nullptr)), ring_size_(std::exchange(other.ring_size_, 0)) {}
    SharedPages& operator=(SharedPages&&) = delete;
    ~SharedPages() {
        if (start_ != nullptr) {
            ::munmap(start_, 2 * ring_size_);
        }
    }

    /// A new file of zeros, sealed against shrinking: an access behind the end of a shrunk file would raise SIGBUS.
    static OwnedDescriptor make_file(std::size_t ring_size) {
        constexpr unsigned not_executable = 8;  // MFD_NOEXEC_SEAL, from Linux 6.3 on
        constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
        OwnedDescriptor file(::memfd_create("communica", flags | not_executable));
        if (!file && errno == EINVAL) {
            file.reset(::memfd_create("communica", flags));
        }
        if (!file || ::ftruncate(file.get(), static_cast<::off_t>(2 * ring_size)) != 0 ||
            ::fcntl(file.get(), F_ADD_SEALS, seals) != 0) {
            throw_errno("memory to share");
        }
        return file;
    }

    /// Maps the peer's file. Throws `errc::handshake_failed` if it is not as `make_file` makes it.
    static SharedPages map(const OwnedDescriptor& file, std::size_t ring_size) {
        constexpr decltype(::statfs::f_type) memory_files =
            0x01021994;  // TMPFS_MAGIC: not hugetlbfs, whose pages may be missing at the first access
        struct ::stat info{};
        struct ::statfs system{};
        const bool is_known = ::fstat(file.get(), &info) == 0 && ::fstatfs(file.get(), &system) == 0;
        const int found = ::fcntl(file.get(), F_GET_SEALS);
        if (!is_known || found < 0 || (found & seals) != seals || system.f_type != memory_files ||
            info.st_size != static_cast<::off_t>(2 * ring_size)) {
            throw std::system_error(errc::handshake_failed,
                                    "the memory to share is not a sealed file of the size said");
        }
        void* const start = ::mmap(nullptr, 2 * ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
        if (start == MAP_FAILED) {
            throw_errno("memory to share");
        }
        return SharedPages(start, ring_size);
    }

    /// The client writes to the first ring.
    enum class Direction { to_server, to_client };
    RingMemory<> ring(Direction direction) const {
        char* const start = static_cast<char*>(start_) + (direction == Direction::to_server ? 0 : ring_size_);
        return {std::launder(reinterpret_cast<RingControl<>*>(start)), start + RingControl<>::size,
                static_cast<std::uint32_t>(ring_size_ - RingControl<>::size)};
    }

    /// Frees the memory of a ring's first `used` bytes, except for the first page. It reads as zeros afterwards.
    void give_back(Direction direction, std::size_t used) const noexcept {
        const std::size_t end = (RingControl<>::size + used + page - 1) / page * page;
        if (end > page) {
            char* const start = static_cast<char*>(start_) + (direction == Direction::to_server ? 0 : ring_size_);
            ::madvise(start + page, end - page, MADV_REMOVE);  // if it fails the memory stays allocated
        }
    }

 private:
    static constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

    SharedPages(void* start, std::size_t ring_size) noexcept : start_(start), ring_size_(ring_size) {}

    void* start_ = nullptr;
    std::size_t ring_size_ = 0;
};

}  // namespace communica::detail

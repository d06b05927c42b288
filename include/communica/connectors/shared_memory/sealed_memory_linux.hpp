// Memory shared with another process: an anonymous file whose size can't change.
#pragma once

#include "../detail/owned_descriptor_unix.hpp"
#include "../detail/sockets_unix.hpp"

#include <cerrno>
#include <cstddef>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace communica::detail {

/// Mapped for the lifetime of this object. The system allocates a page at the first access.
class SealedMemory {
 public:
    SealedMemory() = default;
    SealedMemory(SealedMemory&& other) noexcept
        : start_(std::exchange(other.start_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    SealedMemory& operator=(SealedMemory&&) = delete;
    ~SealedMemory() {
        if (start_ != nullptr) {
            ::munmap(start_, size_);
        }
    }

    char* start() const noexcept { return start_; }
    std::size_t size() const noexcept { return size_; }

    /// A new file of zeros, sealed against shrinking: an access behind the end of a shrunk file would raise SIGBUS.
    static OwnedDescriptor make_file(std::size_t size) {
        constexpr unsigned not_executable = 8;  // MFD_NOEXEC_SEAL, from Linux 6.3 on
        constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
        OwnedDescriptor file(::memfd_create("communica", flags | not_executable));
        if (!file && errno == EINVAL) {
            file.reset(::memfd_create("communica", flags));
        }
        if (!file || ::ftruncate(file.get(), static_cast<::off_t>(size)) != 0 ||
            ::fcntl(file.get(), F_ADD_SEALS, seals) != 0) {
            throw_errno("memory to share");
        }
        return file;
    }

    /// Maps a file, also the peer's. Empty if it is not as `make_file` makes it, or larger than `most`.
    static std::optional<SealedMemory> map(const OwnedDescriptor& file, std::size_t most) {
        constexpr decltype(::statfs::f_type) memory_files =
            0x01021994;  // TMPFS_MAGIC: not hugetlbfs, whose pages may be missing at the first access
        struct ::stat info{};
        struct ::statfs system{};
        const bool is_known = ::fstat(file.get(), &info) == 0 && ::fstatfs(file.get(), &system) == 0;
        const int found = ::fcntl(file.get(), F_GET_SEALS);
        if (!is_known || found < 0 || (found & seals) != seals || system.f_type != memory_files || info.st_size <= 0 ||
            static_cast<std::size_t>(info.st_size) > most) {
            return std::nullopt;
        }
        const auto size = static_cast<std::size_t>(info.st_size);
        void* const start = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
        if (start == MAP_FAILED) {
            throw_errno("memory to share");
        }
        return SealedMemory(static_cast<char*>(start), size);
    }

 private:
    static constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

    SealedMemory(char* start, std::size_t size) noexcept : start_(start), size_(size) {}

    char* start_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace communica::detail

// A file descriptor as a value that can be sent to another process.
#pragma once

#include "asio.hpp"
#include "attachments.hpp"

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace communica {

/// Owns a file descriptor: of a file, a socket, a pipe or memory. The destructor closes it. Movable, not copyable.
/// POSIX only.
///
/// It may stand in the value of a request, a notification or an answer over local sockets and shared memory. Sending
/// duplicates it, so the sender still owns its own. The receiver owns the new descriptor, which child processes do not
/// inherit, and which shares the file's position and flags with the sender's. Every descriptor that the receiver's
/// value does not take is closed.
class Descriptor {
 public:
    Descriptor() = default;
    /// Takes ownership. Negative: none.
    explicit Descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
    Descriptor(Descriptor&& other) noexcept : descriptor_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~Descriptor() { reset(); }

    /// Returns a new descriptor of the same file, which child processes do not inherit. Throws `std::system_error`.
    static Descriptor duplicate_of(int descriptor) {
        constexpr int least = 3;  // not in the place of a closed standard stream
        Descriptor duplicate(::fcntl(descriptor, F_DUPFD_CLOEXEC, least));
        if (!duplicate) {
            throw std::system_error(errno, asio::error::get_system_category(), "fcntl");
        }
        return duplicate;
    }

    /// The descriptor, which this still owns; -1 if there is none.
    int get() const noexcept { return descriptor_; }
    /// True if there is one.
    explicit operator bool() const noexcept { return descriptor_ >= 0; }

    /// Returns the descriptor, which the caller owns from then on.
    int release() noexcept { return std::exchange(descriptor_, -1); }
    /// Closes the descriptor, and takes ownership of another one.
    void reset(int descriptor = -1) noexcept {
        if (const int old = std::exchange(descriptor_, descriptor); old >= 0) {
            ::close(old);
        }
    }

 private:
    int descriptor_ = -1;
};

namespace base {

/// The descriptors of one message. Not thread-safe.
class DescriptorList final : public Attachments {
 public:
    /// The most that Linux passes at once.
    static constexpr std::size_t most = 253;

    void reserve_most() { all_.reserve(most); }
    /// Adds a descriptor and returns its index.
    std::size_t add(Descriptor descriptor) {
        all_.push_back(std::move(descriptor));
        return size_++;
    }
    const std::vector<Descriptor>& all() const noexcept { return all_; }

    /// Returns a received descriptor once. Afterwards, and for an index that is not there, none.
    Descriptor take(std::size_t index) noexcept { return index < size_ ? std::move(all_[index]) : Descriptor(); }

    /// Why there are none, although some were sent; null: there are all.
    const char* why_lost() const noexcept { return why_lost_; }
    /// Closes them.
    void lose(const char* why) noexcept {
        all_.clear();
        size_ = 0;
        why_lost_ = why;
    }

    static constexpr const char* not_passed =
        "the system did not pass all descriptors of this message; one of the two processes may have too many";

 private:
    std::vector<Descriptor> all_;
    const char* why_lost_ = nullptr;
};

}  // namespace base

}  // namespace communica

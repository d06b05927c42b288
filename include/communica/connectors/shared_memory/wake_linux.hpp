// The pipe with which one end of a shared-memory connection wakes the other.
#pragma once

#include "../../error.hpp"
#include "../detail/owned_descriptor_unix.hpp"
#include "../detail/sockets_unix.hpp"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace communica::detail {

/// The pipe with which this end wakes the peer. The peer gets `read_end`, whose end of file says that this end is gone.
///
/// A pipe instead of an eventfd: blocking is a property of an open file description, and both ends would share that of
/// an eventfd, so either could block the other's thread. This end's description is never passed on, and the peer opens
/// its own.
class WakePipe {
 public:
    WakePipe() = default;

    static WakePipe make() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
            throw_errno("pipe");
        }
        WakePipe pipe;
        pipe.read_.reset(ends[0]);
        pipe.write_.reset(ends[1]);
        ::fcntl(ends[1], F_SETPIPE_SZ, 4096);  // an optimisation: larger pipes work too
        if (::fchmod(ends[0], 0666) != 0) {    // lets a trusted user reopen the descriptor
            throw_errno("pipe");
        }
        return pipe;
    }

    /// Also kept open here, so that waking a peer that is gone raises no SIGPIPE.
    const OwnedDescriptor& read_end() const noexcept { return read_; }

    /// If the pipe is full, the peer has something to wake it already.
    void wake() const noexcept { [[maybe_unused]] const ::ssize_t count = ::write(write_.get(), "", 1); }

    /// Opens the pipe again, with its own file description. Throws `errc::handshake_failed` if it is not a pipe.
    static OwnedDescriptor open_anew(const OwnedDescriptor& received) {
        constexpr decltype(::statfs::f_type) pipes = 0x50495045;  // PIPEFS_MAGIC
        struct ::statfs system{};
        if (::fstatfs(received.get(), &system) != 0 || system.f_type != pipes) {
            throw std::system_error(errc::handshake_failed, "what should wake this side is not a pipe");
        }
        const std::string path = "/proc/self/fd/" + std::to_string(received.get());
        OwnedDescriptor opened(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        if (!opened) {
            throw_errno("/proc/self/fd is needed for shared memory");
        }
        return opened;
    }

 private:
    OwnedDescriptor read_;
    OwnedDescriptor write_;
};

}  // namespace communica::detail

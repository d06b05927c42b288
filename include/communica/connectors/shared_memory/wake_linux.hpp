// How one end of a connection over shared memory wakes the other.
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

/// The pipe by which this end wakes the other one, which gets a `read_end` that says, too, when this end is gone.
///
/// A pipe and no eventfd: whether a call may block is a property of an open file, and both ends of a connection would share that of
/// an eventfd, so that either could stop the other's thread. This end's is never handed out, and what is handed out is opened anew.
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
        ::fcntl(ends[1], F_SETPIPE_SZ, 4096);  // it also works with more
        if (::fchmod(ends[0], 0666) != 0) {    // so that a user who is trusted can open what he gets anew
            throw_errno("pipe");
        }
        return pipe;
    }

    /// Kept open here, too: so a wake-up for an end that is gone is no SIGPIPE.
    const OwnedDescriptor& read_end() const noexcept { return read_; }

    /// In a full pipe the other end finds what wakes it anyway.
    void wake() const noexcept { [[maybe_unused]] const ::ssize_t count = ::write(write_.get(), "", 1); }

    /// Opens a pipe's end anew. Throws `errc::handshake_failed` where it is none.
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

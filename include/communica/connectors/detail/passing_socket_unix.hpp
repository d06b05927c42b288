// A socket that also passes descriptors, if it is a local one.
#pragma once

#include "../../asio.hpp"
#include "../../asio/sockets.hpp"
#include "../../wire/frame.hpp"
#include "passed_descriptors_unix.hpp"

#include <cerrno>
#include <cstddef>
#include <memory>
#include <utility>

#include <sys/socket.h>

namespace communica::detail {

/// For `stream::StreamConnection`, see `stream::PassesDescriptors`. Asio's reads drop descriptors, so while they are
/// expected it has to be read with `read_some`, after `async_wait`.
class PassingSocket : public asio::generic::stream_protocol::socket {
    using Socket = asio::generic::stream_protocol::socket;

 public:
    PassingSocket(Socket socket) : Socket(std::move(socket)) {}  // NOLINT(*-explicit-*): in the place of a socket

    /// A TCP socket does not.
    bool passes_descriptors() const {
        asio::error_code error;
        const auto bound = local_endpoint(error);
        return !error && bound.protocol().family() == AF_UNIX;
    }

    bool expects_descriptors() const noexcept { return arriving_.is_expecting(); }
    bool expect_descriptors() { return passes_descriptors() && arriving_.expect(); }
    std::shared_ptr<base::Attachments> take_descriptors(std::size_t count,
                                                        const std::shared_ptr<base::AttachmentShare>& share) {
        return arriving_.take(count, share);
    }

    template <class Buffers>
    std::size_t read_some(const Buffers& buffers, asio::error_code& error) {
        return arriving_.is_expecting() ? receive(buffers, error) : Socket::read_some(buffers, error);
    }

    /// Sends a frame with its descriptors. If the system refuses that, as it does when too many are in flight, sends the
    /// frame that says so: this costs the message, not the connection.
    std::size_t write_with(asio::mutable_buffer frame, const base::Attachments& list, asio::error_code& error) {
        error = {};
        const auto count = send_descriptors(native_handle(), frame, static_cast<const base::DescriptorList&>(list));
        if (count >= 0) {
            return static_cast<std::size_t>(count);
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
            error = asio::error::would_block;
            return 0;
        }
        wire::DescriptorsFrame::set_refused(static_cast<char*>(frame.data()));
        return write_some(asio::const_buffer(frame), error);
    }

 private:
    std::size_t receive(asio::mutable_buffer room, asio::error_code& error) noexcept {
        PassedDescriptors passed;
        const std::size_t count = passed.receive(native_handle(), room, base::DescriptorList::most, error);
        if (passed.came() && !arriving_.keep(passed)) {
            error = errc::protocol_error;
            return 0;
        }
        return count;
    }

    ArrivingDescriptors arriving_;
};

}  // namespace communica::detail

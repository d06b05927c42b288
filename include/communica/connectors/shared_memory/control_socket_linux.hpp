// The socket beside the shared memory: says that there is room, passes descriptors, and tells the end of the peer.
#pragma once

#include "../../asio.hpp"
#include "../../wire/frame.hpp"
#include "../detail/passed_descriptors_unix.hpp"
#include "../detail/sockets_unix.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include <sys/socket.h>

namespace communica::detail {

/// A byte on it says that there is room again, or comes with the descriptors of a message whose frame is then put into
/// the ring. Not thread-safe.
class ControlSocket : public Socket {
 public:
    explicit ControlSocket(Socket socket) : Socket(std::move(socket)) { native_non_blocking(true); }

    void say_room() noexcept { ::send(native_handle(), "", 1, MSG_DONTWAIT | MSG_NOSIGNAL); }

    /// Reads the bytes that have arrived. Returns an error if the peer is gone.
    asio::error_code read_signs() noexcept {
        std::array<char, 64> signs;
        asio::error_code error;
        arriving_.receive(native_handle(), asio::buffer(signs), error);
        return error == asio::error::would_block ? asio::error_code() : error;
    }

    const ArrivingDescriptors& arriving() const noexcept { return arriving_; }
    ArrivingDescriptors& arriving() noexcept { return arriving_; }

    /// The frame was read in the ring, so the descriptors are here. They may be behind bytes that say that there is
    /// room: a wait for those is ended, as they are read now.
    std::shared_ptr<base::Attachments> take_descriptors(std::size_t count) {
        asio::error_code error;
        std::array<char, 64> signs;
        while (!error && count != 0 && !arriving_.has_arrived()) {
            arriving_.receive(native_handle(), asio::buffer(signs), error);
        }
        cancel(error);
        return arriving_.take(count);
    }

    /// Sends the descriptors of a frame that is written next, once. A system that refuses costs the message.
    void send_before(asio::mutable_buffer frame, const base::Attachments& list) noexcept {
        if (has_sent_) {
            return;
        }
        const auto& descriptors = static_cast<const base::DescriptorList&>(list);
        has_sent_ = send_descriptors(native_handle(), asio::buffer("\1", 1), descriptors) > 0;
        if (!has_sent_) {
            wire::DescriptorsFrame::set_refused(static_cast<char*>(frame.data()));
        }
    }
    void frame_is_written() noexcept { has_sent_ = false; }

 private:
    ArrivingDescriptors arriving_;
    bool has_sent_ = false;
};

}  // namespace communica::detail

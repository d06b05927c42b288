// The socket beside the shared memory: says that there is room, passes descriptors, and tells the end of the peer.
#pragma once

#include "../../asio.hpp"
#include "../../error.hpp"
#include "../../wire/frame.hpp"
#include "../detail/passed_descriptors_unix.hpp"
#include "../detail/sockets_unix.hpp"
#include "lent_linux.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>

#include <sys/socket.h>

namespace communica::detail {

/// Each byte on it says what it is for: that there is room again, or whose descriptors come with it. Those of a message
/// and of a segment are sent before the frame in the ring that needs them. Not thread-safe.
class ControlSocket : public Socket {
 public:
    explicit ControlSocket(Socket socket) : Socket(std::move(socket)) { native_non_blocking(true); }

    /// From now on the peer may pass segments.
    void use(std::shared_ptr<LentSegments> segments) noexcept { segments_ = std::move(segments); }
    /// Null: it may not.
    const std::shared_ptr<LentSegments>& segments() const noexcept { return segments_; }

    void say_room() noexcept { ::send(native_handle(), &room_sign, 1, MSG_DONTWAIT | MSG_NOSIGNAL); }

    /// Reads once. Returns false if there was nothing. Throws if the peer is gone, or has passed what it may not.
    bool receive() {
        const bool expects = arriving_.is_expecting();
        const std::size_t most = expects ? base::DescriptorList::most : segments_ ? 1 : 0;
        std::array<char, 64> signs;
        asio::error_code error;
        PassedDescriptors passed;
        const std::size_t count = passed.receive(native_handle(), asio::buffer(signs), most, error);
        if (error == asio::error::would_block) {
            return false;
        }
        if (error) {
            throw std::system_error(errc::connection_lost, error.message());
        }
        if (passed.came()) {
            keep(signs[count - 1], passed);
        }
        return true;
    }

    bool expects_descriptors() const noexcept { return arriving_.is_expecting(); }
    bool expect_descriptors() { return arriving_.expect(); }
    std::shared_ptr<base::Attachments> take_descriptors(std::size_t count,
                                                        const std::shared_ptr<base::AttachmentShare>& share) {
        receive_until([&] { return count == 0 || arriving_.has_arrived(); });
        return arriving_.take(count, share);
    }

    /// The segments, with this one if it was passed.
    LentSegments& segments_with(std::uint32_t number) {
        receive_until([&] { return segments_->knows(number); });
        return *segments_;
    }

    /// Sends the descriptors of a frame that is written next, once. A system that refuses costs the message.
    void send_before(asio::mutable_buffer frame, const base::Attachments& list) noexcept {
        if (has_sent_) {
            return;
        }
        const auto& descriptors = static_cast<const base::DescriptorList&>(list);
        has_sent_ = send_descriptors(native_handle(), asio::buffer(&descriptors_sign, 1), descriptors) > 0;
        if (!has_sent_) {
            wire::DescriptorsFrame::set_refused(static_cast<char*>(frame.data()));
        }
    }
    void frame_is_written() noexcept { has_sent_ = false; }

 private:
    static constexpr char room_sign = 0;
    static constexpr char descriptors_sign = 1;
    /// More reads before what a frame needs are a protocol error.
    static constexpr int most_reads = 256;

    void keep(char sign, PassedDescriptors& passed) {
        if (sign == descriptors_sign && arriving_.keep(passed)) {
            return;
        }
        if (sign != LentSegments::announcement || !segments_ || !passed.are_all()) {
            throw std::system_error(errc::protocol_error, "descriptors that were not asked for");
        }
        segments_->add(passed.take());
        if (passed.take()) {
            throw std::system_error(errc::protocol_error, "several descriptors of a segment");
        }
    }

    /// The frame was read in the ring, so what it needs is here. It may be behind signs of room: a wait for those is
    /// ended, as they are read now.
    template <class Condition>
    void receive_until(Condition is_here) {
        int reads = 0;
        while (!is_here() && receive()) {
            if (++reads == most_reads) {
                throw std::system_error(errc::protocol_error, "a frame without the descriptors that it needs");
            }
        }
        if (reads != 0) {
            asio::error_code ignored;
            cancel(ignored);
        }
    }

    ArrivingDescriptors arriving_;
    std::shared_ptr<LentSegments> segments_;
    bool has_sent_ = false;
};

}  // namespace communica::detail

// The handshake of shared memory: the client offers it, the server takes it or refuses with a reason.
#pragma once

#include "../../error.hpp"
#include "../../wire/handshake.hpp"
#include "../detail/owned_descriptor_unix.hpp"
#include "meeting_linux.hpp"
#include "pages_linux.hpp"
#include "wake_linux.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <sys/socket.h>

namespace communica::detail {

/// The memory, and the pipes that wake the two ends.
struct SharedEnd {
    SharedPages pages;
    WakePipe own;            ///< wakes the other end
    OwnedDescriptor others;  ///< wakes this end
    std::size_t max_lent;    ///< bytes of lent memory that the other end maps
};

/// The client's first step. `others` is set by the second.
inline SharedEnd offer_memory(int socket, std::size_t ring_size, std::size_t max_lent) {
    const OwnedDescriptor file = SharedPages::make_file(ring_size);
    SharedEnd end{SharedPages::map(file, ring_size), WakePipe::make(), {}, 0};
    const std::array<int, 2> descriptors{file.get(), end.own.read_end().get()};
    const MeetingHead head{.ring_size = static_cast<std::uint32_t>(ring_size),
                           .text_size = MeetingHead::lending(max_lent, false)};
    send_with_descriptors(socket, head.store(), descriptors);
    return end;
}

/// The client's second step. Throws `errc::handshake_failed` with the server's reason.
inline void take_answer(SharedEnd& end, Received& answer) {
    const MeetingHead head = MeetingHead::load(answer.bytes);
    if (head.ring_size == 0) {
        const std::string_view text(answer.bytes);
        throw std::system_error(errc::handshake_failed,
                                "refused: " + std::string(text.substr(MeetingHead::size, head.text_size)));
    }
    end.others = WakePipe::open_anew(take_descriptors(answer, 1).front());
    end.max_lent = head.lent_by(true);
}

namespace meeting {

inline void refuse(int socket, std::string_view bytes) noexcept {
    ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

inline SharedEnd open_offer(Received& offer, const MeetingHead& head, std::size_t max_ring_size) {
    const auto descriptors = take_descriptors(offer, 2);
    const std::size_t ring_size = head.ring_size;
    if (ring_size < SharedPages::least_ring || ring_size > max_ring_size || ring_size % SharedPages::page != 0) {
        throw std::system_error(errc::handshake_failed, "a ring of " + std::to_string(ring_size) +
                                                            " bytes, where at most " + std::to_string(max_ring_size) +
                                                            " are allowed");
    }
    return {SharedPages::map(descriptors[0], ring_size), WakePipe::make(), WakePipe::open_anew(descriptors[1]),
            head.lent_by(false)};
}

}  // namespace meeting

/// The server's step. Sends the client the text of the exception that it throws.
inline SharedEnd take_offer(int socket, Received& offer, std::size_t max_ring_size, std::size_t max_lent) {
    MeetingHead head;
    try {
        head = MeetingHead::load(offer.bytes);
    } catch (const std::system_error&) {
        meeting::refuse(socket, wire::frame_refusal("this is a server of shared memory", errc::handshake_failed));
        throw;
    }
    try {
        SharedEnd end = meeting::open_offer(offer, head, max_ring_size);
        const std::array<int, 1> descriptors{end.own.read_end().get()};
        head.text_size = MeetingHead::lending(max_lent, true);
        send_with_descriptors(socket, head.store(), descriptors);
        return end;
    } catch (const std::system_error& e) {
        const std::string why = std::string(e.what()).substr(0, MeetingHead::max_text);
        meeting::refuse(socket, MeetingHead{.text_size = static_cast<std::uint32_t>(why.size())}.store() + why);
        throw;
    }
}

}  // namespace communica::detail

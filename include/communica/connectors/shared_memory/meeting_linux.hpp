// The messages on the socket before the memory is shared (docs/protocol.md, "Shared memory").
#pragma once

#include "../../error.hpp"
#include "../detail/owned_descriptor_unix.hpp"
#include "../detail/sockets_unix.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>

namespace communica::detail {

/// The first bytes in each direction, in the machine's byte order.
struct MeetingHead {
    static constexpr std::string_view signature = "COMMSHM1";
    static constexpr std::size_t size = 16;
    static constexpr std::size_t max_text = 1024;

    std::uint32_t ring_size = 0;  ///< bytes of a ring with its control; 0 in a refusal
    std::uint32_t text_size = 0;  ///< bytes of the text that follows in a refusal: the reason; otherwise see `lending`

    /// Says how many bytes of lent memory this side maps. Older versions return what they get, which is no answer.
    static std::uint32_t lending(std::size_t most, bool is_answer) noexcept {
        return static_cast<std::uint32_t>(most / 4096) << 1 | (is_answer ? 1U : 0U);
    }
    /// How many bytes the peer maps; 0 for an older version.
    std::size_t lent_by(bool is_answer) const noexcept {
        return (text_size & 1) == (is_answer ? 1U : 0U) ? std::size_t{text_size >> 1} * 4096 : 0;
    }

    std::string store() const {
        std::string bytes(signature);
        bytes.resize(size);
        std::memcpy(bytes.data() + 8, &ring_size, 4);
        std::memcpy(bytes.data() + 12, &text_size, 4);
        return bytes;
    }
    static MeetingHead load(std::string_view bytes) {
        if (bytes.size() < size || !bytes.starts_with(signature)) {
            throw std::system_error(errc::handshake_failed, "the other side does not share memory");
        }
        MeetingHead head;
        std::memcpy(&head.ring_size, bytes.data() + 8, 4);
        std::memcpy(&head.text_size, bytes.data() + 12, 4);
        return head;
    }
};

/// Bytes and the descriptors received with them.
struct Received {
    std::string bytes;
    std::vector<OwnedDescriptor> descriptors;
};

inline constexpr std::size_t max_met_descriptors = 2;
using MeetingControl = std::array<char, CMSG_SPACE(max_met_descriptors * sizeof(int))>;

/// Does not wait: nothing was written to the socket before, so it has room.
inline void send_with_descriptors(int socket, std::string_view bytes, std::span<const int> descriptors) {
    alignas(::cmsghdr) MeetingControl control{};
    ::iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
    ::msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        ::cmsghdr* const head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
    }
    const ::ssize_t sent = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != static_cast<::ssize_t>(bytes.size())) {
        if (sent >= 0) {
            errno = ENOBUFS;
        }
        throw_errno("the meeting of shared memory");
    }
}

/// Reads without waiting; null if there is nothing. The result owns the descriptors. Too many are an error.
inline std::optional<Received> receive_with_descriptors(int socket) {
    alignas(::cmsghdr) MeetingControl control{};
    Received received{std::string(MeetingHead::size + MeetingHead::max_text, '\0'), {}};
    ::iovec part{.iov_base = received.bytes.data(), .iov_len = received.bytes.size()};
    ::msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ::ssize_t count = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0) {
        if (errno == EAGAIN || errno == EINTR) {
            return std::nullopt;
        }
        throw_errno("the meeting of shared memory");
    }
    for (::cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
            for (std::size_t at = 0; CMSG_LEN(at + sizeof(int)) <= head->cmsg_len; at += sizeof(int)) {
                int descriptor = -1;
                std::memcpy(&descriptor, CMSG_DATA(head) + at, sizeof descriptor);
                received.descriptors.emplace_back(descriptor);
            }
        }
    }
    if (count == 0) {
        throw std::system_error(errc::handshake_failed, "the other side closed the connection");
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0) {
        throw std::system_error(errc::handshake_failed, "the descriptors of the other side did not all arrive");
    }
    received.bytes.resize(static_cast<std::size_t>(count));
    return received;
}

/// The descriptors of a message that must have `expected` of them. Throws `errc::handshake_failed`.
inline std::vector<OwnedDescriptor> take_descriptors(Received& received, std::size_t expected) {
    if (received.descriptors.size() != expected) {
        throw std::system_error(errc::handshake_failed, std::to_string(received.descriptors.size()) +
                                                            " descriptors came instead of " + std::to_string(expected));
    }
    return std::move(received.descriptors);
}

}  // namespace communica::detail

// Sends and receives descriptors over a local socket (SCM_RIGHTS).
#pragma once

#include "../../asio.hpp"
#include "../../descriptor_unix.hpp"
#include "../../error.hpp"
#include "system_unix.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include <sys/socket.h>

namespace communica::detail {

using DescriptorControl = std::array<char, CMSG_SPACE(base::DescriptorList::most * sizeof(int))>;

/// Sends the bytes with the descriptors, without waiting. Returns how many bytes were sent, or -1 and sets `errno`. The
/// kernel hands out the descriptors with the first of these bytes.
inline ::ssize_t send_descriptors(int socket, asio::const_buffer bytes, const base::DescriptorList& list) noexcept {
    alignas(::cmsghdr) DescriptorControl control{};
    ::iovec part{.iov_base = const_cast<void*>(bytes.data()), .iov_len = bytes.size()};
    ::msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(list.size() * sizeof(int));
    ::cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(list.size() * sizeof(int));
    unsigned char* at = CMSG_DATA(head);
    for (const Descriptor& descriptor : list.all()) {
        const int number = descriptor.get();
        std::memcpy(at, &number, sizeof number);
        at += sizeof number;
    }
    return ::sendmsg(socket, &message, MSG_DONTWAIT | sends_no_signal);
}

/// Receives the descriptors of one message. While it expects none, the kernel closes those that arrive.
class ArrivingDescriptors {
 public:
    bool is_expecting() const noexcept { return list_ != nullptr; }
    bool has_arrived() const noexcept { return has_arrived_; }

    /// Returns false if it expects some already.
    bool expect() {
        if (is_expecting()) {
            return false;
        }
        auto list = std::make_shared<base::DescriptorList>();
        list->reserve_most();  // so that none is lost for want of memory
        list_ = std::move(list);
        has_arrived_ = false;
        return true;
    }

    /// Reads bytes, without waiting, and keeps the descriptors that come with them. A second time it closes them, which
    /// is an error.
    std::size_t receive(int socket, asio::mutable_buffer room, asio::error_code& error) noexcept {
        alignas(::cmsghdr) DescriptorControl control;
        ::iovec part{.iov_base = room.data(), .iov_len = room.size()};
        ::msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (is_expecting()) {
            message.msg_control = control.data();
            message.msg_controllen = control.size();
        }
        const ::ssize_t count = ::recvmsg(socket, &message, MSG_DONTWAIT | receives_close_on_exec);
        if (count <= 0) {
            error = count == 0       ? asio::error_code(asio::error::eof)
                    : errno == EINTR ? asio::error_code(asio::error::would_block)
                                     : asio::error_code(errno, asio::error::get_system_category());
            return 0;
        }
        error = is_expecting() && !keep(message) ? asio::error_code(errc::protocol_error) : asio::error_code();
        return error ? 0 : static_cast<std::size_t>(count);
    }

    /// Ends the expectation. Returns the descriptors of a message that was sent with `count` of them. Throws
    /// `errc::protocol_error` if others arrived.
    std::shared_ptr<base::Attachments> take(std::size_t count) {
        const auto list = std::exchange(list_, nullptr);
        if (!has_arrived_) {  // the sender's system refused to send them
            list->set_incomplete();
        }
        if (list->size() > count || (list->size() != count && !list->is_incomplete())) {
            throw std::system_error(errc::protocol_error, "not the descriptors that their frame announces");
        }
        return list;
    }

 private:
    /// Owns all descriptors of a message. Returns false if those of another one are here.
    bool keep(::msghdr& message) noexcept {
        bool has_any = false;
        for (::cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
            if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
                has_any = true;
                for (std::size_t at = 0; CMSG_LEN(at + sizeof(int)) <= head->cmsg_len; at += sizeof(int)) {
                    int number = -1;
                    std::memcpy(&number, CMSG_DATA(head) + at, sizeof number);
                    Descriptor one = received(number);
                    if (!has_arrived_) {
                        list_->add(std::move(one));
                    }
                }
            }
        }
        if ((message.msg_flags & MSG_CTRUNC) != 0) {  // also if none of them could be received
            has_any = true;
            list_->set_incomplete();
        }
        const bool is_second = has_any && has_arrived_;
        has_arrived_ = has_arrived_ || has_any;
        return !is_second;
    }

    std::shared_ptr<base::DescriptorList> list_;  // null while it expects none
    bool has_arrived_ = false;
};

}  // namespace communica::detail

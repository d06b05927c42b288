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

/// The descriptors that come with one read. Closes those that are not taken. The kernel ends a read behind bytes that
/// were sent with descriptors, so they are those of the last byte.
class PassedDescriptors {
 public:
    PassedDescriptors() = default;
    PassedDescriptors(const PassedDescriptors&) = delete;
    PassedDescriptors& operator=(const PassedDescriptors&) = delete;
    ~PassedDescriptors() {
        while (take()) {
        }
    }

    /// Reads bytes, without waiting and once, with room for so many descriptors. The kernel closes the others.
    std::size_t receive(int socket, asio::mutable_buffer room, std::size_t most, asio::error_code& error) noexcept {
        ::iovec part{.iov_base = room.data(), .iov_len = room.size()};
        message_.msg_iov = &part;
        message_.msg_iovlen = 1;
        if (most != 0) {
            message_.msg_control = control_.data();
            message_.msg_controllen = CMSG_LEN(most * sizeof(int));
        }
        const ::ssize_t count = ::recvmsg(socket, &message_, MSG_DONTWAIT | receives_close_on_exec);
        if (count <= 0) {
            message_.msg_controllen = 0;
            error = count == 0       ? asio::error_code(asio::error::eof)
                    : errno == EINTR ? asio::error_code(asio::error::would_block)
                                     : asio::error_code(errno, asio::error::get_system_category());
            return 0;
        }
        error = {};
        head_ = CMSG_FIRSTHDR(&message_);
        return static_cast<std::size_t>(count);
    }

    /// Did any come, even if none could be received?
    bool came() const noexcept { return head_ != nullptr || !are_all(); }
    /// False if the kernel closed some.
    bool are_all() const noexcept { return (message_.msg_flags & MSG_CTRUNC) == 0; }

    /// Returns the next one; none if all were taken.
    Descriptor take() noexcept {
        for (; head_ != nullptr; head_ = CMSG_NXTHDR(&message_, head_), at_ = 0) {
            if (head_->cmsg_level == SOL_SOCKET && head_->cmsg_type == SCM_RIGHTS &&
                CMSG_LEN(at_ + sizeof(int)) <= head_->cmsg_len) {
                int number = -1;
                std::memcpy(&number, CMSG_DATA(head_) + at_, sizeof number);
                at_ += sizeof number;
                return received(number);
            }
        }
        return {};
    }

 private:
    alignas(::cmsghdr) DescriptorControl control_;
    ::msghdr message_{};
    ::cmsghdr* head_ = nullptr;
    std::size_t at_ = 0;  // bytes of its descriptors that were taken
};

/// Receives the descriptors of one message.
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

    /// Keeps them, if it expects some. A second time it closes them and returns false.
    bool keep(PassedDescriptors& passed) noexcept {
        if (!is_expecting()) {
            return true;
        }
        if (std::exchange(has_arrived_, true)) {
            return false;
        }
        while (Descriptor one = passed.take()) {
            list_->add(std::move(one));
        }
        if (!passed.are_all()) {
            list_->lose(base::DescriptorList::not_passed);
        }
        return true;
    }

    /// Ends the expectation. Returns the descriptors of a message that was sent with `count` of them: none, with the
    /// reason, if some did not arrive, or if the budget does not allow them. Throws `errc::protocol_error` if others
    /// arrived.
    std::shared_ptr<base::Attachments> take(std::size_t count, const std::shared_ptr<base::AttachmentShare>& share) {
        const auto list = std::exchange(list_, nullptr);
        if (!has_arrived_) {  // the sender's system refused to send them
            list->lose(base::DescriptorList::not_passed);
        }
        if (list->size() > count || (list->size() != count && list->why_lost() == nullptr)) {
            throw std::system_error(errc::protocol_error, "not the descriptors that their frame announces");
        }
        if (!list->reserve(share)) {
            list->lose("too many descriptors wait on this side");
        }
        return list;
    }

 private:
    std::shared_ptr<base::DescriptorList> list_;  // null while it expects none
    bool has_arrived_ = false;
};

}  // namespace communica::detail

// A page of memory and two eventfds that a client and a server share, passed over a Unix socket.
#pragma once

#include "sockets.hpp"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <atomic>

namespace bench {

/// A message in each direction. `number` counts the messages; its writer stores it last.
struct SharedSlot {
    alignas(128) std::atomic<std::uint64_t> number;
    char bytes[64];
};
struct SharedPage {
    SharedSlot to_server;
    SharedSlot to_client;
};

struct SharedChannel {
    SharedPage* page = nullptr;
    int wakes_server = -1;
    int wakes_client = -1;

    static SharedChannel serve(const Options& options) {
        const int listener = listen_socket(options);
        say_ready();
        const int socket = accept_socket(options, listener);
        const std::array descriptors{::memfd_create("bench", MFD_CLOEXEC), ::eventfd(0, EFD_NONBLOCK),
                                     ::eventfd(0, EFD_NONBLOCK)};
        check(::ftruncate(descriptors[0], sizeof(SharedPage)), "ftruncate");
        Message message;
        std::memcpy(CMSG_DATA(message.control()), descriptors.data(), sizeof descriptors);
        check(static_cast<int>(::sendmsg(socket, &message.head, 0)), "sendmsg");
        return of(descriptors);
    }
    static SharedChannel connect(const Options& options) {
        Message message;
        check(static_cast<int>(::recvmsg(connect_socket(options), &message.head, 0)), "recvmsg");
        std::array<int, 3> descriptors{};
        std::memcpy(descriptors.data(), CMSG_DATA(CMSG_FIRSTHDR(&message.head)), sizeof descriptors);
        return of(descriptors);
    }

 private:
    struct Message {
        Message() {
            head.msg_iov = &part;
            head.msg_iovlen = 1;
            head.msg_control = space;
            head.msg_controllen = sizeof space;
        }
        ::cmsghdr* control() {
            ::cmsghdr* const first = CMSG_FIRSTHDR(&head);
            first->cmsg_level = SOL_SOCKET;
            first->cmsg_type = SCM_RIGHTS;
            first->cmsg_len = CMSG_LEN(3 * sizeof(int));
            return first;
        }
        char byte = 0;
        ::iovec part{.iov_base = &byte, .iov_len = 1};
        alignas(::cmsghdr) char space[CMSG_SPACE(3 * sizeof(int))] = {};
        ::msghdr head{};
    };

    static SharedChannel of(const std::array<int, 3>& descriptors) {
        void* const start = ::mmap(nullptr, sizeof(SharedPage), PROT_READ | PROT_WRITE, MAP_SHARED, descriptors[0], 0);
        check(start == MAP_FAILED ? -1 : 0, "mmap");
        return {static_cast<SharedPage*>(start), descriptors[1], descriptors[2]};
    }
};

}  // namespace bench

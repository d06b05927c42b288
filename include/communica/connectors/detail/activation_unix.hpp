// The protocols of sd_listen_fds(3) and sd_notify(3), without a library.
#pragma once

#include "../../error.hpp"
#include "owned_descriptor_unix.hpp"
#include "sockets_unix.hpp"

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace communica::detail {

inline std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

/// Reads a number; 0 if the variable is empty. Throws `errc::invalid_argument` if it is not a number from 0 to `most`.
inline int environment_number(const char* name, int most) {
    const std::string text = environment(name);
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!text.empty() && (error != std::errc() || end != text.data() + text.size() || number < 0 || number > most)) {
        throw std::system_error(errc::invalid_argument, std::string(name) + " is \"" + text + "\"");
    }
    return number;
}

/// The passed descriptors with their names. Unsets the variables.
inline std::vector<std::pair<int, std::string>> take_activated_descriptors() {
    constexpr int first = 3;
    constexpr int most = 1024;
    const bool is_for_us = environment("LISTEN_PID") == std::to_string(::getpid());
    const int count = is_for_us ? environment_number("LISTEN_FDS", most) : 0;
    std::string names = environment("LISTEN_FDNAMES");
    std::vector<std::pair<int, std::string>> taken;
    for (int descriptor = first; descriptor != first + count; ++descriptor) {
        close_on_exec(descriptor);
        const auto colon = names.find(':');
        taken.emplace_back(descriptor, names.substr(0, colon));
        names.erase(0, colon == names.npos ? names.size() : colon + 1);
    }
    for (const char* const name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
        ::unsetenv(name);
    }
    return taken;
}

inline bool notify_service_manager(std::string_view state) {
    std::string path = environment("NOTIFY_SOCKET");
    if (path.empty()) {
        return false;
    }
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if ((path[0] != '/' && path[0] != '@') || path.size() >= sizeof address.sun_path) {
        throw std::system_error(errc::invalid_argument, "NOTIFY_SOCKET is \"" + path + "\"");
    }
    path.copy(address.sun_path, path.size());
    if (path[0] == '@') {
        address.sun_path[0] = '\0';  // an abstract name
    }
    const auto size = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + path.size());
    const OwnedDescriptor socket(new_socket(AF_UNIX, SOCK_DGRAM, 0));
    if (!socket || ::sendto(socket.get(), state.data(), state.size(), 0, reinterpret_cast<const ::sockaddr*>(&address),
                            size) < 0) {
        throw_errno("the service manager");
    }
    return true;
}

}  // namespace communica::detail

// The paths of a user's local sockets on POSIX, and their trusted users (docs/protocol.md, "Local addresses").
#pragma once

#include "../../asio/local.hpp"
#include "../../error.hpp"
#include "../local_options.hpp"
#include "sockets_unix.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <sys/un.h>

namespace communica::detail {

/// The directory for temporary files, by the rules of Python's `tempfile.gettempdir()`.
inline std::string temporary_directory() {
    const auto is_usable = [](const char* path) {
        struct ::stat info{};
        return path != nullptr && *path != '\0' && ::stat(path, &info) == 0 && S_ISDIR(info.st_mode) &&
               ::access(path, W_OK | X_OK) == 0;
    };
    for (const char* variable : {"TMPDIR", "TEMP", "TMP"}) {
        if (const char* path = std::getenv(variable); is_usable(path)) {
            return path;
        }
    }
    for (const char* path : {"/tmp", "/var/tmp", "/usr/tmp"}) {
        if (is_usable(path)) {
            return path;
        }
    }
    return ".";
}

/// `$XDG_RUNTIME_DIR`, if that is a directory of this user alone; otherwise empty.
inline std::string runtime_directory() {
    const char* const path = std::getenv("XDG_RUNTIME_DIR");
    struct ::stat info{};
    const bool is_safe = path != nullptr && path[0] == '/' && ::stat(path, &info) == 0 && S_ISDIR(info.st_mode) &&
                         info.st_uid == ::geteuid() && (info.st_mode & 077) == 0;
    return is_safe ? path : "";
}

/// The user's directory if there is no runtime directory.
inline std::string user_directory() { return temporary_directory() + "/communica-" + std::to_string(::geteuid()); }

/// The directory of this user's servers.
inline std::string own_directory() {
    const std::string runtime = runtime_directory();
    return runtime.empty() ? user_directory() : runtime + "/communica";
}

/// The directory of the Python library's servers, for all users.
inline std::string python_directory() { return temporary_directory() + "/communica"; }

/// The bytes that the name of a local socket can't contain.
inline constexpr std::string_view not_in_local_names{"/\0", 2};

/// The users (uids) accepted as peers: the named ones, or else this user and root.
class TrustedUsers {
 public:
    explicit TrustedUsers(std::vector<std::int64_t> users) : users_(std::move(users)) {}

    bool contain(std::int64_t user) const {
        return users_.empty() ? is_ours(user) : std::find(users_.begin(), users_.end(), user) != users_.end();
    }
    /// Is this user trusted as the owner of a directory? This user and root are: they control this process anyway.
    bool own(std::int64_t user) const { return is_ours(user) || contain(user); }
    bool are_ours() const { return std::all_of(users_.begin(), users_.end(), is_ours); }
    /// Of a client whose user chose a directory of this owner. Root's client talks to the owner's servers there, unless
    /// users are named: another user cannot pose as them.
    TrustedUsers in_directory_of(std::int64_t owner) const {
        const bool any_owner = users_.empty() && ::geteuid() == 0;
        return any_owner ? TrustedUsers({0, owner}) : *this;
    }

 private:
    static bool is_ours(std::int64_t user) { return user == 0 || user == static_cast<std::int64_t>(::geteuid()); }

    std::vector<std::int64_t> users_;
};

/// The file of a local socket, and its directory.
class LocalPlace {
 public:
    /// `is_chosen`: the directory is that of the options, not one that any user can create first.
    LocalPlace(const std::string& name, std::string directory, TrustedUsers users, bool is_chosen = false)
        : directory_(std::move(directory)),
          path_(directory_ + "/" + name + ".sock"),
          users_(std::move(users)),
          is_chosen_(is_chosen) {
        if (!fits(name, directory_)) {
            throw std::system_error(errc::invalid_argument, "the path of a local socket has at most " +
                                                                std::to_string(sizeof(::sockaddr_un::sun_path) - 1) +
                                                                " bytes: " + path_);
        }
    }

    /// Is the path short enough for a socket's address?
    static bool fits(const std::string& name, const std::string& directory) noexcept {
        return directory.size() + std::string_view("/.sock").size() + name.size() < sizeof(::sockaddr_un::sun_path);
    }

    const std::string& path() const noexcept { return path_; }
    const std::string& directory() const noexcept { return directory_; }
    const TrustedUsers& users() const noexcept { return users_; }
    /// The permissions of the socket's file. With other trusted users everyone can connect, and is checked then.
    ::mode_t mode() const { return users_.are_ours() ? 0600 : 0666; }
    asio::local::stream_protocol::endpoint endpoint() const { return {path_}; }

    void make_directory() const {
        if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
            throw_errno(directory_.c_str());
        }
    }

    /// Throws if others can write to the directory, because they could replace the socket with their own.
    void require_safe_directory() const { require_safe(directory_status(), users_); }

    /// The users whose servers a client accepts here. Throws like `require_safe_directory`.
    TrustedUsers trusted_servers() const {
        const struct ::stat info = directory_status();
        TrustedUsers servers = is_chosen_ ? users_.in_directory_of(info.st_uid) : users_;
        require_safe(info, servers);
        return servers;
    }

 private:
    struct ::stat directory_status() const {
        struct ::stat info{};
        if (::stat(directory_.c_str(), &info) != 0) {
            throw_errno(directory_.c_str());
        }
        return info;
    }
    void require_safe(const struct ::stat& info, const TrustedUsers& users) const {
        const bool owned = users.own(info.st_uid);
        const bool foreign_group = (info.st_mode & S_IWGRP) != 0 && info.st_gid != ::getegid();
        if (!S_ISDIR(info.st_mode) || !owned || foreign_group || (info.st_mode & S_IWOTH) != 0) {
            throw std::system_error(
                std::make_error_code(std::errc::permission_denied),
                directory_ +
                    " has to be a directory of this user, root or one who is trusted that others cannot write to");
        }
    }

    std::string directory_;
    std::string path_;
    TrustedUsers users_;
    bool is_chosen_;
};

/// The paths of a local socket: that of the option, or this user's and the Python library's.
class LocalAddress {
 public:
    LocalAddress(const std::string& name, const LocalOptions& options) : python_(options.python_place) {
        if (!options.sids.empty()) {
            throw std::system_error(errc::invalid_argument, "the users of a local socket are uids here, not SIDs");
        }
        const TrustedUsers users(options.users);
        if (!options.directory.empty()) {
            places_.emplace_back(name, options.directory, users, true);
            return;
        }
        places_.emplace_back(name, own_directory(), users);
        // A path that is too long is left out, unless it is required.
        has_pythons_ = requires_python_place() || LocalPlace::fits(name, python_directory());
        if (has_pythons_) {
            places_.emplace_back(name, python_directory(), users);
        }
        if (!runtime_directory().empty() && LocalPlace::fits(name, user_directory())) {
            places_.emplace_back(name, user_directory(), users);  // for a server without a runtime directory
        }
    }

    const LocalPlace& main() const noexcept { return places_.front(); }
    /// For people.
    const std::string& text() const noexcept { return main().path(); }

    /// The paths that a client tries, in order.
    const std::vector<LocalPlace>& to_connect() const noexcept { return places_; }

    /// The Python library's path, if a server also listens there; otherwise null.
    const LocalPlace* to_listen_for_python() const noexcept {
        return has_pythons_ && python_ != PythonPlace::never ? &places_[1] : nullptr;
    }
    bool requires_python_place() const noexcept { return python_ == PythonPlace::required; }

 private:
    std::vector<LocalPlace> places_;
    PythonPlace python_;
    bool has_pythons_ = false;
};

}  // namespace communica::detail

// Local sockets on POSIX: where their files are, and how one is taken, found stale and given back.
#pragma once

#include "../../asio.hpp"
#include "../../error.hpp"
#include "sockets_unix.hpp"

#include <asio/local/stream_protocol.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace communica::detail {

/// A descriptor that closes itself.
class OwnedDescriptor {
 public:
    explicit OwnedDescriptor(int descriptor) : descriptor_(descriptor) {}
    OwnedDescriptor(const OwnedDescriptor&) = delete;
    OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
    ~OwnedDescriptor() {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    int get() const noexcept { return descriptor_; }

 private:
    int descriptor_;
};

/// The directory for temporary files, found as Python's `tempfile.gettempdir()` does.
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

/// The name as it is used: ASCII letters in lower case. Throws `errc::invalid_argument` for what can't be a file's name.
inline std::string local_name(std::string name) {
    if (name.empty() || name.find('/') != name.npos || name.find('\0') != name.npos) {
        throw std::system_error(errc::invalid_argument,
                                "a local socket's name is not empty and has no '/': \"" + name + "\"");
    }
    for (char& letter : name) {
        if (letter >= 'A' && letter <= 'Z') {
            letter = static_cast<char>(letter - 'A' + 'a');
        }
    }
    return name;
}

/// The users (uids) to talk to: those that are named, or this one and root.
class TrustedUsers {
 public:
    explicit TrustedUsers(std::vector<std::int64_t> users) : users_(std::move(users)) {}

    bool contain(std::int64_t user) const {
        return users_.empty() ? is_ours(user) : std::find(users_.begin(), users_.end(), user) != users_.end();
    }
    /// Who could do what he likes to this process anyway is trusted with a directory.
    bool own(std::int64_t user) const { return is_ours(user) || contain(user); }
    bool are_ours() const { return std::all_of(users_.begin(), users_.end(), is_ours); }

 private:
    static bool is_ours(std::int64_t user) { return user == 0 || user == static_cast<std::int64_t>(::geteuid()); }

    std::vector<std::int64_t> users_;
};

/// The file of a local socket and the directory that it lies in.
class LocalAddress {
 public:
    /// An empty `directory` is the Python library's: `communica` in the directory for temporary files.
    LocalAddress(const std::string& name, const std::string& directory, TrustedUsers users = TrustedUsers({}))
        : directory_(directory.empty() ? temporary_directory() + "/communica" : directory),
          path_(directory_ + "/" + name + ".sock"),
          users_(std::move(users)) {
        if (path_.size() >= sizeof(::sockaddr_un::sun_path)) {
            throw std::system_error(errc::invalid_argument, "the path of a local socket has at most " +
                                                                std::to_string(sizeof(::sockaddr_un::sun_path) - 1) +
                                                                " bytes: " + path_);
        }
    }

    const std::string& path() const noexcept { return path_; }
    const std::string& directory() const noexcept { return directory_; }
    const TrustedUsers& users() const noexcept { return users_; }
    /// What the socket's file lets connect. Who is trusted is looked at again when he has connected.
    ::mode_t mode() const { return users_.are_ours() ? 0600 : 0666; }
    asio::local::stream_protocol::endpoint endpoint() const { return {path_}; }

    void make_directory() const {
        if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
            throw_errno(directory_.c_str());
        }
    }

    /// Whoever could write to the directory could put a socket of his own into our place.
    void require_safe_directory() const {
        struct ::stat info{};
        if (::stat(directory_.c_str(), &info) != 0) {
            throw_errno(directory_.c_str());
        }
        const bool owned = users_.own(info.st_uid);
        if (!S_ISDIR(info.st_mode) || !owned || (info.st_mode & S_IWOTH) != 0) {
            throw std::system_error(
                std::make_error_code(std::errc::permission_denied),
                directory_ +
                    " has to be a directory of this user, root or one who is trusted that others cannot write to");
        }
    }

 private:
    std::string directory_;
    std::string path_;
    TrustedUsers users_;
};

/// A listening local socket, and the file that is removed with it.
class LocalSocketFile {
 public:
    LocalSocketFile() = default;

    /// Binds and listens; only those who are trusted can connect. A file whose server is gone is replaced.
    static LocalSocketFile listen(const LocalAddress& address, Acceptor& acceptor) {
        address.make_directory();
        address.require_safe_directory();
        // Two servers that start at once must not both find the file stale: one at a time looks and binds.
        const OwnedDescriptor directory(::open(address.directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (directory.get() < 0 || ::flock(directory.get(), LOCK_EX) != 0) {
            throw_errno(address.directory().c_str());
        }
        remove_if_stale(address);
        open_socket(acceptor, asio::local::stream_protocol());
        acceptor.non_blocking(true);
        acceptor.bind(address.endpoint());
        LocalSocketFile file(address.path());
        if (::chmod(address.path().c_str(), address.mode()) != 0) {  // nobody can connect before `listen`
            throw_errno(address.path().c_str());
        }
        acceptor.listen();
        return file;
    }

    LocalSocketFile(LocalSocketFile&& other) noexcept
        : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}
    LocalSocketFile& operator=(LocalSocketFile&&) = delete;
    ~LocalSocketFile() { remove(); }

    /// Removes the file, unless another has taken its place.
    void remove() noexcept {
        struct ::stat info{};
        if (!path_.empty() && ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_) {
            ::unlink(path_.c_str());
        }
        path_.clear();
    }

 private:
    explicit LocalSocketFile(std::string path) : path_(std::move(path)) {
        struct ::stat info{};
        if (::lstat(path_.c_str(), &info) != 0) {
            throw_errno(path_.c_str());
        }
        device_ = info.st_dev;
        inode_ = info.st_ino;
    }

    static void remove_if_stale(const LocalAddress& address) {
        struct ::stat info{};
        if (::lstat(address.path().c_str(), &info) != 0) {
            return;
        }
        const auto fail_in_use = [&] { throw std::system_error(asio::error::address_in_use, address.path()); };
        if (!S_ISSOCK(info.st_mode)) {
            fail_in_use();
        }
        const OwnedDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const auto endpoint = address.endpoint();
        const int connected = ::connect(probe.get(), endpoint.data(), static_cast<::socklen_t>(endpoint.size()));
        if (connected == 0 || errno != ECONNREFUSED) {
            fail_in_use();
        }
        if (::unlink(address.path().c_str()) != 0) {
            throw_errno(address.path().c_str());
        }
    }

    std::string path_;
    ::dev_t device_ = 0;
    ::ino_t inode_ = 0;
};

}  // namespace communica::detail

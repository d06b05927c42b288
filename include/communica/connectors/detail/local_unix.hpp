// Local sockets on POSIX: where their files are, how one is taken, found stale and given back, and who is let in.
#pragma once

#include "../../asio.hpp"
#include "../../connector.hpp"
#include "../../error.hpp"
#include "../local_options.hpp"
#include "growing_pause.hpp"
#include "sockets_unix.hpp"
#include "stream_listener.hpp"

#include <asio/local/stream_protocol.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

/// What the name of a local socket can't contain.
inline constexpr std::string_view not_in_local_names{"/\0", 2};

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
    LocalAddress(const std::string& name, const LocalOptions& options)
        : directory_(options.directory.empty() ? temporary_directory() + "/communica" : options.directory),
          path_(directory_ + "/" + name + ".sock"),
          users_(options.users) {
        if (!options.sids.empty()) {
            throw std::system_error(errc::invalid_argument, "the users of a local socket are uids here, not SIDs");
        }
        if (path_.size() >= sizeof(::sockaddr_un::sun_path)) {
            throw std::system_error(errc::invalid_argument, "the path of a local socket has at most " +
                                                                std::to_string(sizeof(::sockaddr_un::sun_path) - 1) +
                                                                " bytes: " + path_);
        }
    }

    const std::string& path() const noexcept { return path_; }
    /// For people.
    const std::string& text() const noexcept { return path_; }
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
        if (directory.get() < 0 || ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
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
        : path_(std::exchange(other.path_, {})),
          process_(other.process_),
          device_(other.device_),
          inode_(other.inode_) {}
    LocalSocketFile& operator=(LocalSocketFile&&) = delete;
    ~LocalSocketFile() { remove(); }

    /// Removes the file, unless another has taken its place, or this is a child that was forked.
    void remove() noexcept {
        struct ::stat info{};
        if (!path_.empty() && process_ == ::getpid() && ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ &&
            info.st_ino == inode_) {
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
        if (probe.get() < 0) {
            throw_errno("socket");
        }
        const auto endpoint = address.endpoint();
        const int connected = ::connect(probe.get(), endpoint.data(), static_cast<::socklen_t>(endpoint.size()));
        if (connected == 0 || errno != ECONNREFUSED) {  // EAGAIN: its server lives, with a full backlog
            fail_in_use();
        }
        if (::unlink(address.path().c_str()) != 0) {
            throw_errno(address.path().c_str());
        }
    }

    std::string path_;
    ::pid_t process_ = ::getpid();
    ::dev_t device_ = 0;
    ::ino_t inode_ = 0;
};

/// Null if the other end is nobody to talk to.
inline std::shared_ptr<Connection> make_local_connection(Socket socket, const TrustedUsers& users,
                                                         const ConnectionOptions& options) {
    const Credentials credentials = peer_credentials(socket.native_handle());
    enlarge_send_buffer(socket);
    return credentials.uid && users.contain(*credentials.uid)
               ? std::make_shared<SocketConnection>(std::move(socket), credentials, options)
               : nullptr;
}

class LocalListener final : public StreamListener<SocketAcceptor> {
 public:
    LocalListener(std::vector<SocketAcceptor> acceptors, LocalSocketFile file, LocalAddress address, std::string state,
                  const asio::any_io_executor& executor, const ConnectionOptions& options)
        : StreamListener(std::move(acceptors), executor, options),
          file_(std::move(file)),
          address_(std::move(address)),
          state_(std::move(state)) {}

    void close() override {
        file_.remove();
        StreamListener::close();
    }
    std::string address() const override { return address_.path(); }
    std::string state() const override { return state_; }

 private:
    std::shared_ptr<Connection> make_connection(Socket socket) override {
        return make_local_connection(std::move(socket), address_.users(), options());
    }

    LocalSocketFile file_;
    LocalAddress address_;
    std::string state_;
};

/// Connects a socket that does not block. Not by Asio: from 1.24 its `async_connect` takes a full backlog for a connection.
inline asio::error_code try_connect(Socket& socket, const asio::local::stream_protocol::endpoint& endpoint) {
    const auto size = static_cast<::socklen_t>(endpoint.size());
    return ::connect(socket.native_handle(), endpoint.data(), size) == 0
               ? asio::error_code()
               : asio::error_code(errno, asio::error::get_system_category());
}

/// A socket that is connected to the address. Waits while the backlog of its server is full, until it is cancelled; by a
/// timer, as `poll` does not tell when there is room.
inline asio::awaitable<Socket> connect_socket(LocalAddress address, asio::any_io_executor executor) {
    Socket socket(executor);
    open_socket(socket, asio::local::stream_protocol());
    socket.native_non_blocking(true);
    GrowingPause pause(executor);
    while (const asio::error_code error = try_connect(socket, address.endpoint())) {
        if (error != asio::error::try_again) {
            throw std::system_error(error, address.path());
        }
        try {
            co_await pause.async_wait(asio::use_awaitable);
        } catch (const std::system_error& cancelled) {
            throw std::system_error(cancelled.code(), address.path() + ": the backlog of its server is full");
        }
    }
    co_return socket;
}

inline asio::awaitable<std::shared_ptr<Connection>> connect_local(LocalAddress address, asio::any_io_executor executor,
                                                                  ConnectionOptions options) {
    address.require_safe_directory();
    Socket socket = co_await connect_socket(address, executor);
    auto connection = make_local_connection(std::move(socket), address.users(), options);
    if (!connection) {
        throw std::system_error(std::make_error_code(std::errc::permission_denied),
                                address.path() + " is the socket of a user who is not trusted");
    }
    co_return connection;
}

/// `state` is the connector's.
inline asio::awaitable<std::shared_ptr<Listener>> listen_local(LocalAddress address, std::string state,
                                                               asio::any_io_executor executor,
                                                               ConnectionOptions options) {
    Acceptor acceptor(executor);
    std::optional<LocalSocketFile> file;
    GrowingPause pause(executor);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (!file) {
        try {
            file.emplace(LocalSocketFile::listen(address, acceptor));
        } catch (const std::system_error& e) {
            if (e.code().value() != EWOULDBLOCK || std::chrono::steady_clock::now() >= end) {
                throw;
            }
        }
        if (!file) {  // another server looks and binds, or somebody else holds the directory's lock
            co_await pause.async_wait(asio::use_awaitable);
        }
    }
    std::vector<SocketAcceptor> acceptors;
    acceptors.emplace_back(std::move(acceptor));
    co_return std::make_shared<LocalListener>(std::move(acceptors), *std::move(file), std::move(address),
                                              std::move(state), executor, options);
}

/// A connection over a stream socket that is connected already.
inline std::shared_ptr<Connection> adopt_descriptor(int descriptor, const asio::any_io_executor& executor,
                                                    const ConnectionOptions& options) {
    close_on_exec(descriptor);
    Socket socket(executor);
    assign_or_close(socket, asio::local::stream_protocol(), descriptor);
    return std::make_shared<SocketConnection>(std::move(socket), peer_credentials(descriptor), options);
}

inline void close_descriptor(int descriptor) noexcept { ::close(descriptor); }

}  // namespace communica::detail

// Local sockets on POSIX: creates and removes their files, replaces stale ones, and checks the user of each connection.
#pragma once

#include "../../asio.hpp"
#include "../../asio/local.hpp"
#include "../../connector.hpp"
#include "../../error.hpp"
#include "growing_pause.hpp"
#include "local_places_unix.hpp"
#include "owned_descriptor_unix.hpp"
#include "sockets_unix.hpp"
#include "stream_listener.hpp"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace communica::detail {

/// A listening local socket's file, removed by the destructor.
class LocalSocketFile {
 public:
    LocalSocketFile() = default;

    /// Binds and listens, for trusted users only. Replaces the file of a dead server.
    static LocalSocketFile listen(const LocalPlace& address, Acceptor& acceptor) {
        address.make_directory();
        address.require_safe_directory();
        // The lock stops two servers that start at once from both finding the file stale.
        const OwnedDescriptor directory(::open(address.directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!directory || ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
            throw_errno(address.directory().c_str());
        }
        remove_if_stale(address);
        open_socket(acceptor, asio::local::stream_protocol());
        acceptor.non_blocking(true);
        acceptor.bind(address.endpoint());
        LocalSocketFile file(address.path());
        if (::chmod(address.path().c_str(), address.mode()) != 0) {  // no client can connect before `listen`
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
    LocalSocketFile& operator=(LocalSocketFile&& other) noexcept {
        remove();
        path_ = std::exchange(other.path_, {});
        process_ = other.process_;
        device_ = other.device_;
        inode_ = other.inode_;
        return *this;
    }
    ~LocalSocketFile() { remove(); }

    /// Removes the file, unless another one has replaced it, or this is a forked child.
    void remove() noexcept {
        if (!path_.empty() && process_ == ::getpid() && is_there()) {
            ::unlink(path_.c_str());
        }
        path_.clear();
    }

    bool is_there() const noexcept {
        struct ::stat info{};
        return ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
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

    static void remove_if_stale(const LocalPlace& address) {
        struct ::stat info{};
        if (::lstat(address.path().c_str(), &info) != 0) {
            return;
        }
        const auto fail_in_use = [&] {
            throw std::system_error(make_error_code(asio::error::address_in_use), address.path());
        };
        if (!S_ISSOCK(info.st_mode)) {
            fail_in_use();
        }
        const OwnedDescriptor probe(new_socket(AF_UNIX, SOCK_STREAM, 0));
        if (!probe || ::fcntl(probe.get(), F_SETFL, O_NONBLOCK) != 0) {
            throw_errno("socket");
        }
        const auto endpoint = address.endpoint();
        const int connected = ::connect(probe.get(), endpoint.data(), static_cast<::socklen_t>(endpoint.size()));
        if (connected == 0 || errno != ECONNREFUSED) {  // EAGAIN: the server runs, with a full backlog
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

/// Makes the connection over a local socket, once the peer's credentials are known.
using MakeLocalConnection =
    std::function<std::shared_ptr<Connection>(Socket, const Credentials&, const ConnectionOptions&)>;

inline std::shared_ptr<Connection> make_socket_connection(Socket socket, const Credentials& credentials,
                                                          const ConnectionOptions& options) {
    enlarge_send_buffer(socket);
    return std::make_shared<SocketConnection>(std::move(socket), credentials, options);
}

/// Null if the peer's user is not trusted.
inline std::shared_ptr<Connection> make_if_trusted(const MakeLocalConnection& make, Socket socket,
                                                   const TrustedUsers& users, const ConnectionOptions& options) {
    const Credentials credentials = peer_credentials(socket.native_handle());
    const bool is_trusted = credentials.uid && users.contain(*credentials.uid);
    return is_trusted ? make(std::move(socket), credentials, options) : nullptr;
}

/// The sockets and files of a server.
struct ListeningPlaces {
    std::vector<LocalPlace> places = {};
    std::vector<SocketAcceptor> acceptors = {};
    std::vector<LocalSocketFile> files = {};
};

class LocalListener final : public StreamListener<SocketAcceptor> {
 public:
    LocalListener(ListeningPlaces places, std::string state, const asio::any_io_executor& executor,
                  const ConnectionOptions& options, MakeLocalConnection make)
        : StreamListener(std::move(places.acceptors), executor, options),
          places_(std::move(places.places)),
          files_(std::move(places.files)),
          state_(std::move(state)),
          executor_(executor),
          make_(std::move(make)) {
        look_after(look_period);
    }

    void close() override {
        files_.clear();
        StreamListener::close();
    }
    std::string address() const override { return places_.front().path(); }
    std::string state() const override { return state_; }

 private:
    static constexpr std::chrono::seconds look_period{2};

    std::shared_ptr<Connection> make_connection(Socket socket) override {
        return make_if_trusted(make_, std::move(socket), places_.front().users(), options());
    }

    /// Creates a removed file again, unless another server has taken the name. Throws to report it; a file that can't
    /// be created is reported once.
    std::chrono::steady_clock::duration look() override {
        look_after(look_period);  // before anything that may throw
        std::string made;
        std::string missing;
        for (std::size_t index = 0; index != files_.size(); ++index) {
            if (!files_[index].is_there()) {
                const std::string removed = places_[index].path() + " was removed";
                try {
                    make_again(index);
                    made += removed + ", and is there again. ";
                } catch (const std::system_error& e) {
                    missing += removed + ": " + e.code().message() + ". ";
                }
            }
        }
        if (missing != std::exchange(missing_, missing)) {
            made += missing;
        }
        if (!made.empty()) {
            made.pop_back();
            throw MessageError(std::make_error_code(std::errc::no_such_file_or_directory), made, {});
        }
        return look_period;
    }
    void make_again(std::size_t index) {
        Acceptor acceptor(executor_);
        files_[index] = base::with_standard_errors([&] { return LocalSocketFile::listen(places_[index], acceptor); });
        replace(index, SocketAcceptor(std::move(acceptor)));
    }

    std::vector<LocalPlace> places_;
    std::vector<LocalSocketFile> files_;
    std::string state_;
    asio::any_io_executor executor_;
    MakeLocalConnection make_;
    std::string missing_;  // the last report of files that can't be created
};

/// Connects a non-blocking socket. Not by Asio: from 1.24 on its `async_connect` reports success for a full backlog.
inline asio::error_code try_connect(Socket& socket, const asio::local::stream_protocol::endpoint& endpoint) {
    const auto size = static_cast<::socklen_t>(endpoint.size());
    return ::connect(socket.native_handle(), endpoint.data(), size) == 0
               ? asio::error_code()
               : asio::error_code(errno, asio::error::get_system_category());
}

/// A socket connected to the address. Waits while the server's backlog is full, until cancelled. Uses a timer, because
/// `poll` does not report room in a backlog.
inline asio::awaitable<Socket> connect_socket(LocalPlace address, asio::any_io_executor executor) {
    Socket socket(executor);
    open_socket(socket, asio::local::stream_protocol());
    socket.native_non_blocking(true);
    GrowingPause pause(executor);
    while (const asio::error_code error = try_connect(socket, address.endpoint())) {
        if (error != asio::error::try_again) {
            throw std::system_error(error, address.path());
        }
        try {
            throw_error(co_await pause.async_wait(no_throw));
        } catch (const std::system_error& cancelled) {
            throw std::system_error(cancelled.code(), address.path() + ": the backlog of its server is full");
        }
    }
    co_return socket;
}

inline asio::awaitable<std::shared_ptr<Connection>> connect_place(LocalPlace place, asio::any_io_executor executor,
                                                                  ConnectionOptions options, MakeLocalConnection make) {
    const TrustedUsers servers = place.trusted_servers();
    Socket socket = co_await connect_socket(place, executor);
    auto connection = make_if_trusted(make, std::move(socket), servers, options);
    if (!connection) {
        throw std::system_error(std::make_error_code(std::errc::permission_denied),
                                place.path() + " is the socket of a user who is not trusted");
    }
    co_return connection;
}

/// Connects to the first path with a server. If there is none, throws the code of the main path and the texts of all.
inline asio::awaitable<std::shared_ptr<Connection>> connect_local(LocalAddress address, asio::any_io_executor executor,
                                                                  ConnectionOptions options,
                                                                  MakeLocalConnection make = make_socket_connection) {
    std::error_code first;
    std::string all;
    for (const LocalPlace& place : address.to_connect()) {
        try {
            co_return co_await connect_place(place, executor, options, make);
        } catch (const std::system_error& e) {
            if (e.code() == asio::error::operation_aborted) {
                throw;
            }
            first = first ? first : e.code();
            all += (all.empty() ? "" : "; ") + std::string(e.what());
        }
    }
    throw MessageError(first, all, {});
}

/// Waits, up to 5 s, while another server binds there or another process holds the directory's lock. Blocks no thread.
inline asio::awaitable<LocalSocketFile> listen_at(LocalPlace place, Acceptor* acceptor,
                                                  asio::any_io_executor executor) {
    GrowingPause pause(executor);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    for (;;) {
        try {
            co_return base::with_standard_errors([&] { return LocalSocketFile::listen(place, *acceptor); });
        } catch (const std::system_error& e) {
            if (e.code().value() != EWOULDBLOCK || std::chrono::steady_clock::now() >= end) {
                throw;
            }
        }
        throw_error(co_await pause.async_wait(no_throw));
    }
}

// NOLINTNEXTLINE(*-reference-coroutine-parameters): the caller awaits it
inline asio::awaitable<void> add_place(ListeningPlaces& places, LocalPlace place, asio::any_io_executor executor) {
    Acceptor acceptor(executor);
    places.files.push_back(co_await listen_at(place, &acceptor, executor));
    places.places.push_back(std::move(place));
    places.acceptors.emplace_back(std::move(acceptor));
}

/// Listens at all paths of an address. An optional one is skipped if permission is denied.
// NOLINTNEXTLINE(*-reference-coroutine-parameters): the caller awaits it
inline asio::awaitable<void> add_places(ListeningPlaces& places, LocalAddress address, asio::any_io_executor executor) {
    co_await add_place(places, address.main(), executor);
    if (const LocalPlace* const place = address.to_listen_for_python()) {
        try {
            co_await add_place(places, *place, executor);
        } catch (const std::system_error& e) {
            if (e.code().value() != EACCES || address.requires_python_place()) {
                throw;
            }
        }
    }
}

/// `state` is the connector's.
inline asio::awaitable<std::shared_ptr<Listener>> listen_local(LocalAddress address, std::string state,
                                                               asio::any_io_executor executor,
                                                               ConnectionOptions options,
                                                               MakeLocalConnection make = make_socket_connection) {
    ListeningPlaces places;
    co_await add_places(places, std::move(address), executor);
    co_return std::make_shared<LocalListener>(std::move(places), std::move(state), executor, options, std::move(make));
}

}  // namespace communica::detail

// Local sockets on Windows: the pipe's name, its first instance, and its clients.
#pragma once

#include "../../connector.hpp"
#include "../local_options.hpp"
#include "growing_pause.hpp"
#include "pipes_windows.hpp"
#include "stream_listener.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace communica::detail {

/// The characters that the name of a local socket can't contain.
inline constexpr std::string_view not_in_local_names{"/\\\0", 3};

/// Pipes are not in a directory.
inline std::string own_directory() { return {}; }

/// The pipe of a local socket.
class LocalAddress {
 public:
    LocalAddress(const std::string& name, const LocalOptions& options)
        : place_{pipe_name(name, options.directory), TrustedSids(options.sids)} {
        if (!options.users.empty()) {
            throw std::system_error(errc::invalid_argument, "the users of a local socket are SIDs here, not uids");
        }
        constexpr std::size_t most = 256;  // the limit of CreateNamedPipe
        if (place_.name.size() > most) {
            throw std::system_error(errc::invalid_argument,
                                    "the name of a pipe has at most 256 characters: " + place_.name);
        }
    }

    /// For people.
    const std::string& text() const noexcept { return place_.name; }
    const PipePlace& place() const noexcept { return place_; }

    enum class Use { free, ending, listening };

    /// Also works on systems that ignore FILE_FLAG_FIRST_PIPE_INSTANCE (Wine). A pipe exists as long as any of its
    /// connections; `ending` means that a closed server's last ones may be ending.
    Use use() const {
        const ::DWORD one_millisecond = 1;
        if (::WaitNamedPipeW(wide(text()).c_str(), one_millisecond) != 0) {
            return Use::listening;
        }
        return ::GetLastError() == ERROR_FILE_NOT_FOUND ? Use::free : Use::ending;
    }

 private:
    static std::string pipe_name(const std::string& name, std::string directory) {
        std::replace(directory.begin(), directory.end(), '\\', '/');
        return "\\\\.\\pipe\\communica." + (directory.empty() ? name : directory + "/" + name);
    }

    PipePlace place_;
};

class LocalListener final : public StreamListener<PipeAcceptor> {
 public:
    LocalListener(std::vector<PipeAcceptor> acceptors, LocalAddress address, std::string state,
                  const asio::any_io_executor& executor, const ConnectionOptions& options)
        : StreamListener(std::move(acceptors), executor, options),
          address_(std::move(address)),
          state_(std::move(state)) {}

    std::string address() const override { return address_.text(); }
    std::string state() const override { return state_; }

 private:
    /// The pipe's access list has allowed the client. The check here is for systems that ignore the list.
    std::shared_ptr<Connection> make_connection(Pipe pipe) override {
        Credentials credentials;
        if (::ULONG id = 0; ::GetNamedPipeClientProcessId(pipe.native_handle(), &id) != 0) {
            credentials.pid = id;
            credentials.sid = user_of_process(id);
            credentials.is_own = credentials.sid && address_.place().users.is_own(*credentials.sid);
        }
        if (credentials.sid && !address_.place().users.contain(*credentials.sid)) {
            return nullptr;
        }
        return std::make_shared<PipeConnection>(std::move(pipe), credentials, options());
    }

    LocalAddress address_;
    std::string state_;
};

/// Growing pauses between attempts, for 2 s in all. (WaitNamedPipe would block the thread.)
class Attempts {
 public:
    explicit Attempts(const asio::any_io_executor& executor) : pause_(executor) {}

    /// Waits; returns false when the time is over.
    asio::awaitable<bool> another() {
        if (std::chrono::steady_clock::now() >= end_) {
            co_return false;
        }
        throw_error(co_await pause_.async_wait(no_throw));
        co_return true;
    }

 private:
    GrowingPause pause_;
    const std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + std::chrono::seconds{2};
};

/// `state` is the connector's. Waits up to 2 s for the connections of an earlier server to end.
inline asio::awaitable<std::shared_ptr<Listener>> listen_local(LocalAddress address, std::string state,
                                                               asio::any_io_executor executor,
                                                               ConnectionOptions options) {
    Attempts attempts(executor);
    for (auto use = address.use(); use != LocalAddress::Use::free; use = address.use()) {
        if (use == LocalAddress::Use::listening || !co_await attempts.another()) {
            throw std::system_error(make_error_code(asio::error::address_in_use), address.text());
        }
    }
    constexpr int instances = 4;  // that wait for clients; a client that finds none free tries again
    std::vector<PipeAcceptor> acceptors;
    for (int number = 0; number != instances; ++number) {
        acceptors.emplace_back(address.place(), executor, number == 0);
    }
    co_return std::make_shared<LocalListener>(std::move(acceptors), std::move(address), std::move(state), executor,
                                              options);
}

/// Opens an instance of the pipe. Waits up to 2 s if all are taken.
inline asio::awaitable<OwnedHandle> open_pipe(std::string name, asio::any_io_executor executor) {
    const std::wstring wide_name = wide(name);
    Attempts attempts(executor);
    for (;;) {
        OwnedHandle handle(::CreateFileW(wide_name.c_str(), read_and_write, 0, nullptr, OPEN_EXISTING,
                                         FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION,
                                         nullptr));
        if (handle) {
            co_return handle;
        }
        const ::DWORD error = ::GetLastError();
        if (error != ERROR_PIPE_BUSY || !co_await attempts.another()) {
            throw_system(error, name);
        }
    }
}

inline asio::awaitable<std::shared_ptr<Connection>> connect_local(LocalAddress address, asio::any_io_executor executor,
                                                                  ConnectionOptions options) {
    OwnedHandle handle = co_await open_pipe(address.text(), executor);
    Credentials credentials;
    credentials.sid = owner_of(handle.get());
    if (!credentials.sid || !address.place().users.own(*credentials.sid)) {
        throw_system(ERROR_ACCESS_DENIED, address.text() + " is the pipe of a user who is not trusted");
    }
    if (::ULONG id = 0; ::GetNamedPipeServerProcessId(handle.get(), &id) != 0) {
        credentials.pid = id;
    }
    Pipe pipe(executor, std::move(handle));
    co_return std::make_shared<PipeConnection>(std::move(pipe), std::move(credentials), options);
}

}  // namespace communica::detail

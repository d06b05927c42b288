// Named pipes: the stream of a connection, and its acceptor.
#pragma once

#include "../../asio/windows.hpp"
#include "../../stream/connection.hpp"
#include "sockets_windows.hpp"
#include "users_windows.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace communica::detail {

/// Asio's stream over a handle. `close` also cancels pending operations, which would otherwise wait for the peer.
class Pipe {
 public:
    using executor_type = asio::windows::stream_handle::executor_type;

    Pipe(const asio::any_io_executor& executor, OwnedHandle handle) : handle_(executor, handle.get()) {
        handle.release();
    }

    ::HANDLE native_handle() { return handle_.native_handle(); }
    executor_type get_executor() { return handle_.get_executor(); }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return handle_.async_read_some(buffers, std::forward<Token>(token));
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return handle_.async_write_some(buffers, std::forward<Token>(token));
    }
    void close(asio::error_code& error) {
        asio::error_code ignored;
        handle_.cancel(ignored);
        handle_.close(error);
    }

 private:
    asio::windows::stream_handle handle_;
};

using PipeConnection = stream::StreamConnection<Pipe>;

inline std::wstring wide(const std::string& utf8) {
    const int size = static_cast<int>(utf8.size());
    std::wstring text(utf8.size(), L'\0');  // never more UTF-16 units than bytes
    const int count = ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8.data(), size, text.data(), size);
    if (count == 0 && size != 0) {
        throw std::system_error(errc::invalid_argument, "not UTF-8: " + utf8);
    }
    text.resize(static_cast<std::size_t>(count));
    return text;
}

/// A pipe's name, and the users that may open it.
struct PipePlace {
    std::string name;
    TrustedSids users;

    /// Creates an instance of the pipe. The first one fails if another process has one.
    OwnedHandle make_instance(bool first) const {
        ::SECURITY_ATTRIBUTES attributes{
            .nLength = sizeof attributes, .lpSecurityDescriptor = nullptr, .bInheritHandle = FALSE};
        if (::ConvertStringSecurityDescriptorToSecurityDescriptorA(users.descriptor().c_str(), SDDL_REVISION_1,
                                                                   &attributes.lpSecurityDescriptor, nullptr) == 0) {
            throw_system(::GetLastError(), "the access list of " + name);
        }
        const std::unique_ptr<void, LocalDeleter> owned(attributes.lpSecurityDescriptor);
        constexpr ::DWORD buffer_size = 64 * 1024;
        OwnedHandle handle(::CreateNamedPipeW(
            wide(name).c_str(),
            PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | (first ? FILE_FLAG_FIRST_PIPE_INSTANCE : ::DWORD{0}),
            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, PIPE_UNLIMITED_INSTANCES,
            buffer_size, buffer_size, 0, &attributes));
        if (!handle) {
            const ::DWORD error = ::GetLastError();
            if (first && error == ERROR_ACCESS_DENIED) {
                throw std::system_error(make_error_code(asio::error::address_in_use), name);
            }
            throw_system(error, name);
        }
        return handle;
    }
};

/// For `StreamListener`: one instance of a pipe, and a new one for each client that has taken it.
class PipeAcceptor {
 public:
    using Stream = Pipe;

    PipeAcceptor(PipePlace place, asio::any_io_executor executor, bool first)
        : place_(std::move(place)), executor_(std::move(executor)), state_(std::make_shared<State>()) {
        state_->pipe.emplace(executor_, place_.make_instance(first));
    }

    std::optional<Pipe> take() {
        if (!std::exchange(state_->connected, false)) {
            return std::nullopt;
        }
        return std::exchange(state_->pipe, std::nullopt);
    }

    template <class Ready>
    void async_wait(const asio::any_io_executor& executor, Ready ready) {
        if (!state_->pipe) {
            state_->pipe.emplace(executor_, place_.make_instance(false));
        }
        auto done = [state = state_, ready = std::move(ready)](asio::error_code error, std::size_t) {
            state->connected = !error;
            if (error) {
                state->pipe.reset();  // its client has left, or the listener was closed
            }
            ready();
        };
        const ::HANDLE handle = state_->pipe->native_handle();
        asio::windows::overlapped_ptr operation(state_->pipe->get_executor(),
                                                asio::bind_executor(executor, std::move(done)));
        const bool is_done = ::ConnectNamedPipe(handle, operation.get()) != 0;
        const ::DWORD error = is_done ? ERROR_SUCCESS : ::GetLastError();
        if (error == ERROR_PIPE_CONNECTED) {
            operation.complete({}, 0);  // the client connected before the call
        } else {
            release_or_complete(operation, error);
        }
    }

    void close() {
        if (state_->pipe) {
            asio::error_code ignored;
            state_->pipe->close(ignored);
        }
    }

 private:
    struct State {
        std::optional<Pipe> pipe = {};
        bool connected = false;
    };

    PipePlace place_;
    asio::any_io_executor executor_;
    std::shared_ptr<State> state_;
};

}  // namespace communica::detail

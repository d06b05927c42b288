// Connections between processes of one machine, by name.
#pragma once

#include "../connector.hpp"
#include "detail/platform.hpp"
#include "detail/socket_listener.hpp"
#include "detail/state.hpp"

#include <asio/local/stream_protocol.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace communica {

/// Where a local socket lies.
struct LocalOptions {
    /// The directory of the socket file. Empty: the Python library's, `communica` in the directory for temporary files.
    std::string directory = {};
};

namespace detail {

inline std::shared_ptr<Connection> make_local_connection(Socket socket, const ConnectionOptions& options) {
    const Credentials credentials = peer_credentials(socket.native_handle());
    return std::make_shared<SocketConnection>(std::move(socket), credentials, options);
}

class LocalListener final : public SocketListener {
 public:
    LocalListener(std::vector<Acceptor> acceptors, LocalSocketFile file, std::string address, std::string state,
                  asio::any_io_executor executor, const ConnectionOptions& options)
        : SocketListener(std::move(acceptors), std::move(executor), options),
          file_(std::move(file)),
          address_(std::move(address)),
          state_(std::move(state)) {}

    void close() override {
        file_.remove();
        SocketListener::close();
    }
    std::string address() const override { return address_; }
    std::string state() const override { return state_; }

 private:
    std::shared_ptr<Connection> make_connection(Socket socket, const ConnectionOptions& options) override {
        return make_local_connection(std::move(socket), options);
    }

    LocalSocketFile file_;
    std::string address_;
    std::string state_;
};

}  // namespace detail

/// A local socket called `name`: a Unix socket that only this user can connect to, at the Python library's address.
/// ASCII letters are lowercased. Throws `errc::invalid_argument` for a name that is empty or has a `/`.
///
/// The directory is made, for this user alone, if it is not there; one that another user owns or can write to is
/// refused. A server removes a file that a dead one left; if a live one listens, starting fails with `address_in_use`.
class LocalConnector {
 public:
    /// A server on the same machine is soon back.
    std::chrono::milliseconds first_retry() const noexcept { return std::chrono::milliseconds{50}; }

    explicit LocalConnector(std::string name, LocalOptions options = {})
        : name_(detail::local_name(std::move(name))), options_(std::move(options)) {}

    const std::string& name() const noexcept { return name_; }
    std::string address() const { return detail::LocalAddress(name_, options_.directory).path(); }

    /// `{"type": "LocalConnector", "name": "calculator"}`, and `"directory"` if the options name one.
    std::string dump_state() const {
        std::string state = "{\"type\": \"LocalConnector\", \"name\": " + detail::quote_ascii(name_);
        if (!options_.directory.empty()) {
            state += ", \"directory\": " + detail::quote_ascii(options_.directory);
        }
        return state + "}";
    }
    static LocalConnector load_state(const std::string& text) {
        const detail::ConnectorState state(text, "LocalConnector");
        return LocalConnector(state.get<std::string>("name"), {.directory = state.get_or("directory", std::string())});
    }

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const {
        const detail::LocalAddress address(name_, options_.directory);
        address.require_safe_directory();
        detail::Socket socket(make_strand_on(executor));
        detail::open_socket(socket, asio::local::stream_protocol());
        const auto endpoint = address.endpoint();
        if (const auto [error] = co_await socket.async_connect(endpoint, no_throw); error) {
            throw std::system_error(error, address.path());
        }
        co_return detail::make_local_connection(std::move(socket), options);
    }

    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const {
        const detail::LocalAddress address(name_, options_.directory);
        std::vector<detail::Acceptor> acceptors;
        acceptors.emplace_back(executor);
        auto file = detail::LocalSocketFile::listen(address, acceptors.front());
        co_return std::make_shared<detail::LocalListener>(std::move(acceptors), std::move(file), address.path(),
                                                          dump_state(), std::move(executor), options);
    }

 private:
    std::string name_;
    LocalOptions options_;
};

}  // namespace communica

// Connections between processes of one machine, by name.
#pragma once

#include "../connector.hpp"
#include "detail/platform.hpp"
#include "detail/socket_listener.hpp"
#include "detail/state.hpp"

#include <asio/local/stream_protocol.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace communica {

/// Where a local socket lies, and who may be at its other end.
struct LocalOptions {
    /// The directory of the socket file. Empty: the Python library's, `communica` in the directory for temporary files.
    std::string directory = {};
    /// The users (uids) at the other end: a server closes the connections of others before it reads a byte of theirs, a
    /// client that finds another's server does not talk to it. Empty: this user and root. Where others are named, the
    /// socket lets everybody connect, and its directory has to let them through.
    std::vector<std::int64_t> users = {};
};

namespace detail {

/// Null if the other end is nobody to talk to.
inline std::shared_ptr<Connection> make_local_connection(Socket socket, const TrustedUsers& users,
                                                         const ConnectionOptions& options) {
    const Credentials credentials = peer_credentials(socket.native_handle());
    return credentials.uid && users.contain(*credentials.uid)
               ? std::make_shared<SocketConnection>(std::move(socket), credentials, options)
               : nullptr;
}

class LocalListener final : public SocketListener {
 public:
    LocalListener(std::vector<Acceptor> acceptors, LocalSocketFile file, LocalAddress address, std::string state,
                  asio::any_io_executor executor, const ConnectionOptions& options)
        : SocketListener(std::move(acceptors), std::move(executor), options),
          file_(std::move(file)),
          address_(std::move(address)),
          state_(std::move(state)) {}

    void close() override {
        file_.remove();
        SocketListener::close();
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

}  // namespace detail

/// A local socket called `name`: a Unix socket that only this user and root can connect to, at the Python library's address.
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
    std::string address() const { return place().path(); }

    /// `{"type": "LocalConnector", "name": "calculator"}`, and `"directory"` and `"users"` if the options name any.
    std::string dump_state() const {
        std::string state = "{\"type\": \"LocalConnector\", \"name\": " + detail::quote_ascii(name_);
        if (!options_.directory.empty()) {
            state += ", \"directory\": " + detail::quote_ascii(options_.directory);
        }
        if (!options_.users.empty()) {
            state += ", \"users\": " + nlohmann::json(options_.users).dump();
        }
        return state + "}";
    }
    static LocalConnector load_state(const std::string& text) {
        const detail::ConnectorState state(text, "LocalConnector");
        return LocalConnector(state.get<std::string>("name"),
                              {.directory = state.get_or("directory", std::string()),
                               .users = state.get_or("users", std::vector<std::int64_t>())});
    }

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const {
        const detail::LocalAddress address = place();
        address.require_safe_directory();
        detail::Socket socket(make_strand_on(executor));
        detail::open_socket(socket, asio::local::stream_protocol());
        const auto endpoint = address.endpoint();
        if (const auto [error] = co_await socket.async_connect(endpoint, no_throw); error) {
            throw std::system_error(error, address.path());
        }
        auto connection = detail::make_local_connection(std::move(socket), address.users(), options);
        if (!connection) {
            throw std::system_error(std::make_error_code(std::errc::permission_denied),
                                    address.path() + " is the socket of a user who is not trusted");
        }
        co_return connection;
    }

    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const {
        const detail::LocalAddress address = place();
        std::vector<detail::Acceptor> acceptors;
        acceptors.emplace_back(executor);
        auto file = detail::LocalSocketFile::listen(address, acceptors.front());
        co_return std::make_shared<detail::LocalListener>(std::move(acceptors), std::move(file), address, dump_state(),
                                                          std::move(executor), options);
    }

 private:
    detail::LocalAddress place() const { return {name_, options_.directory, detail::TrustedUsers(options_.users)}; }

    std::string name_;
    LocalOptions options_;
};

}  // namespace communica

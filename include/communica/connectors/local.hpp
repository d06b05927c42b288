// Connections between processes of one machine, by name.
#pragma once

#include "../connector.hpp"
#include "../separate_compilation.hpp"
#include "local_options.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace communica {

/// The directory of this user's local sockets. POSIX: `communica` in `$XDG_RUNTIME_DIR` if that is a directory of this
/// user alone, or else `communica-UID` in the directory for temporary files. Windows: empty (pipes are not files).
std::string local_directory();

/// Connects through a local socket called `name`. POSIX: a Unix socket to which only this user and root can connect.
/// Windows: a named pipe (docs/protocol.md has its name), for this user alone and not from other machines. ASCII
/// letters are lowercased.
///
/// POSIX: the socket is in `local_directory()`. A server also listens at the Python library's address, `communica` in
/// the directory for temporary files, unless another user has that (`LocalOptions::python_place`). A client tries both.
/// A client with a runtime directory also tries the address of a server of the same user that has none. A client that
/// runs as root reaches another user's server by `LocalOptions::directory`.
///
/// The directory is created, for this user alone, if it does not exist. A directory that another user owns (unless root's
/// client names it), or that another user or a foreign group can write to, is refused. A server removes the socket file
/// of a dead one. `connect` waits while the server's backlog is full.
///
/// Errors: the constructor throws `errc::invalid_argument` if the name is empty or has a `/` (or, on Windows, a
/// backslash). `listen` fails with `address_in_use` if a server already listens there.
class LocalConnector {
 public:
    /// 50 ms, because a server on the same machine restarts quickly.
    std::chrono::milliseconds first_retry() const noexcept { return std::chrono::milliseconds{50}; }

    explicit LocalConnector(std::string name, LocalOptions options = {});

    const std::string& name() const noexcept { return name_; }
    /// The socket's directory, and the accepted peers.
    const LocalOptions& options() const noexcept { return options_; }
    std::string address() const;

    /// `{"type": "LocalConnector", "name": "calculator"}`, with `"directory"`, `"users"`, `"sids"` and `"python_place"`
    /// if set in the options.
    std::string dump_state() const;
    static LocalConnector load_state(const std::string& text);

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const;
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const;

 private:
    std::string name_;
    LocalOptions options_;
};

}  // namespace communica

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "local.ipp"
#endif

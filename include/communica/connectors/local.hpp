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

/// Where this user's local sockets lie: on POSIX `communica` in `$XDG_RUNTIME_DIR`, if that is a directory of this user alone, or else
/// `communica-UID` in the directory for temporary files. Empty on Windows, where they are no files.
std::string local_directory();

/// A local socket called `name`: on POSIX a Unix socket that only this user and root can
/// connect to, on Windows a named pipe (docs/protocol.md says which), for this user alone and not from other machines.
/// ASCII letters are lowercased. Throws `errc::invalid_argument` for a name that is empty or has a `/` (or, on Windows, a backslash).
/// If a server listens there already, starting another fails with `address_in_use`.
///
/// POSIX: it lies in `local_directory()`. A server also listens at the Python library's address, `communica` in the directory for
/// temporary files, unless that is another user's (`LocalOptions::python_place`). A client looks at both, and, if it has a runtime
/// directory, where a server of the same user is that has none. So root finds the server of another user by the Python library's
/// address, or by `LocalOptions::directory`.
///
/// The directory is made, for this user alone, if it is not there; one that another user owns, or that another user or a foreign group
/// can write to, is refused. A server removes a file that a dead one left. `connect` waits while the backlog of the server is full.
class LocalConnector {
 public:
    /// A server on the same machine is soon back.
    std::chrono::milliseconds first_retry() const noexcept { return std::chrono::milliseconds{50}; }

    explicit LocalConnector(std::string name, LocalOptions options = {});

    const std::string& name() const noexcept { return name_; }
    /// Where its socket lies, and who may be at the other end.
    const LocalOptions& options() const noexcept { return options_; }
    std::string address() const;

    /// `{"type": "LocalConnector", "name": "calculator"}`, and `"directory"`, `"users"`, `"sids"` and `"python_place"` if the options name any.
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

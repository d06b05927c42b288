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

/// A local socket called `name`, at the Python library's address: on POSIX a Unix socket that only this user and root can
/// connect to, on Windows the named pipe `\\.\pipe\communica.<name>`, for this user alone and not from other machines.
/// ASCII letters are lowercased. Throws `errc::invalid_argument` for a name that is empty or has a `/` (or, on Windows, `\`).
/// If a server listens there already, starting another fails with `address_in_use`.
///
/// POSIX: the directory is made, for this user alone, if it is not there; one that another user owns or can write to is
/// refused. A server removes a file that a dead one left. `connect` waits while the backlog of the server is full.
class LocalConnector {
 public:
    /// A server on the same machine is soon back.
    std::chrono::milliseconds first_retry() const noexcept { return std::chrono::milliseconds{50}; }

    explicit LocalConnector(std::string name, LocalOptions options = {});

    const std::string& name() const noexcept { return name_; }
    const LocalOptions& options() const noexcept { return options_; }
    std::string address() const;

    /// `{"type": "LocalConnector", "name": "calculator"}`, and `"directory"`, `"users"` and `"sids"` if the options name any.
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

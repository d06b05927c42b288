// Connections between processes of one machine, by name.
#pragma once

#include "../connector.hpp"
#include "detail/local_platform.hpp"
#include "detail/state.hpp"
#include "local_options.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace communica {

namespace detail {

/// The name as it is used: ASCII letters in lower case. Throws `errc::invalid_argument` for what can't be one.
inline std::string local_name(std::string name) {
    if (name.empty() || name.find_first_of(not_in_local_names) != name.npos) {
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

}  // namespace detail

/// A local socket called `name`, at the Python library's address: on POSIX a Unix socket that only this user and root can
/// connect to, on Windows the named pipe `\\.\pipe\communica.<name>`, for this user alone and not from other machines.
/// ASCII letters are lowercased. Throws `errc::invalid_argument` for a name that is empty or has a `/` (or, on Windows, `\`).
/// If a server listens there already, starting another fails with `address_in_use`.
///
/// POSIX: the directory is made, for this user alone, if it is not there; one that another user owns or can write to is
/// refused. A server removes a file that a dead one left.
class LocalConnector {
 public:
    /// A server on the same machine is soon back.
    std::chrono::milliseconds first_retry() const noexcept { return std::chrono::milliseconds{50}; }

    explicit LocalConnector(std::string name, LocalOptions options = {})
        : name_(detail::local_name(std::move(name))), options_(std::move(options)) {}

    const std::string& name() const noexcept { return name_; }
    const LocalOptions& options() const noexcept { return options_; }
    std::string address() const { return place().text(); }

    /// `{"type": "LocalConnector", "name": "calculator"}`, and `"directory"`, `"users"` and `"sids"` if the options name any.
    std::string dump_state() const {
        std::string state = "{\"type\": \"LocalConnector\", \"name\": " + detail::quote_ascii(name_);
        if (!options_.directory.empty()) {
            state += ", \"directory\": " + detail::quote_ascii(options_.directory);
        }
        if (!options_.users.empty()) {
            state += ", \"users\": " + nlohmann::json(options_.users).dump();
        }
        if (!options_.sids.empty()) {
            state += ", \"sids\": " + nlohmann::json(options_.sids).dump();
        }
        return state + "}";
    }
    static LocalConnector load_state(const std::string& text) {
        const detail::ConnectorState state(text, "LocalConnector");
        return LocalConnector(state.get<std::string>("name"),
                              {.directory = state.get_or("directory", std::string()),
                               .users = state.get_or("users", std::vector<std::int64_t>()),
                               .sids = state.get_or("sids", std::vector<std::string>())});
    }

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor,
                                                         ConnectionOptions options) const {
        return detail::connect_local(place(), std::move(executor), std::move(options));
    }
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, ConnectionOptions options) const {
        return detail::listen_local(place(), dump_state(), std::move(executor), std::move(options));
    }

 private:
    detail::LocalAddress place() const { return {name_, options_}; }

    std::string name_;
    LocalOptions options_;
};

}  // namespace communica

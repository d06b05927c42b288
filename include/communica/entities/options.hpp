// What entities can be told when they are made.
#pragma once

#include "../connection.hpp"
#include "../counters.hpp"
#include "../limits.hpp"
#include "../peer/asking.hpp"
#include "../peer/backoff.hpp"
#include "../peer/interceptor.hpp"
#include "hooks.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

namespace communica {

/// What a client can be told when it is made.
struct ClientOptions {
    /// By which the server knows this client, also after a reconnect. No two live clients of a server share one.
    /// Empty: a random one.
    std::string client_id = {};
    /// What it accepts, keeps and waits for.
    Limits limits = {};
    /// For one attempt to connect, the handshake included.
    std::chrono::steady_clock::duration connect_timeout = std::chrono::seconds{10};
    /// Between attempts. Unset: doubling from the connector's own first step (TCP 1 s, local 50 ms) up to 30 s.
    std::optional<BackoffOptions> backoff = {};
    /// How long a request that went out on a lost connection waits for the next one.
    std::chrono::steady_clock::duration resume_window = std::chrono::seconds{10};
    /// How long after a message the next is polled for, in the place of waiting for it: what comes meanwhile is there at
    /// once, and keeps a core busy. Other handlers run in between. Of sockets without TLS; zero: not at all.
    std::chrono::steady_clock::duration busy_poll = {};
    /// Around every handler.
    Interceptor interceptor = {};
    /// Before everything that is sent.
    AskingInterceptor asking_interceptor = {};
    /// Counts what this entity does; null: nothing is counted. Entities that share one are counted together.
    std::shared_ptr<Counters> counters = nullptr;

    // Called on the client's executor, one at a time, until the client is destroyed.

    /// There is a connection, the first or another one.
    std::function<void()> on_connect = {};
    /// With the reason: `errc::closed`, `errc::connection_lost`, `errc::replaced`, ...
    std::function<void(const Error&)> on_disconnect = {};
    /// None: warnings and errors go to standard error, at most 20 lines a second. `no_log`: nothing is said.
    Log log = {};
};

/// A client that wants in.
struct ClientInfo {
    /// As the client says it.
    std::string client_id;
    /// As the system or TLS says it.
    Credentials credentials;
};

using Hello [[deprecated("communica: ClientInfo")]] = ClientInfo;

/// Who may ask a server about itself (`inspect`): its routes, limits and counters, and who is connected.
enum class Introspection {
    off,
    same_user,  ///< who is known to be the user of this process, or root: over local sockets
    everybody,
};

/// What a server can be told when it is made.
struct ServerOptions {
    /// What it accepts, keeps and waits for.
    Limits limits = {};
    Introspection introspection = Introspection::same_user;  ///< who may inspect it
    /// For those who inspect it, and nobody else.
    std::string name = {};
    std::string version = {};  ///< the same
    /// For a client to say hello.
    std::chrono::steady_clock::duration handshake_timeout = std::chrono::seconds{10};
    /// How long what belongs to a client is kept after its connection was lost.
    std::chrono::steady_clock::duration resume_window = std::chrono::seconds{10};
    /// Clients connected at a time. One more is refused, with the reason.
    std::size_t max_connections = 10'000;
    /// Connections that have not said hello. With one more the oldest is closed.
    std::size_t max_handshakes = 256;
    /// Clients that are away and may come back. With one more the one that is away longest is forgotten.
    std::size_t max_sessions = 1'000;
    /// How long after a message the next is polled for, in the place of waiting for it: what comes meanwhile is there at
    /// once, and keeps a core busy. Other handlers run in between. Of sockets without TLS; zero: not at all.
    std::chrono::steady_clock::duration busy_poll = {};
    /// Around every handler.
    Interceptor interceptor = {};
    /// Before everything that is sent.
    AskingInterceptor asking_interceptor = {};
    /// Counts what this entity does; null: nothing is counted. Entities that share one are counted together.
    std::shared_ptr<Counters> counters = nullptr;

    // Called on the server's executor, one at a time, until the server is destroyed.

    /// Says why a client may not enter; nothing if it may.
    std::function<std::optional<std::string>(const ClientInfo&)> on_accept = {};
    /// A client has come, or has come back.
    std::function<void(const std::string& client_id)> on_connect = {};
    /// With the reason: `errc::closed`, `errc::connection_lost`, `errc::replaced`, ...
    std::function<void(const std::string& client_id, const Error&)> on_disconnect = {};
    /// None: warnings and errors go to standard error, at most 20 lines a second. `no_log`: nothing is said.
    Log log = {};
};

/// How long to wait for a connection.
struct ConnectOptions {
    /// `std::nullopt`: as long as it takes.
    std::optional<std::chrono::steady_clock::duration> timeout = std::nullopt;
    /// After so many attempts that failed it ends with the error of the last; `std::nullopt`: after none. 1 tries once.
    std::optional<int> attempts = std::nullopt;
};

/// Any type but `ConnectOptions`: for overloads.
template <class T>
concept NotConnectOptions = !std::same_as<std::remove_cvref_t<T>, ConnectOptions>;

}  // namespace communica

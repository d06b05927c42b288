// The options of clients and servers.
#pragma once

#include "../connection.hpp"
#include "../counters.hpp"
#include "../limits.hpp"
#include "../peer/asking.hpp"
#include "../peer/backoff.hpp"
#include "../peer/hook.hpp"
#include "../peer/interceptor.hpp"
#include "contract_exchange.hpp"
#include "hooks.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

namespace communica {

/// The options of a client.
struct ClientOptions {
    /// The id by which the server knows this client, also after a reconnect. Two connected clients of a server can't
    /// have the same id. Empty: a random id.
    std::string client_id = {};
    /// Limits on messages, memory and time.
    Limits limits = {};
    /// Time limit of one attempt to connect, including the handshake.
    std::chrono::steady_clock::duration connect_timeout = std::chrono::seconds{10};
    /// The delay between attempts. Unset: doubles from the connector's first delay (TCP 1 s, local 50 ms) up to 30 s.
    std::optional<BackoffOptions> backoff = {};
    /// How long a request sent on a lost connection waits for the next connection.
    std::chrono::steady_clock::duration resume_window = std::chrono::seconds{10};
    /// Busy-poll this long after each message. Lowers latency, occupies a core; other handlers run in between. Applies
    /// to sockets without TLS. Zero: never.
    std::chrono::steady_clock::duration busy_poll = {};
    /// Busy-poll only while the messages of a connection arrive at intervals shorter than `busy_poll`, and sleep otherwise.
    bool adaptive_poll = false;
    /// Called around every handler.
    Interceptor interceptor = {};
    /// Called before each request, notification and stream is sent.
    AskingInterceptor asking_interceptor = {};
    /// Counts the work of this entity. Null: no counting. Entities that share counters are counted together.
    std::shared_ptr<Counters> counters = nullptr;
    /// Compares the types of routes with the server's at each connect: `ContractCheck`. Null: no comparison.
    std::shared_ptr<const entities::ContractExchange> contract = nullptr;

    // Called on the client's executor, one at a time, until the client is destroyed.

    /// Called for each connection, the first one and every reconnect.
    Hook<void()> on_connect = {};
    /// Called with the reason when a connection ends: `errc::closed`, `errc::connection_lost`, `errc::replaced`, ...
    Hook<void(const Error&)> on_disconnect = {};
    /// The log. Unset: warnings and errors go to standard error, at most 20 lines a second. `no_log`: nothing.
    Log log = {};
};

/// A client that asks to connect.
struct ClientInfo {
    /// The id that the client states.
    std::string client_id;
    /// The credentials as verified by the system or TLS.
    Credentials credentials;
};

/// The former name of `ClientInfo`.
using Hello [[deprecated("communica: ClientInfo")]] = ClientInfo;

/// Which clients may `inspect` a server: its routes, limits, counters and connected clients.
enum class Introspection {
    off,
    same_user,  ///< clients known to run as the user of this process, or as root: over local sockets
    everybody,
};

/// The options of a server.
struct ServerOptions {
    /// Limits on messages, memory and time.
    Limits limits = {};
    Introspection introspection = Introspection::same_user;  ///< which clients may inspect it
    /// The name that `inspect` shows. It has no other use.
    std::string name = {};
    std::string version = {};  ///< the version that `inspect` shows
    /// Time limit for a client's hello.
    std::chrono::steady_clock::duration handshake_timeout = std::chrono::seconds{10};
    /// How long the state of a client is kept after its connection was lost.
    std::chrono::steady_clock::duration resume_window = std::chrono::seconds{10};
    /// Number of connected clients. Further ones are refused, with the reason.
    std::size_t max_connections = 10'000;
    /// Number of connections that have not sent their hello. One more closes the oldest.
    std::size_t max_handshakes = 256;
    /// Number of absent clients that may reconnect. One more removes the client that is absent longest.
    std::size_t max_sessions = 1'000;
    /// Busy-poll this long after each message. Lowers latency, occupies a core; other handlers run in between. Applies
    /// to sockets without TLS. Zero: never.
    std::chrono::steady_clock::duration busy_poll = {};
    /// Busy-poll only while the messages of a connection arrive at intervals shorter than `busy_poll`, and sleep otherwise.
    bool adaptive_poll = false;
    /// Called around every handler.
    Interceptor interceptor = {};
    /// Called before each request, notification and stream is sent.
    AskingInterceptor asking_interceptor = {};
    /// Counts the work of this entity. Null: no counting. Entities that share counters are counted together.
    std::shared_ptr<Counters> counters = nullptr;
    /// Compares the types of routes with each client's at each connect: `ContractCheck`. Null: no comparison.
    std::shared_ptr<const entities::ContractExchange> contract = nullptr;

    // Called on the server's executor, one at a time, until the server is destroyed.

    /// Returns the reason to refuse a client, or nothing to accept it.
    Hook<std::optional<std::string>(const ClientInfo&)> on_accept = {};
    /// Called when a client has connected or reconnected.
    Hook<void(const std::string& client_id)> on_connect = {};
    /// Called with the reason when a connection ends: `errc::closed`, `errc::connection_lost`, `errc::replaced`, ...
    Hook<void(const std::string& client_id, const Error&)> on_disconnect = {};
    /// The log. Unset: warnings and errors go to standard error, at most 20 lines a second. `no_log`: nothing.
    Log log = {};
};

/// Limits of `connect` and `wait_connected`.
struct ConnectOptions {
    /// The time to wait. `std::nullopt`: no limit.
    std::optional<std::chrono::steady_clock::duration> timeout = std::nullopt;
    /// The number of failed attempts after which the operation ends with the last error. 1: one attempt.
    /// `std::nullopt`: no limit.
    std::optional<int> attempts = std::nullopt;
};

namespace entities {

/// Any type but `ConnectOptions`, for overloads.
template <class T>
concept NotConnectOptions = !std::same_as<std::remove_cvref_t<T>, ConnectOptions>;

}  // namespace entities

}  // namespace communica

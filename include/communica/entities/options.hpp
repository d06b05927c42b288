// What entities can be told when they are made.
#pragma once

#include "../limits.hpp"
#include "../peer/backoff.hpp"

#include <chrono>
#include <concepts>
#include <optional>
#include <string>

namespace communica {

struct ClientOptions {
    /// By which the server knows this client, also after a reconnect. No two live clients of a server share one.
    /// Empty: a random one.
    std::string client_id = {};
    Limits limits = {};
    /// For one attempt to connect, the handshake included.
    std::chrono::steady_clock::duration connect_timeout = std::chrono::seconds{10};
    /// Between attempts. Unset: doubling from the connector's own first step (TCP 1 s, local 50 ms) up to 30 s.
    std::optional<BackoffOptions> backoff = {};
    /// How long a request that went out on a lost connection waits to be answered on the next.
    std::chrono::steady_clock::duration resume_window = std::chrono::seconds{10};
};

struct ServerOptions {
    Limits limits = {};
    /// For a client to say hello.
    std::chrono::steady_clock::duration handshake_timeout = std::chrono::seconds{10};
    /// How long what belongs to a client is kept after its connection was lost.
    std::chrono::steady_clock::duration resume_window = std::chrono::seconds{10};
};

/// How long to wait for a connection.
struct ConnectOptions {
    /// `std::nullopt`: as long as it takes.
    std::optional<std::chrono::steady_clock::duration> timeout = std::nullopt;
};

template <class T>
concept NotConnectOptions = !std::same_as<std::remove_cvref_t<T>, ConnectOptions>;

}  // namespace communica

// The names of the RabbitMQ transport: kinds of messages, queues (docs/protocol.md, "RabbitMQ").
#pragma once

#include "../../error.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace communica::rabbitmq {

/// The kind of a message: its basic property `type`.
enum class Kind {
    connect_request,   ///< client to the connect queue: its id, and where to reply
    connect_response,  ///< server to client: where to send the hello
    handshake_next,    ///< either side: a hello
    handshake_fail,    ///< either side: a refusal
    handshake_done,    ///< server to client: the connection's id
    message,           ///< metadata, a zero byte, the body
    listening,         ///< a keep-alive
    close,             ///< the end of the connection with this id
    taken_over,        ///< another consumer reads this queue from now on; only of this library
    unknown,
};

inline constexpr std::array<std::pair<Kind, std::string_view>, 9> kinds{{
    {Kind::message, "message"},  // first, because it is the most frequent
    {Kind::listening, "listening"},
    {Kind::close, "close"},
    {Kind::connect_request, "communica_client_connect"},
    {Kind::connect_response, "communica_client_connect_ok"},
    {Kind::handshake_next, "communica_handshake_next"},
    {Kind::handshake_fail, "communica_handshake_fail"},
    {Kind::handshake_done, "communica_handshake_done"},
    {Kind::taken_over, "communica_taken_over"},
}};

constexpr std::string_view name_of(Kind kind) noexcept {
    for (const auto& [value, name] : kinds) {
        if (value == kind) {
            return name;
        }
    }
    return {};
}

constexpr Kind kind_named(std::string_view name) noexcept {
    for (const auto& [value, known] : kinds) {
        if (name == known) {
            return value;
        }
    }
    return Kind::unknown;
}

inline constexpr std::string_view default_exchange = "communica";
/// The limit of address and client id together, in bytes, as in the Python library.
inline constexpr std::size_t max_names = 224;

/// The queues of one address. Each is bound to the exchange by its own name.
struct QueueNames {
    std::string address;

    std::string connect() const { return prefix() + "connect.server"; }
    std::string to_client(std::string_view client_id) const { return prefix() + "toClient." + std::string(client_id); }
    std::string to_server(std::string_view client_id) const { return prefix() + "toServer." + std::string(client_id); }

    /// Is the name of this client's queues short enough?
    bool fits(std::string_view client_id) const noexcept {
        return !client_id.empty() && address.size() + client_id.size() <= max_names;
    }

 private:
    std::string prefix() const { return "communica." + address + "."; }
};

}  // namespace communica::rabbitmq

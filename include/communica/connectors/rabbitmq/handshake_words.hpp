// The messages of the handshake through a broker besides the hellos.
#pragma once

#include "../../error.hpp"
#include "../../wire/handshake.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace communica::rabbitmq {

/// The body of a request to connect: the client's id.
inline std::string connect_request(const std::string& client_id) {
    return nlohmann::json(client_id).dump(-1, ' ', true);
}

/// The client's id in a request to connect; null if the request is invalid.
inline std::optional<std::string> client_id_in(std::string_view request) {
    const auto id = nlohmann::json::parse(request, nullptr, false);
    return id.is_string() ? std::optional(id.get<std::string>()) : std::nullopt;
}

/// The id of the connection, for which a server sends 16 bytes. Up to 64 are accepted, which in hexadecimal fit into a
/// message's properties. Throws `errc::handshake_failed`.
inline std::string connect_id_in(std::string body) {
    constexpr std::size_t longest = 64;
    if (body.empty() || body.size() > longest) {
        throw std::system_error(errc::handshake_failed,
                                "the server gives the connection no id, or one that is too long");
    }
    return body;
}

/// A refusal as on a stream, without its first byte.
inline std::string refusal(const Error& why) { return wire::frame_refusal(why.message, why.code).substr(1); }

/// Parses a refusal.
inline Error read_refusal(std::string_view refusal) {
    return *wire::read_refusal(wire::refusal_mark + std::string(refusal));
}

}  // namespace communica::rabbitmq

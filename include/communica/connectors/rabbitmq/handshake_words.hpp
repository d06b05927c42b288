// What a client and a server say to each other through a broker before their hellos, or instead of them.
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

/// The client's id in a request to connect; none if it is not of the form.
inline std::optional<std::string> client_id_in(std::string_view request) {
    const auto id = nlohmann::json::parse(request, nullptr, false);
    return id.is_string() ? std::optional(id.get<std::string>()) : std::nullopt;
}

/// A server gives each connection an id of 16 bytes. A longer one is taken up to what the properties of messages have room for,
/// in hexadecimal. Throws `errc::handshake_failed`.
inline std::string connect_id_in(std::string body) {
    constexpr std::size_t longest = 64;
    if (body.empty() || body.size() > longest) {
        throw std::system_error(errc::handshake_failed,
                                "the server gives the connection no id, or one that is too long");
    }
    return body;
}

/// A refusal is that of the streams, without its mark.
inline std::string refusal(const Error& why) { return wire::frame_refusal(why.message, why.code).substr(1); }

/// What a refusal says.
inline Error read_refusal(std::string_view refusal) {
    return *wire::read_refusal(wire::refusal_mark + std::string(refusal));
}

}  // namespace communica::rabbitmq

// What a peer can do beyond the Python library's protocol, as it says in its hello (docs/protocol.md, "Extensions").
#pragma once

#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace communica::peer {

/// In bytes.
inline constexpr std::size_t max_session = 1024;

/// An extension is used only between peers that both offer it. The default offers nothing.
struct Offer {
    /// Stands for what a peer remembers: another session has forgotten every request of the one before. Empty where
    /// nothing is said.
    std::string session = {};
    /// The largest message that the peer takes, metadata and body.
    std::size_t max_message = std::numeric_limits<std::size_t>::max();
    bool cancel = false;    ///< understands that a request is not wanted any more
    bool deadline = false;  ///< understands how much time a request has
    bool goodbye = false;   ///< understands that no more requests should come, and why
    bool headers = false;   ///< shows the headers of a request to its handler
    bool ping = false;      ///< answers pings
    bool resume = false;    ///< says on a new connection which requests of an earlier one are still at work
};

namespace detail {

inline constexpr std::array<std::pair<std::string_view, bool Offer::*>, 6> extensions{{
    {"cancel", &Offer::cancel},
    {"deadline", &Offer::deadline},
    {"goodbye", &Offer::goodbye},
    {"headers", &Offer::headers},
    {"ping", &Offer::ping},
    {"resume", &Offer::resume},
}};

}  // namespace detail

/// Everything that this library knows.
inline Offer full_offer(std::string session, std::size_t max_message) {
    Offer offer{.session = std::move(session), .max_message = max_message};
    for (const auto& [name, extension] : detail::extensions) {
        offer.*extension = true;
    }
    return offer;
}

/// The JSON object that stands for an offer in a hello.
inline std::string write_offer(const Offer& offer) {
    std::string json = "{\"session\": \"" + offer.session +
                       "\", \"max_message\": " + std::to_string(offer.max_message) + ", \"extensions\": [";
    std::string_view separator;
    for (const auto& [name, extension] : detail::extensions) {
        if (offer.*extension) {
            json += std::string(separator) + '"' + std::string(name) + '"';
            separator = ", ";
        }
    }
    return json + "]}";
}

/// The offer in a hello. What is not there, or not of its form, is not offered; without a session, nothing is.
inline Offer read_offer(const nlohmann::json& hello) {
    Offer offer;
    const auto found = hello.is_object() ? hello.find("communica") : hello.end();
    if (!hello.is_object() || found == hello.end() || !found->is_object()) {
        return offer;
    }
    const auto session = found->find("session");
    if (session == found->end() || !session->is_string()) {
        return offer;
    }
    offer.session = session->get<std::string>();
    if (offer.session.empty() || offer.session.size() > max_session) {
        return {};
    }
    if (const auto size = found->find("max_message"); size != found->end() && size->is_number_unsigned()) {
        offer.max_message = size->get<std::uint64_t>();
    }
    if (const auto names = found->find("extensions"); names != found->end() && names->is_array()) {
        for (const auto& [name, extension] : detail::extensions) {
            for (const auto& offered : *names) {
                offer.*extension = offer.*extension || offered == name;
            }
        }
    }
    return offer;
}

}  // namespace communica::peer

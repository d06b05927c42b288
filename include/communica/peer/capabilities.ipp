#pragma once

#include "capabilities.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace communica::peer {

namespace detail {

inline constexpr std::array<std::pair<std::string_view, bool Capabilities::*>, 10> extensions{{
    {"cancel", &Capabilities::cancel},
    {"deadline", &Capabilities::deadline},
    {"flush", &Capabilities::flush},
    {"goodbye", &Capabilities::goodbye},
    {"headers", &Capabilities::headers},
    {"inspect", &Capabilities::inspect},
    {"notifications", &Capabilities::notifications},
    {"ping", &Capabilities::ping},
    {"resume", &Capabilities::resume},
    {"streams", &Capabilities::streams},
}};

/// Turns the extension off unless both limits are given.
COMMUNICA_INLINE void read_ahead(const nlohmann::json& communica, Capabilities& offer) {
    const auto ahead = communica.find("notifications_ahead");
    const bool is_said = ahead != communica.end() && ahead->is_array() && ahead->size() == 2 &&
                         (*ahead)[0].is_number_unsigned() && (*ahead)[1].is_number_unsigned();
    offer.notifications = offer.notifications && is_said;
    if (offer.notifications) {
        offer.ahead = {std::max<std::size_t>((*ahead)[0].get<std::uint64_t>(), 1),
                       std::max<std::size_t>((*ahead)[1].get<std::uint64_t>(), 1)};
    }
}

}  // namespace detail

COMMUNICA_INLINE Capabilities full_offer(std::string session, std::size_t max_message, NotificationLimits ahead) {
    Capabilities offer{.session = std::move(session), .max_message = max_message, .ahead = ahead};
    for (const auto& [name, extension] : detail::extensions) {
        offer.*extension = true;
    }
    return offer;
}

COMMUNICA_INLINE std::string write_offer(const Capabilities& offer) {
    std::string json = "{\"session\": \"" + offer.session + "\", \"max_message\": " + std::to_string(offer.max_message);
    if (offer.notifications) {
        json += ", \"notifications_ahead\": [" + std::to_string(offer.ahead.items) + ", " +
                std::to_string(offer.ahead.bytes) + "]";
    }
    if (offer.max_descriptors != 0) {
        json += ", \"max_descriptors\": " + std::to_string(offer.max_descriptors);
    }
    json += ", \"extensions\": [";
    std::string_view separator;
    for (const auto& [name, extension] : detail::extensions) {
        if (offer.*extension) {
            json += std::string(separator) + '"' + std::string(name) + '"';
            separator = ", ";
        }
    }
    return json + "]}";
}

COMMUNICA_INLINE Capabilities read_capabilities(const nlohmann::json& hello) {
    Capabilities offer;
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
    if (const auto most = found->find("max_descriptors"); most != found->end() && most->is_number_unsigned()) {
        offer.max_descriptors = most->get<std::uint64_t>();
    }
    if (const auto names = found->find("extensions"); names != found->end() && names->is_array()) {
        for (const auto& [name, extension] : detail::extensions) {
            for (const auto& offered : *names) {
                offer.*extension =
                    offer.*extension || (offered.is_string() && offered.get_ref<const std::string&>() == name);
            }
        }
    }
    detail::read_ahead(*found, offer);
    return offer;
}

}  // namespace communica::peer

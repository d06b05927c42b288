#pragma once

#include "asking.hpp"

namespace communica {

COMMUNICA_INLINE Asking::Kind Asking::kind() const noexcept {
    if (outgoing_.stream) {
        return Kind::stream;
    }
    return outgoing_.is_notification() ? Kind::notification : Kind::request;
}

COMMUNICA_INLINE std::string Asking::route() const {
    return outgoing_.quoted_route.empty() ? "" : nlohmann::json::parse(outgoing_.quoted_route).get<std::string>();
}

COMMUNICA_INLINE std::optional<std::string> Asking::header(const std::string& name) const {
    const nlohmann::json all = headers();
    const auto found = all.find(name);
    return found == all.end() ? std::nullopt : std::optional(found->get<std::string>());
}

COMMUNICA_INLINE void Asking::set_header(const std::string& name, const std::string& value) {
    try {
        nlohmann::json all = headers();
        all[name] = value;
        outgoing_.headers = all.dump(-1, ' ', true);
    } catch (const nlohmann::json::exception& e) {
        throw SerializerError(e.what());
    }
}

COMMUNICA_INLINE nlohmann::json Asking::headers() const {
    return outgoing_.headers.empty() ? nlohmann::json::object() : nlohmann::json::parse(outgoing_.headers);
}

}  // namespace communica

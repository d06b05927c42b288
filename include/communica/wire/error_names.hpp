// The errors of the library itself that travel by name.
#pragma once

#include "../error.hpp"

#include <array>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace communica::wire {

/// They stand under a further key, which the Python library ignores.
inline constexpr std::array<std::pair<errc, std::string_view>, 7> named_errors{{
    {errc::busy, "busy"},
    {errc::draining, "draining"},
    {errc::closed, "closed"},
    {errc::timeout, "timeout"},
    {errc::message_too_large, "message_too_large"},
    {errc::replaced, "replaced"},
    {errc::authentication_failed, "authentication_failed"},
}};

/// The name of an error that has one; empty for any other.
inline std::string_view name_of(std::error_code code) noexcept {
    for (const auto& [value, name] : named_errors) {
        if (code == value) {
            return name;
        }
    }
    return {};
}

inline std::optional<errc> errc_named(std::string_view name) noexcept {
    for (const auto& [value, known] : named_errors) {
        if (name == known) {
            return value;
        }
    }
    return std::nullopt;
}

}  // namespace communica::wire

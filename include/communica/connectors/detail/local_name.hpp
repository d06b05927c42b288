// The name of a local socket and its options, and their form in a connector's state.
#pragma once

#include "../../error.hpp"
#include "../local_options.hpp"
#include "local_platform.hpp"
#include "state.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace communica::detail {

/// Converts ASCII letters to lower case. Throws `errc::invalid_argument` for an invalid name.
inline std::string local_name(std::string name) {
    if (name.empty() || name.find_first_of(not_in_local_names) != name.npos) {
        throw std::system_error(errc::invalid_argument,
                                "a local socket's name is not empty and has no '/': \"" + name + "\"");
    }
    for (char& letter : name) {
        if (letter >= 'A' && letter <= 'Z') {
            letter = static_cast<char>(letter - 'A' + 'a');
        }
    }
    return name;
}

/// The names in a state.
inline constexpr std::array<std::pair<PythonPlace, std::string_view>, 3> python_places{
    {{PythonPlace::if_free, "if_free"}, {PythonPlace::required, "required"}, {PythonPlace::never, "never"}}};

inline PythonPlace python_place_named(const std::string& name) {
    for (const auto& [place, known] : python_places) {
        if (known == name) {
            return place;
        }
    }
    ConnectorState::fail("there is no python_place \"" + name + "\"");
}

/// The members of a state behind the name. Defaults are omitted.
inline std::string dump_local_options(const LocalOptions& options) {
    std::string state;
    if (!options.directory.empty()) {
        state += ", \"directory\": " + quote_ascii(options.directory);
    }
    if (!options.users.empty()) {
        state += ", \"users\": " + nlohmann::json(options.users).dump();
    }
    if (!options.sids.empty()) {
        state += ", \"sids\": " + nlohmann::json(options.sids).dump();
    }
    for (const auto& [place, name] : python_places) {
        if (place == options.python_place && place != PythonPlace::if_free) {
            state += ", \"python_place\": \"" + std::string(name) + '"';
        }
    }
    return state;
}

inline LocalOptions load_local_options(const ConnectorState& state) {
    return {.directory = state.get_or("directory", std::string()),
            .users = state.get_or("users", std::vector<std::int64_t>()),
            .sids = state.get_or("sids", std::vector<std::string>()),
            .python_place = python_place_named(state.get_or("python_place", std::string("if_free")))};
}

}  // namespace communica::detail

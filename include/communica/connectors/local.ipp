#pragma once

#include "detail/local_platform.hpp"
#include "detail/state.hpp"
#include "local.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace communica {

namespace detail {

/// The name as it is used: ASCII letters in lower case. Throws `errc::invalid_argument` for what can't be one.
COMMUNICA_INLINE std::string local_name(std::string name) {
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

/// By which the state names them.
inline constexpr std::array<std::pair<PythonPlace, std::string_view>, 3> python_places{
    {{PythonPlace::if_free, "if_free"}, {PythonPlace::required, "required"}, {PythonPlace::never, "never"}}};

COMMUNICA_INLINE PythonPlace python_place_named(const std::string& name) {
    for (const auto& [place, known] : python_places) {
        if (known == name) {
            return place;
        }
    }
    ConnectorState::fail("there is no python_place \"" + name + "\"");
}

}  // namespace detail

COMMUNICA_INLINE std::string local_directory() { return detail::own_directory(); }

COMMUNICA_INLINE LocalConnector::LocalConnector(std::string name, LocalOptions options)
    : name_(detail::local_name(std::move(name))), options_(std::move(options)) {
    (void)detail::LocalAddress(name_, options_);  // throws where there can be none
}

COMMUNICA_INLINE std::string LocalConnector::address() const { return detail::LocalAddress(name_, options_).text(); }

COMMUNICA_INLINE std::string LocalConnector::dump_state() const {
    std::string state = "{\"type\": \"LocalConnector\", \"name\": " + detail::quote_ascii(name_);
    if (!options_.directory.empty()) {
        state += ", \"directory\": " + detail::quote_ascii(options_.directory);
    }
    if (!options_.users.empty()) {
        state += ", \"users\": " + nlohmann::json(options_.users).dump();
    }
    if (!options_.sids.empty()) {
        state += ", \"sids\": " + nlohmann::json(options_.sids).dump();
    }
    for (const auto& [place, name] : detail::python_places) {
        if (place == options_.python_place && place != PythonPlace::if_free) {
            state += ", \"python_place\": \"" + std::string(name) + '"';
        }
    }
    return state + "}";
}

COMMUNICA_INLINE LocalConnector LocalConnector::load_state(const std::string& text) {
    const detail::ConnectorState state(text, "LocalConnector");
    return LocalConnector(
        state.get<std::string>("name"),
        {.directory = state.get_or("directory", std::string()),
         .users = state.get_or("users", std::vector<std::int64_t>()),
         .sids = state.get_or("sids", std::vector<std::string>()),
         .python_place = detail::python_place_named(state.get_or("python_place", std::string("if_free")))});
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Connection>> LocalConnector::connect(asio::any_io_executor executor,
                                                                                      ConnectionOptions options) const {
    return detail::connect_local({name_, options_}, std::move(executor), std::move(options));
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Listener>> LocalConnector::listen(asio::any_io_executor executor,
                                                                                   ConnectionOptions options) const {
    return detail::listen_local({name_, options_}, dump_state(), std::move(executor), std::move(options));
}

}  // namespace communica

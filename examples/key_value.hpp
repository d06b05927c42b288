// The routes shared by key_value_server and key_value_client.
#pragma once

#include <communica/communica.hpp>

#include <string>

using Texts = communica::Stream<communica::Published<std::string>>;

inline constexpr communica::Route<void(std::string, std::string)> set_route{"set", {"key", "value"}};
// The value of a key, now and after each change.
inline constexpr communica::Route<Texts(std::string)> watch_route{"watch"};
// The last changes of all keys, and all that follow: as `tail -f` shows a log.
inline constexpr communica::Route<Texts()> changes_route{"changes"};

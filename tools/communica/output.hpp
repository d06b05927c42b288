// How things are shown: numbers with their units, colours on a terminal alone.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>
#include <utility>

namespace tool {

enum class Colour { red = 31, green = 32, yellow = 33, blue = 34, grey = 90 };

/// The text in a colour, where `out` is a terminal and `NO_COLOR` is not set.
std::string paint(Colour colour, const std::string& text, const std::ostream& out);

/// `1.5 MiB`
std::string bytes_text(double bytes);
/// `12.3 us`, from seconds.
std::string time_text(double seconds);
/// Of `64`, `1KiB`, `2MiB`; throws `std::system_error`.
std::size_t read_size(const std::string& text);

/// The JSON as text, where bytes that are not UTF-8 (an argument, the name of a file) are replaced.
std::string json_text(const nlohmann::json& value, int indent = -1);
/// The value with the control characters of its texts and keys visible: a server must not control the terminal.
nlohmann::json without_controls(const nlohmann::json& value);

/// The width and height of the terminal at standard output, in characters; of 80 by 24 if it does not tell.
std::pair<std::size_t, std::size_t> screen_size();

/// The text, filled with spaces.
std::string padded(std::string text, std::size_t width);

}  // namespace tool

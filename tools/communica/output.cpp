#include "output.hpp"

#include <communica/error.hpp>
#include <communica/plain_text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <system_error>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace tool {

std::string paint(Colour colour, const std::string& text, const std::ostream& out) {
    const int descriptor = &out == &std::cerr ? STDERR_FILENO : STDOUT_FILENO;
    static const bool wanted = std::getenv("NO_COLOR") == nullptr;
    if (!wanted || ::isatty(descriptor) == 0) {
        return text;
    }
    return "\033[" + std::to_string(static_cast<int>(colour)) + "m" + text + "\033[0m";
}

namespace {

std::string with_unit(double number, const char* unit) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(),
                  number < 10    ? "%.2f %s"
                  : number < 100 ? "%.1f %s"
                                 : "%.0f %s",
                  number, unit);
    return text.data();
}

}  // namespace

std::string bytes_text(double bytes) {
    for (const char* unit : {"B", "KiB", "MiB", "GiB"}) {
        if (bytes < 1024) {
            return unit[1] == '\0' ? std::to_string(static_cast<long>(bytes)) + " B" : with_unit(bytes, unit);
        }
        bytes /= 1024;
    }
    return with_unit(bytes, "TiB");
}

std::string time_text(double seconds) {
    if (seconds < 1e-3) {
        return with_unit(seconds * 1e6, "us");
    }
    return seconds < 1 ? with_unit(seconds * 1e3, "ms") : with_unit(seconds, "s");
}

std::size_t read_size(const std::string& text) {
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const auto& [name, factor] :
         {std::pair<std::string_view, std::size_t>{"", 1}, {"B", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}}) {
        if (error == std::errc() && unit == name && size <= 1024 * 1024 * 1024 / factor) {
            return size * factor;
        }
    }
    throw std::system_error(communica::errc::invalid_argument,
                            "\"" + text + "\" is no size as 64, 1KiB or 1MiB, up to 1 GiB");
}

std::string json_text(const nlohmann::json& value, int indent) {
    return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json without_controls(const nlohmann::json& value) {
    if (value.is_string()) {
        return communica::base::without_controls(value.get_ref<const std::string&>());
    }
    nlohmann::json shown = value;
    if (value.is_object()) {
        shown.clear();
        for (const auto& [key, member] : value.items()) {
            shown[communica::base::without_controls(key)] = without_controls(member);
        }
    } else if (value.is_array()) {
        for (auto& element : shown) {
            element = without_controls(element);
        }
    }
    return shown;
}

std::pair<std::size_t, std::size_t> screen_size() {
    winsize size{};
    const bool is_known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    return {is_known && size.ws_col != 0 ? size.ws_col : 80, is_known && size.ws_row != 0 ? size.ws_row : 24};
}

std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
}

}  // namespace tool

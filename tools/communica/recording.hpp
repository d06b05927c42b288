// What tap writes and replay reads: a JSON text a line, each a message as it went through.
#pragma once

#include <cstddef>
#include <string>

namespace tool {

struct Recorded {
    double seconds = 0;  // since the recording began
    std::size_t connection = 0;
    bool from_client = false;
    std::string metadata;
    std::string body;
};

/// The first line.
std::string recording_head();
bool is_recording_head(const std::string& line);

std::string write_recorded(const Recorded& message);
/// Throws `std::system_error`.
Recorded read_recorded(const std::string& line);

}  // namespace tool

// The routes shared by file_server and send_file.
#pragma once

#include <communica/communica.hpp>
#include <communica/files/messages.hpp>

#include <filesystem>
#include <random>
#include <string>

inline constexpr communica::FileUploadRoute<> upload_route{"upload"};
inline constexpr communica::FileDownloadRoute<> download_route{"download"};

// A path that nothing else has.
inline std::filesystem::path temporary_path(const std::string& name) {
    return std::filesystem::temp_directory_path() / (std::to_string(std::random_device{}()) + "_" + name);
}

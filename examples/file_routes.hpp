// The routes shared by file_server and send_file.
#pragma once

#include <communica/communica.hpp>
#include <communica/files/messages.hpp>

inline constexpr communica::FileUploadRoute<> upload_route{"upload"};
inline constexpr communica::FileDownloadRoute<> download_route{"download"};

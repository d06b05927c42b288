// Files of tests, and a pair of entities that transfer them.
#pragma once

#include "support/pair.hpp"
#include "support/temporary_directory.hpp"

#include <communica/files/directory.hpp>
#include <communica/files/send_receive.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>

namespace test {

inline constexpr communica::FileUploadRoute<> upload{"upload"};
inline constexpr communica::FileDownloadRoute<> download{"download"};

/// Differs from place to place, and always the same.
inline std::string content_of(std::size_t size, unsigned seed = 1) {
    std::minstd_rand random(seed);
    std::string content(size, '\0');
    for (char& byte : content) {
        byte = static_cast<char>(random() >> 8);
    }
    return content;
}

inline void write_file(const std::filesystem::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}
inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A directory of the server, and one of the client.
struct Directories {
    std::filesystem::path server() const { return at_server.path(); }
    std::filesystem::path client() const { return at_client.path(); }

    Routes routes(communica::FileOptions options = {}) const {
        const communica::FileDirectory directory(server(), std::move(options));
        Routes routes;
        routes.add(upload, directory.receiver()).add(download, directory.sender());
        return routes;
    }

    TemporaryDirectory at_server;
    TemporaryDirectory at_client;
};

}  // namespace test

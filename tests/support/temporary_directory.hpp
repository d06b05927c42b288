// A directory that is gone again when the test is over.
#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <system_error>

namespace test {

class TemporaryDirectory {
 public:
    TemporaryDirectory() {
        std::random_device random;
        do {
            path_ = (std::filesystem::temp_directory_path() / ("communica-" + std::to_string(random()))).string();
        } while (!std::filesystem::create_directory(path_));
        std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::string& path() const noexcept { return path_; }

 private:
    std::string path_;
};

}  // namespace test

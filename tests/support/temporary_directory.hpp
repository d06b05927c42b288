// A directory that is gone again when the test is over.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace test {

class TemporaryDirectory {
 public:
    TemporaryDirectory() : path_((std::filesystem::temp_directory_path() / "communica-XXXXXX").string()) {
        if (::mkdtemp(path_.data()) == nullptr) {  // 0700
            throw std::system_error(errno, std::generic_category(), path_);
        }
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

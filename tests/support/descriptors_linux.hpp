// Files whose descriptors are sent, and how many descriptors this process has open.
#pragma once

#include "catch.hpp"

#include <communica/descriptor_unix.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace test {

/// A file in memory with this text.
inline communica::Descriptor memory_file(std::string_view text = "") {
    communica::Descriptor file(::memfd_create("test", MFD_CLOEXEC));
    if (::write(file.get(), text.data(), text.size()) != static_cast<::ssize_t>(text.size())) {
        throw std::runtime_error("memfd");
    }
    return file;
}

/// All of a file's text.
inline std::string text_of(const communica::Descriptor& file) {
    std::string text(4096, '\0');
    const auto count = ::pread(file.get(), text.data(), text.size(), 0);
    if (count < 0) {
        throw std::runtime_error("no file to read");
    }
    text.resize(static_cast<std::size_t>(count));
    return text;
}

/// Which file it is.
inline std::uint64_t inode_of(const communica::Descriptor& file) {
    struct ::stat info{};
    return ::fstat(file.get(), &info) == 0 ? info.st_ino : 0;
}

inline std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Checks at its end that as many descriptors are open as at its beginning.
class NoneLeft {
 public:
    NoneLeft() = default;
    NoneLeft(const NoneLeft&) = delete;
    NoneLeft& operator=(const NoneLeft&) = delete;
    ~NoneLeft() { CHECK(open_descriptors() == before_); }

 private:
    std::size_t before_ = open_descriptors();
};

}  // namespace test

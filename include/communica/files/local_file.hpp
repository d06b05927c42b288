// The files of a transfer on this side's disk. Each function that does not say otherwise blocks.
#pragma once

#include "being_received.hpp"
#include "checksum.hpp"
#include "messages.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace communica::files {

/// Bytes that are read at a time where a checksum is made.
inline constexpr std::size_t checked_at_once = std::size_t{256} * 1024;

/// The status of a system's error, by HTTP's numbers.
inline std::int64_t status_of(const std::error_code& code) noexcept {
    if (code == std::errc::no_such_file_or_directory) {
        return 404;
    }
    if (code == std::errc::file_exists) {
        return 409;
    }
    return code == std::errc::no_space_on_device || code == std::errc::file_too_large ? 507 : 500;
}

/// `what`: the rest of the sentence; none for the system's words.
[[noreturn]] inline void fail(const std::string& file, std::error_code code, const std::string& what = {}) {
    throw FileError(code, file + ": " + (what.empty() ? code.message() : what), status_of(code));
}
/// The standard library's streams keep `errno` where they fail, and nothing else.
[[noreturn]] inline void fail_with_errno(const std::string& file) {
    fail(file, errno != 0 ? std::error_code(errno, std::generic_category()) : make_error_code(std::errc::io_error));
}

/// A file with a checksum of what was read from it, or written to it, so far.
class LocalFile {
 public:
    /// `shown`: the name of the file in errors.
    LocalFile(std::filesystem::path path, std::string shown) : path_(std::move(path)), shown_(std::move(shown)) {}
    LocalFile(const LocalFile&) = delete;
    LocalFile& operator=(const LocalFile&) = delete;

    // None of these blocks.
    std::uint64_t size() const noexcept { return size_; }
    /// Bytes before this place are in the checksum.
    std::uint64_t position() const noexcept { return position_; }
    FileState state() const { return {position_, crc_.text()}; }
    /// Bytes that were sent or received since `open`.
    std::uint64_t transferred() const noexcept { return position_ - begin_; }
    const std::string& shown() const noexcept { return shown_; }

    /// Reads bytes before `end`, at most `checked_at_once`, for their checksum.
    void check_some() {
        buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(checked_at_once, end_ - position_)));
        read(buffer_);
        begin_ = position_;
    }
    /// Does not block.
    bool is_checked() const noexcept { return position_ >= end_; }

 protected:
    ~LocalFile() = default;

    void open(const std::filesystem::path& path, std::ios::openmode mode) {
        file_.close();
        file_.clear();
        file_.rdbuf()->pubsetbuf(nullptr, 0);  // parts are larger than its buffer
        errno = 0;
        file_.open(path, mode | std::ios::binary);
        if (!file_) {
            fail_with_errno(shown_);
        }
        forget();
    }
    void forget() noexcept {
        position_ = begin_ = 0;
        crc_ = {};
    }

    void read(std::vector<std::byte>& into) {
        errno = 0;
        file_.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
        if (file_.bad()) {
            fail_with_errno(shown_);
        }
        if (static_cast<std::size_t>(file_.gcount()) != into.size()) {
            fail_as_changed();
        }
        add(into);
    }
    void add(const std::vector<std::byte>& bytes) noexcept {
        crc_.add(bytes);
        position_ += bytes.size();
    }
    [[noreturn]] void fail_as_changed() const {
        throw FileError(make_error_code(std::errc::io_error), shown_ + " changed while it was sent", 409);
    }

    const std::filesystem::path path_;
    const std::string shown_;
    std::fstream file_;
    std::vector<std::byte> buffer_;
    Crc64 crc_;
    std::uint64_t size_ = 0;
    std::uint64_t position_ = 0;
    std::uint64_t begin_ = 0;  // of what was transferred
    std::uint64_t end_ = 0;    // of what is to be checked
};

/// A file that is sent.
class SourceFile : public LocalFile {
 public:
    SourceFile(std::filesystem::path path, std::string shown, std::size_t part_size)
        : LocalFile(std::move(path), std::move(shown)),
          part_size_(std::clamp(part_size, std::size_t{1}, std::size_t{1024} * 1024)) {}

    std::size_t part_size() const noexcept { return part_size_; }
    /// The receiver has the bytes before this place. Does not block.
    std::uint64_t confirmed() const noexcept { return confirmed_; }
    void confirm(std::uint64_t place) noexcept { confirmed_ = place; }

    void open() {
        std::error_code code;
        const auto status = std::filesystem::status(path_, code);
        if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
            fail(shown_, make_error_code(std::errc::invalid_argument), "not a regular file");
        }
        LocalFile::open(path_, std::ios::in);
        part_.checksum.reset();
        end_ = confirmed_ = 0;
        look_at(size_, time_);
    }

    /// The bytes before `end` are to be checked. Does not block.
    void check_until(std::uint64_t end) noexcept { end_ = std::min(end, size_); }
    void rewind() {
        errno = 0;
        if (!file_.seekg(0)) {
            fail_with_errno(shown_);
        }
        forget();
    }

    /// Reads the next part; after the last one, its checksum.
    void read_part() {
        part_.at = position_;
        part_.data.resize(static_cast<std::size_t>(std::min<std::uint64_t>(part_size_, size_ - position_)));
        if (!part_.data.empty()) {
            return read(part_.data);
        }
        std::uint64_t size = 0;
        std::filesystem::file_time_type time;
        look_at(size, time);
        if (size != size_ || time != time_) {
            fail_as_changed();
        }
        part_.checksum = crc_.text();
    }
    /// Does not block.
    const FilePart& part() const noexcept { return part_; }

 private:
    void look_at(std::uint64_t& size, std::filesystem::file_time_type& time) const {
        std::error_code code;
        size = std::filesystem::file_size(path_, code);
        if (!code) {
            time = std::filesystem::last_write_time(path_, code);
        }
        if (code) {
            fail(shown_, code);
        }
    }

    const std::size_t part_size_;
    std::filesystem::file_time_type time_;
    FilePart part_;
    std::uint64_t confirmed_ = 0;
};

/// A file that is received: into `.NAME.part` beside it, which is renamed when the checksum is right. The beginning
/// remains there if the transfer fails for another reason.
class TargetFile : public LocalFile {
 public:
    TargetFile(std::filesystem::path path, std::string shown, bool overwrite, std::uint64_t max_size)
        : LocalFile(std::move(path), std::move(shown)),
          partial_(partial_of(path_)),
          overwrites_(overwrite),
          max_size_(max_size) {}

    /// The size of the file, as the sender says. Does not block.
    void expect(std::uint64_t size) noexcept {
        size_ = size;
        is_size_known_ = true;
    }

    /// Bytes before this place are on the disk. Does not block.
    std::uint64_t confirmed() const noexcept { return position_; }

    /// Finds what is there of it. That is to be checked.
    void open() {
        if (!being_received_.take(partial_)) {
            throw FileError(make_error_code(errc::busy), shown_ + " is being received", 503);
        }
        forget();
        is_there_ = false;
        end_ = 0;
        refuse_size();
        std::error_code ignored;
        const auto there = std::filesystem::status(path_, ignored);
        if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
            fail(shown_, make_error_code(std::errc::file_exists), "exists, and is not a regular file");
        }
        if (has_begun()) {
            refuse_existing();
            LocalFile::open(partial_, std::ios::in | std::ios::out);
            end_ = std::filesystem::file_size(partial_, ignored);
            if (ignored || (is_size_known_ && end_ > size_)) {
                end_ = 0;
                restart();
            }
        } else if (is_size_known_ && std::filesystem::exists(there) &&
                   std::filesystem::file_size(path_, ignored) == size_) {
            LocalFile::open(path_, std::ios::in);  // perhaps complete, and the sender did not get the answer
            is_there_ = true;
            end_ = size_;
        } else {
            refuse_existing();
        }
    }

    /// Fails if the file is too large for the receiver or the disk.
    void refuse_size() const {
        if (!is_size_known_) {
            return;
        }
        if (size_ > max_size_) {
            throw FileError(make_error_code(std::errc::file_too_large),
                            shown_ + " has " + std::to_string(size_) + " bytes, and at most " +
                                std::to_string(max_size_) + " are taken",
                            413);
        }
        std::error_code unknown;
        const auto directory = path_.parent_path();
        const auto space = std::filesystem::space(directory.empty() ? "." : directory, unknown);
        const std::uint64_t missing = size_ - std::min(size_, position_);
        if (!unknown && space.available < missing) {
            fail(shown_, make_error_code(std::errc::no_space_on_device),
                 std::to_string(missing) + " more bytes do not fit on the disk, which has " +
                     std::to_string(space.available) + " free");
        }
    }

    /// Forgets the beginning.
    void restart() {
        is_there_ = false;
        refuse_existing();
        has_begun();  // throws if it is something else by now
        LocalFile::open(partial_, std::ios::in | std::ios::out | std::ios::trunc);
    }

    /// Does not block.
    void take(FilePart&& part) noexcept { part_ = std::move(part); }
    /// Writes the part that was taken. Returns its memory.
    void write_part() {
        if (is_there_ || !file_.is_open()) {
            restart();
        }
        errno = 0;
        file_.seekp(static_cast<std::streamoff>(position_));
        file_.write(reinterpret_cast<const char*>(part_.data.data()), static_cast<std::streamsize>(part_.data.size()));
        if (!file_) {
            const int error = errno;
            file_.close();  // the beginning remains: the sender may continue when there is room
            errno = error;
            fail_with_errno(shown_);
        }
        add(part_.data);
    }

    /// Gives the file its name, if it is complete and the part that was taken has its checksum.
    void finish() {
        if (!is_there_ && !file_.is_open()) {
            restart();  // an empty file
        }
        errno = 0;
        file_.close();
        if (file_.fail()) {
            fail_with_errno(shown_);
        }
        std::error_code code;
        if (position_ != size_ || part_.checksum != crc_.text()) {
            discard();
            throw FileError(make_error_code(std::errc::io_error),
                            shown_ + " arrived with the checksum " + crc_.text() + ", and was sent with " +
                                part_.checksum.value_or("none"),
                            422);
        }
        if (is_there_) {
            return;
        }
        refuse_existing();
        std::filesystem::rename(partial_, path_, code);
        if (code) {
            fail(shown_, code);
        }
    }

    /// Removes what was received.
    void discard() {
        file_.close();
        if (!is_there_) {
            std::error_code ignored;
            std::filesystem::remove(partial_, ignored);
        }
    }

 private:
    static std::filesystem::path partial_of(const std::filesystem::path& path) {
        std::filesystem::path name(".");
        name += path.filename();
        name += ".part";
        return path.parent_path() / name;
    }

    /// Returns true if a beginning is there.
    bool has_begun() const {
        std::error_code ignored;
        const auto begun = std::filesystem::symlink_status(partial_, ignored);
        if (std::filesystem::exists(begun) && !std::filesystem::is_regular_file(begun)) {
            fail(shown_, make_error_code(std::errc::file_exists), "its .part is not a regular file");
        }
        return std::filesystem::exists(begun);
    }
    void refuse_existing() const {
        std::error_code ignored;
        if (!overwrites_ && std::filesystem::exists(path_, ignored)) {
            fail(shown_, make_error_code(std::errc::file_exists), "exists already");
        }
    }

    const std::filesystem::path partial_;
    BeingReceived being_received_;
    const bool overwrites_;
    const std::uint64_t max_size_;
    FilePart part_;
    bool is_size_known_ = false;
    bool is_there_ = false;  // complete, from an earlier transfer
};

}  // namespace communica::files

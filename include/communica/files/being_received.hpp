// Prevents that one file is received twice at a time.
#pragma once

#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

namespace communica::files {

/// The files that this program is receiving. Thread-safe.
class BeingReceived {
 public:
    BeingReceived() = default;
    BeingReceived(const BeingReceived&) = delete;
    BeingReceived& operator=(const BeingReceived&) = delete;
    ~BeingReceived() {
        if (!path_.empty()) {
            const std::lock_guard lock(all().mutex);
            all().paths.erase(path_);
        }
    }

    /// Returns false if another one has this path.
    bool take(const std::filesystem::path& path) {
        if (!path_.empty()) {
            return true;
        }
        std::error_code ignored;
        const auto absolute = std::filesystem::absolute(path, ignored);
        auto canonical = std::filesystem::weakly_canonical(absolute.parent_path(), ignored) / path.filename();
        const std::lock_guard lock(all().mutex);
        const auto [place, is_new] = all().paths.insert(std::move(canonical));
        if (is_new) {
            path_ = *place;
        }
        return is_new;
    }

 private:
    struct All {
        std::mutex mutex;
        std::set<std::filesystem::path> paths;
    };
    static All& all() {
        static All& all = *new All;  // not destroyed: transfers of other static objects may end later
        return all;
    }

    std::filesystem::path path_;
};

}  // namespace communica::files

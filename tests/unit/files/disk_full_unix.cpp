#include "files.hpp"

#include <sys/resource.h>

#include <csignal>

namespace disk_full_tests {

using communica::send_file;
using test::content_of;
using test::Directories;
using test::read_file;
using test::RoutePair;
using test::upload;
using test::write_file;

namespace {

/// While it exists, no file of this process may have more bytes.
class FileSizeLimit {
 public:
    explicit FileSizeLimit(rlim_t bytes) {
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

 private:
    void (*handler_)(int) = std::signal(SIGXFSZ, SIG_IGN);
    rlimit before_{};
};

}  // namespace

TEST_CASE("a receiver that can write no more says so, and continues when it can") {
    const Directories directories;
    RoutePair pair(test::Transport::local, directories.routes());
    const std::string content = content_of(300'000);
    const auto path = directories.client() / "file";
    write_file(path, content);
    pair.run([&]() -> asio::awaitable<void> {
        std::string what;
        std::optional<std::int64_t> status;
        {
            const FileSizeLimit limit(150'000);
            try {
                co_await send_file(pair.client(), upload, path);
            } catch (const communica::ResponderError& e) {
                what = e.what();
                status = e.status();
            }
        }
        CHECK(what == "file: File too large");
        CHECK(status == 507);
        CHECK_FALSE(std::filesystem::exists(directories.server() / "file"));
        const auto sent = co_await send_file(pair.client(), upload, path);
        CHECK(sent.transferred <= 300'000 - 2 * 65'536);
    });
    CHECK((read_file(directories.server() / "file") == content));
}

}  // namespace disk_full_tests

#include "files.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

namespace local_file_tests {

using communica::receive_file;
using communica::send_file;
using namespace test;

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

TEST_CASE("a pipe, a device or a link in the place of a file is neither opened nor written to") {
    const Directories directories;
    RoutePair pair(test::Transport::local, directories.routes());
    const auto file = directories.client() / "file";
    const auto victim = directories.client() / "victim";
    write_file(file, "a line");
    write_file(victim, "precious");
    const auto what_of = [](asio::awaitable<communica::FileSummary> transfer) -> asio::awaitable<std::string> {
        try {
            co_await std::move(transfer);
        } catch (const communica::MessageError& e) {
            co_return e.what();
        }
        co_return "none";
    };
    pair.run([&]() -> asio::awaitable<void> {
        const auto pipe = directories.client() / "pipe";
        REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
        REQUIRE(mkfifo((directories.server() / "pipe").c_str(), 0600) == 0);
        REQUIRE(mkfifo((directories.server() / ".file.part").c_str(), 0600) == 0);
        std::filesystem::create_symlink("/dev/zero", directories.server() / "zero");
        const auto target = directories.client() / "target";
        const std::string sent = co_await what_of(send_file(pair.client(), upload, pipe));
        CHECK(sent == pipe.string() + ": not a regular file");
        for (const std::string name : {"pipe", "zero"}) {
            const std::string received = co_await what_of(receive_file(pair.client(), download, name, target));
            CHECK(received == name + ": not a regular file");
        }
        const std::string into = co_await what_of(receive_file(pair.client(), download, "file", "/dev/full"));
        CHECK(into == "/dev/full: exists, and is not a regular file");
        const std::string uploaded = co_await what_of(send_file(pair.client(), upload, file));
        CHECK(uploaded == "file: its .part is not a regular file");

        std::filesystem::remove(directories.server() / ".file.part");
        communica::FileOptions planting;  // once the receiver has looked for a .part
        planting.on_progress = [&](const communica::FileProgress& progress) {
            if (progress.done == 0) {
                std::error_code exists;
                std::filesystem::create_symlink(victim, directories.server() / ".file.part", exists);
            }
        };
        const std::string linked = co_await what_of(send_file(pair.client(), upload, file, planting));
        CHECK(linked == "file: its .part is not a regular file");
        CHECK(read_file(victim) == "precious");
    });
}

}  // namespace local_file_tests

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"
#include "support/temporary_directory.hpp"

#include <communica/connectors/local.hpp>

#include <asio/local/stream_protocol.hpp>

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace local_files_unix {

using communica::LocalConnector;
using namespace std::chrono_literals;

TEST_CASE("a server's file comes with it and goes when it closes") {
    const test::TemporaryDirectory directory;
    asio::io_context context;
    const LocalConnector connector("Meeting", {.directory = directory.path()});
    const std::string path = directory.path() + "/meeting.sock";
    CHECK(connector.address() == path);
    test::run(context, [&]() -> asio::awaitable<void> {
        const auto listener = co_await connector.listen(context.get_executor(), {});
        CHECK(std::filesystem::is_socket(path));
        listener->close();
        CHECK_FALSE(std::filesystem::exists(path));
    });
}

TEST_CASE("a listener that is destroyed removes its file") {
    const test::TemporaryDirectory directory;
    asio::io_context context;
    const LocalConnector connector("x", {.directory = directory.path()});
    test::run(context, [&]() -> asio::awaitable<void> { co_await connector.listen(context.get_executor(), {}); });
    CHECK_FALSE(std::filesystem::exists(connector.address()));
}

TEST_CASE("a child that was forked leaves the file to its parent") {
    const test::TemporaryDirectory directory;
    asio::io_context context;
    const LocalConnector connector("x", {.directory = directory.path()});
    test::run(context, [&]() -> asio::awaitable<void> {
        const communica::ConnectionOptions options;
        auto listener = co_await connector.listen(context.get_executor(), options);
        const ::pid_t child = ::fork();
        if (child == 0) {
            listener->close();
            listener.reset();
            ::_exit(0);
        }
        int status = -1;
        CHECK(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        CHECK(std::filesystem::is_socket(connector.address()));
    });
}

TEST_CASE("who holds the directory's lock holds up a server that starts, and nothing else") {
    const test::TemporaryDirectory directory;
    asio::io_context context;
    const LocalConnector connector("x", {.directory = directory.path()});
    const int other = ::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(::flock(other, LOCK_EX) == 0);
    bool listening = false;
    const communica::ConnectionOptions options;
    asio::co_spawn(context, connector.listen(context.get_executor(), options),
                   [&](const std::exception_ptr& failure, const std::shared_ptr<communica::Listener>& listener) {
                       listening = !failure && listener;
                   });
    test::run(context, [&]() -> asio::awaitable<void> {
        asio::steady_timer timer(context, 20ms);
        co_await timer.async_wait(asio::use_awaitable);
        CHECK_FALSE(listening);
        ::close(other);
        co_await test::until([&] { return listening; });
    });
}

TEST_CASE("connecting says why it fails: no directory, one that others can write to, no file, no server") {
    const test::TemporaryDirectory directory;
    asio::io_context context;
    const auto error_at = [&](const std::string& where) {
        communica::Error error;
        const LocalConnector connector("x", {.directory = where});
        test::run(context, [&]() -> asio::awaitable<void> {
            error = co_await test::error_of(connector.connect(context.get_executor(), {}));
        });
        return error.code.value();  // before Asio 1.24 its codes are never equal to a std::errc
    };
    CHECK(error_at(directory.path() + "/absent") == ENOENT);
    CHECK(error_at(directory.path()) == ENOENT);
    const LocalConnector connector("x", {.directory = directory.path()});
    {
        asio::local::stream_protocol::acceptor dead(context,
                                                    asio::local::stream_protocol::endpoint(connector.address()));
    }
    CHECK(error_at(directory.path()) == ECONNREFUSED);
    REQUIRE(::chmod(directory.path().c_str(), 0777) == 0);
    CHECK(error_at(directory.path()) == EACCES);
}

TEST_CASE("a path that is too long is refused by the constructor") {
    const auto make = [] { return LocalConnector(std::string(120, 'n'), {.directory = "/tmp"}); };
    CHECK(test::code_of(make) == communica::errc::invalid_argument);
}

TEST_CASE("where users are uids, SIDs are refused") {
    CHECK(test::code_of([] { return LocalConnector("x", {.sids = {"S-1-1-0"}}); }) ==
          communica::errc::invalid_argument);
}

}  // namespace local_files_unix

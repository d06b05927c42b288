#include "support/catch.hpp"
#include "support/environment.hpp"
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
using communica::PythonPlace;
using namespace std::chrono_literals;

namespace {

/// Places for sockets that no other process uses, and no runtime directory.
struct Places {
    test::TemporaryDirectory directory;
    test::Variable temporary{"TMPDIR", directory.path()};
    test::Variable runtime{"XDG_RUNTIME_DIR", ""};
    asio::io_context context;

    std::string own() const { return communica::local_directory(); }
    std::string pythons() const { return directory.path() + "/communica"; }

    /// Where a server of these options listens, as it runs; or its error.
    struct Listening {
        bool here = false;
        bool for_python = false;
        int error = 0;
    };
    Listening listen(PythonPlace place) {
        Listening result;
        const LocalConnector connector("x", {.python_place = place});
        test::run(context, [&]() -> asio::awaitable<void> {
            const communica::ConnectionOptions options;
            std::shared_ptr<communica::Listener> listener;
            try {
                listener = co_await connector.listen(context.get_executor(), options);
            } catch (const std::system_error& e) {
                result.error = e.code().value();
            }
            result.here = std::filesystem::is_socket(own() + "/x.sock");
            result.for_python = std::filesystem::is_socket(pythons() + "/x.sock");
        });
        CHECK_FALSE(std::filesystem::exists(own() + "/x.sock"));
        CHECK_FALSE(std::filesystem::exists(pythons() + "/x.sock"));
        return result;
    }

    /// Whether a client finds a server of this connector.
    bool finds(const LocalConnector& client, const LocalConnector& server) {
        bool found = false;
        test::run(context, [&]() -> asio::awaitable<void> {
            const communica::ConnectionOptions options;
            const auto listener = co_await server.listen(context.get_executor(), options);
            const auto connection = co_await client.connect(context.get_executor(), options);
            found = connection != nullptr;
            listener->close();
        });
        return found;
    }
};

}  // namespace

TEST_CASE("a server listens in its user's place, and for the Python library if that place is free") {
    Places places;
    CHECK(places.own() == places.directory.path() + "/communica-" + std::to_string(::geteuid()));
    const auto free = places.listen(PythonPlace::if_free);
    CHECK((free.error == 0 && free.here && free.for_python));
    const auto required = places.listen(PythonPlace::required);
    CHECK((required.error == 0 && required.here && required.for_python));
    const auto never = places.listen(PythonPlace::never);
    CHECK((never.error == 0 && never.here && !never.for_python));
}

TEST_CASE("the first user of a machine locks out no other") {
    if (::geteuid() != 0) {
        WARN("skipped: only root can give a directory away");
        return;
    }
    Places places;
    REQUIRE(::mkdir(places.pythons().c_str(), 0700) == 0);
    REQUIRE(::chown(places.pythons().c_str(), 12345, 12345) == 0);
    const auto taken = places.listen(PythonPlace::if_free);
    CHECK((taken.error == 0 && taken.here && !taken.for_python));
    CHECK(places.listen(PythonPlace::required).error == EACCES);
    CHECK(places.finds(LocalConnector("x"), LocalConnector("x")));
}

TEST_CASE("a client looks at its user's places and at the Python library's") {
    Places places;
    REQUIRE(::mkdir(places.pythons().c_str(), 0700) == 0);
    CHECK(places.finds(LocalConnector("x"), LocalConnector("x", {.directory = places.pythons()})));
    // A server without a runtime directory, as a service has none, and a client with one.
    const LocalConnector service("x", {.directory = places.own()});
    REQUIRE(::mkdir(places.own().c_str(), 0700) == 0);
    const test::TemporaryDirectory runtime;
    const test::Variable variable("XDG_RUNTIME_DIR", runtime.path());
    CHECK(places.own() == runtime.path() + "/communica");
    CHECK(places.finds(LocalConnector("x"), service));
    CHECK(places.finds(LocalConnector("x"), LocalConnector("x")));
}

TEST_CASE("a client that finds no server says where it looked, and ends as if only its user's place were there") {
    Places places;
    communica::Error error;
    const LocalConnector connector("x");
    const communica::ConnectionOptions options;
    test::run(places.context, [&]() -> asio::awaitable<void> {
        error = co_await test::error_of(connector.connect(places.context.get_executor(), options));
    });
    CHECK(error.code.value() == ENOENT);
    CHECK(error.message.find(places.own()) != std::string::npos);
    CHECK(error.message.find(places.pythons()) != std::string::npos);
}

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

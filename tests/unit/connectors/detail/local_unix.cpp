// Where local sockets lie and who may use them, in a directory of the test's own.
#include "support/catch.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

#include <communica/connectors/detail/descriptor_unix.hpp>
#include <communica/connectors/detail/local_unix.hpp>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

namespace local_unix_tests {

namespace {

using communica::errc;
using communica::detail::Acceptor;
using communica::detail::LocalAddress;
using communica::detail::LocalPlace;
using communica::detail::LocalSocketFile;
using test::Variable;

struct ::stat info_of(const std::string& path) {
    struct ::stat info{};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    return info;
}

unsigned mode_of(const std::string& path) { return info_of(path).st_mode & 07777; }

/// A place for sockets that no other process uses.
struct Place {
    test::TemporaryDirectory directory;
    Variable temporary{"TMPDIR", directory.path()};
    Variable runtime{"XDG_RUNTIME_DIR", ""};
    asio::io_context context;

    std::string sockets() const { return directory.path() + "/communica-" + std::to_string(::geteuid()); }
    void make_sockets(::mode_t mode) const {
        REQUIRE(::mkdir(sockets().c_str(), 0700) == 0);
        REQUIRE(::chmod(sockets().c_str(), mode) == 0);
    }
    LocalSocketFile listen(Acceptor& acceptor, const std::string& name = "x") const {
        return LocalSocketFile::listen(LocalAddress(name, {}).main(), acceptor);
    }
    std::error_code listen_error(const std::string& name = "x") {
        Acceptor acceptor(context);
        return test::code_of([&] { return listen(acceptor, name); });
    }
};

bool can_connect(asio::io_context& context, const std::string& path) {
    asio::local::stream_protocol::socket socket(context);
    asio::error_code error;
    socket.connect(asio::local::stream_protocol::endpoint(path), error);
    return !error;
}

}  // namespace

TEST_CASE("the directory for temporary files is found as the Python library finds it") {
    const test::TemporaryDirectory first;
    const test::TemporaryDirectory second;
    const Variable tmpdir("TMPDIR", first.path());
    const Variable temp("TEMP", second.path());
    CHECK(communica::detail::temporary_directory() == first.path());
    {
        const Variable absent("TMPDIR", first.path() + "/absent");
        CHECK(communica::detail::temporary_directory() == second.path());
    }
    {
        const Variable empty("TMPDIR", "");
        CHECK(communica::detail::temporary_directory() == second.path());
    }
    std::ofstream(first.path() + "/file") << "not a directory";
    const Variable file("TMPDIR", first.path() + "/file");
    CHECK(communica::detail::temporary_directory() == second.path());
    const Variable none("TEMP", "");
    const Variable tmp("TMP", first.path());
    CHECK(communica::detail::temporary_directory() == first.path());
    const Variable none_either("TMP", "");
    CHECK(communica::detail::temporary_directory() == "/tmp");
}

TEST_CASE("a local socket lies in this user's directory, or in the one that an option names") {
    const Place place;
    CHECK(LocalAddress("x", {}).main().path() == place.sockets() + "/x.sock");
    CHECK(LocalAddress("x", {}).main().directory() == place.sockets());
    CHECK(LocalAddress("x", {}).to_listen_for_python()->directory() == place.directory.path() + "/communica");
    const LocalAddress named("x", {.directory = "/some/where"});
    CHECK(named.main().path() == "/some/where/x.sock");
    CHECK(named.to_connect().size() == 1);
    CHECK(named.to_listen_for_python() == nullptr);
}

TEST_CASE("a name whose path is too long elsewhere is served in this user's place alone") {
    const Place place;
    const test::TemporaryDirectory runtime;
    const Variable variable("XDG_RUNTIME_DIR", runtime.path());
    const std::string deep = place.directory.path() + "/" + std::string(90 - place.directory.path().size(), 'd');
    std::filesystem::create_directory(deep);
    const Variable temporary("TMPDIR", deep);
    const std::string name(12, 'n');
    CHECK(LocalAddress(name, {}).to_connect().size() == 1);
    CHECK(LocalAddress(name, {}).to_listen_for_python() == nullptr);
    const auto required = [&] { return LocalAddress(name, {.python_place = communica::PythonPlace::required}); };
    CHECK(test::code_of(required) == errc::invalid_argument);
}

TEST_CASE("the runtime directory is taken if it is this user's alone") {
    const Place place;
    const test::TemporaryDirectory runtime;
    const Variable variable("XDG_RUNTIME_DIR", runtime.path());
    CHECK(communica::detail::own_directory() == runtime.path() + "/communica");
    CHECK(LocalAddress("x", {}).to_connect().size() == 3);
    for (const ::mode_t mode : {0750U, 0701U}) {
        REQUIRE(::chmod(runtime.path().c_str(), mode) == 0);
        CHECK(communica::detail::own_directory() == place.sockets());
    }
    for (const std::string& none : {std::string("relative"), runtime.path() + "/absent"}) {
        const Variable other("XDG_RUNTIME_DIR", none);
        CHECK(communica::detail::own_directory() == place.sockets());
    }
}

TEST_CASE("a path is at most as long as a socket's address holds") {
    constexpr std::size_t most = sizeof(::sockaddr_un::sun_path) - 1;
    const std::string directory = "/d";
    const communica::detail::TrustedUsers users({});
    const std::size_t around = (directory + "/.sock").size();
    const std::string longest(most - around, 'n');
    CHECK(LocalPlace(longest, directory, users).path().size() == most);
    CHECK_NOTHROW(LocalPlace(longest, directory, users).endpoint());
    const auto too_long = [&] { return LocalPlace(longest + "n", directory, users); };
    CHECK(test::code_of(too_long) == errc::invalid_argument);
    CHECK(test::what_of(too_long)->find("107") != std::string::npos);
}

TEST_CASE("a socket of the longest path can be listened on") {
    Place place;
    const std::size_t around = (place.sockets() + "/.sock").size();
    const std::string name(sizeof(::sockaddr_un::sun_path) - 1 - around, 'n');
    CHECK(place.listen_error(name) == std::error_code());
}

TEST_CASE("an absent directory is made for this user alone") {
    Place place;
    Acceptor acceptor(place.context);
    const auto file = place.listen(acceptor);
    CHECK(mode_of(place.sockets()) == 0700);
}

TEST_CASE("the socket file is for this user alone, and the process's umask is left as it is") {
    Place place;
    const ::mode_t before = ::umask(0);
    Acceptor acceptor(place.context);
    const auto file = place.listen(acceptor);
    CHECK(::umask(before) == 0);
    CHECK(mode_of(place.sockets() + "/x.sock") == 0600);
    CHECK(mode_of(place.sockets()) == 0700);
    CHECK(can_connect(place.context, place.sockets() + "/x.sock"));
}

TEST_CASE("an existing directory is used as it is, if others cannot write to it") {
    Place place;
    place.make_sockets(0755);
    Acceptor acceptor(place.context);
    const auto file = place.listen(acceptor);
    CHECK(mode_of(place.sockets()) == 0755);
}

TEST_CASE("a directory that others can write to is refused, and not changed") {
    for (const ::mode_t mode : {0777U, 01777U, 0702U}) {
        Place place;
        place.make_sockets(mode);
        CHECK(place.listen_error() == std::errc::permission_denied);
        CHECK(mode_of(place.sockets()) == mode);
        CHECK(test::code_of([] {
                  LocalAddress("x", {}).main().require_safe_directory();
                  return 0;
              }) == std::errc::permission_denied);
    }
}

TEST_CASE("a directory that a foreign group can write to is refused") {
    if (::geteuid() != 0) {
        WARN("skipped: only root can give a directory away");
        return;
    }
    Place place;
    place.make_sockets(0770);
    CHECK(place.listen_error() == std::error_code());
    REQUIRE(::chown(place.sockets().c_str(), 0, 12345) == 0);
    CHECK(place.listen_error() == std::errc::permission_denied);
}

TEST_CASE("a directory of another user is refused") {
    if (::geteuid() != 0) {
        WARN("skipped: only root can give a directory away");
        return;
    }
    Place place;
    place.make_sockets(0700);
    REQUIRE(::chown(place.sockets().c_str(), 12345, 12345) == 0);
    CHECK(place.listen_error() == std::errc::permission_denied);
    REQUIRE(::chown(place.sockets().c_str(), 0, 0) == 0);
    CHECK(place.listen_error() == std::error_code());
}

TEST_CASE("a directory that is none, or can't be made, is refused") {
    Place place;
    std::ofstream(place.sockets()) << "a file";
    CHECK(place.listen_error() != std::error_code());
    Acceptor acceptor(place.context);
    const LocalPlace below_nothing = LocalAddress("x", {.directory = place.directory.path() + "/a/b"}).main();
    CHECK(test::code_of([&] { return LocalSocketFile::listen(below_nothing, acceptor); }).value() == ENOENT);
}

TEST_CASE("a file that is no socket is left alone: the address is in use") {
    Place place;
    place.make_sockets(0700);
    const std::string path = place.sockets() + "/x.sock";
    std::ofstream(path) << "precious";
    CHECK(place.listen_error() == asio::error::address_in_use);
    std::filesystem::remove(path);
    REQUIRE(::symlink("/dev/null", path.c_str()) == 0);
    CHECK(place.listen_error() == asio::error::address_in_use);
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    CHECK(place.listen_error() == asio::error::address_in_use);
    CHECK(std::filesystem::is_directory(path));
}

TEST_CASE("the file of a server that is gone is replaced") {
    Place place;
    place.make_sockets(0700);
    const std::string path = place.sockets() + "/x.sock";
    {
        asio::local::stream_protocol::acceptor dead(place.context, asio::local::stream_protocol::endpoint(path));
    }
    REQUIRE(std::filesystem::is_socket(path));
    CHECK_FALSE(can_connect(place.context, path));
    Acceptor acceptor(place.context);
    const auto file = place.listen(acceptor);
    CHECK(can_connect(place.context, path));
}

TEST_CASE("a live server's address is in use, also when its backlog is full") {
    Place place;
    place.make_sockets(0700);
    const std::string path = place.sockets() + "/x.sock";
    asio::local::stream_protocol::acceptor live(place.context);
    live.open();
    live.bind(asio::local::stream_protocol::endpoint(path));
    live.listen(0);
    CHECK(place.listen_error() == asio::error::address_in_use);
    CHECK(place.listen_error() == asio::error::address_in_use);
    CHECK(place.listen_error() == asio::error::address_in_use);
    CHECK(std::filesystem::is_socket(path));
}

TEST_CASE("the file is removed with its server, once") {
    Place place;
    const std::string path = place.sockets() + "/x.sock";
    {
        Acceptor acceptor(place.context);
        const auto file = place.listen(acceptor);
        CHECK(std::filesystem::is_socket(path));
    }
    CHECK_FALSE(std::filesystem::exists(path));

    Acceptor acceptor(place.context);
    auto file = place.listen(acceptor);
    file.remove();
    CHECK_FALSE(std::filesystem::exists(path));
    std::ofstream(path) << "somebody else's";
    file.remove();
    CHECK(std::filesystem::exists(path));
}

TEST_CASE("a newcomer's file is not removed by the server that was there before") {
    Place place;
    const std::string path = place.sockets() + "/x.sock";
    Acceptor acceptor(place.context);
    auto file = place.listen(acceptor);
    std::filesystem::remove(path);  // as the Python library's server does, which takes the name
    const asio::local::stream_protocol::acceptor newcomer(place.context, asio::local::stream_protocol::endpoint(path));
    file.remove();
    CHECK(std::filesystem::is_socket(path));
    CHECK(can_connect(place.context, path));
}

TEST_CASE("every descriptor of a listening socket is close-on-exec") {
    Place place;
    Acceptor acceptor(place.context);
    const auto file = place.listen(acceptor);
    CHECK((::fcntl(acceptor.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
    REQUIRE(can_connect(place.context, place.sockets() + "/x.sock"));
    communica::detail::SocketAcceptor taking(std::move(acceptor));
    auto accepted = taking.take();
    REQUIRE(accepted);
    CHECK((::fcntl(accepted->native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_FALSE(taking.take());
}

TEST_CASE("a descriptor that can not become a connection is closed") {
    asio::io_context context;
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    asio::posix::stream_descriptor registered(context, ends[0]);  // and no context registers one twice
    CHECK_THROWS_AS(communica::detail::adopt_descriptor(ends[0], context.get_executor(), {}), std::system_error);
    CHECK(::fcntl(ends[0], F_GETFD) == -1);
    registered.release();
    ::close(ends[1]);
}

}  // namespace local_unix_tests

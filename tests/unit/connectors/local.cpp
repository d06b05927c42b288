#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"
#include "support/temporary_directory.hpp"

#include <communica/connectors/local.hpp>

#include <cerrno>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

namespace local_tests {

namespace {

using communica::errc;
using communica::LocalConnector;

std::error_code name_error(const std::string& name) {
    return test::code_of([&] { return LocalConnector(name); });
}

}  // namespace

TEST_CASE("ASCII letters of a name are lowercased, other characters taken as given") {
    CHECK(LocalConnector("Gold.Vec").name() == "gold.vec");
    CHECK(LocalConnector("ABCXYZ[]@").name() == "abcxyz[]@");
    CHECK(LocalConnector("\xc3\x89TE 1").name() == "\xc3\x89te 1");
    CHECK(LocalConnector("..").name() == "..");
}

TEST_CASE("a name that can't be a file's is refused, and the error says which") {
    using namespace std::string_literals;
    for (const std::string& name : {""s, "a/b"s, "/"s, "../x"s, "a\0b"s, "\0"s}) {
        CHECK(name_error(name) == errc::invalid_argument);
    }
    CHECK(test::what_of([] { return LocalConnector("a/b"); })->find("\"a/b\"") != std::string::npos);
}

TEST_CASE("the state of a local connector is in the Python library's form, and ASCII") {
    CHECK(LocalConnector("Calculator").dump_state() == R"({"type": "LocalConnector", "name": "calculator"})");
    CHECK(LocalConnector("x\"", {.directory = "/caf\xc3\xa9"}).dump_state() ==
          R"({"type": "LocalConnector", "name": "x\"", "directory": "/caf\u00e9"})");
}

TEST_CASE("a local connector is loaded from its state, directory and all") {
    for (const LocalConnector& connector :
         {LocalConnector("calculator"), LocalConnector("x", {.directory = "/some/where"})}) {
        const auto loaded = LocalConnector::load_state(connector.dump_state());
        CHECK(loaded.name() == connector.name());
        CHECK(loaded.address() == connector.address());
    }
    CHECK(LocalConnector::load_state(R"({"name": "Gold", "type": "LocalConnector"})").name() == "gold");
    CHECK(LocalConnector("x", {.directory = "/some/where"}).address() == "/some/where/x.sock");
}

TEST_CASE("a state that a local connector can't load is refused with the reason") {
    const auto error = [](const char* text) { return test::code_of([&] { return LocalConnector::load_state(text); }); };
    CHECK(error(R"({"type": "TcpConnector", "host": "h", "port": 1, "ssl": false})") == errc::invalid_state);
    CHECK(error(R"({"type": "LocalConnector"})") == errc::invalid_state);
    CHECK(error(R"({"type": "LocalConnector", "name": 7})") == errc::invalid_state);
    CHECK(error(R"({"type": "LocalConnector", "name": "x", "directory": 7})") == errc::invalid_state);
    CHECK(error("") == errc::invalid_state);
    CHECK(error(R"({"type": "LocalConnector", "name": "a/b"})") == errc::invalid_argument);
}

TEST_CASE("a server's file comes with it and goes when it closes, and a client knows the server's process") {
    const test::TemporaryDirectory directory;
    asio::io_context context;
    const LocalConnector connector("Meeting", {.directory = directory.path()});
    const std::string path = directory.path() + "/meeting.sock";
    CHECK(connector.address() == path);
    test::run(context, [&]() -> asio::awaitable<void> {
        const auto listener = co_await connector.listen(context.get_executor(), {});
        CHECK(std::filesystem::is_socket(path));
        CHECK(listener->address() == path);
        CHECK(LocalConnector::load_state(listener->state()).address() == path);
        const auto client = co_await connector.connect(context.get_executor(), {});
        const auto server = co_await listener->accept();
        CHECK(server->credentials().pid == ::getpid());
        CHECK(server->credentials().uid == static_cast<std::int64_t>(::geteuid()));
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

TEST_CASE("a second server of one name finds the address in use, and the first is not disturbed") {
    const test::TemporaryDirectory directory;
    asio::io_context context;
    const LocalConnector connector("x", {.directory = directory.path()});
    test::run(context, [&]() -> asio::awaitable<void> {
        const auto first = co_await connector.listen(context.get_executor(), {});
        const auto error = co_await test::error_of(connector.listen(context.get_executor(), {}));
        CHECK(error.code == asio::error::address_in_use);
        CHECK(error.message.find(connector.address()) != std::string::npos);
        CHECK(std::filesystem::is_socket(connector.address()));
        first->close();
        const auto next = co_await connector.listen(context.get_executor(), {});
        CHECK(std::filesystem::is_socket(connector.address()));
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

}  // namespace local_tests

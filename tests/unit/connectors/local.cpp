#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"
#include "support/system.hpp"
#include "support/temporary_directory.hpp"

#include <communica/connectors/local.hpp>

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
    const LocalConnector alone("x", {.python_place = communica::PythonPlace::never});
    CHECK(alone.dump_state() == R"({"type": "LocalConnector", "name": "x", "python_place": "never"})");
    CHECK(LocalConnector::load_state(alone.dump_state()).options().python_place == communica::PythonPlace::never);
}

TEST_CASE("a local connector is loaded from its state, directory and all") {
    for (const LocalConnector& connector :
         {LocalConnector("calculator"), LocalConnector("x", {.directory = "/some/where"})}) {
        const auto loaded = LocalConnector::load_state(connector.dump_state());
        CHECK(loaded.name() == connector.name());
        CHECK(loaded.address() == connector.address());
    }
    CHECK(LocalConnector::load_state(R"({"name": "Gold", "type": "LocalConnector"})").name() == "gold");
    CHECK(LocalConnector("x", {.directory = "/some/where"}).address() !=
          LocalConnector("x", {.directory = "/some/where/else"}).address());
}

TEST_CASE("a state that a local connector can't load is refused with the reason") {
    const auto error = [](const char* text) { return test::code_of([&] { return LocalConnector::load_state(text); }); };
    CHECK(error(R"({"type": "TcpConnector", "host": "h", "port": 1, "ssl": false})") == errc::invalid_state);
    CHECK(error(R"({"type": "LocalConnector"})") == errc::invalid_state);
    CHECK(error(R"({"type": "LocalConnector", "name": 7})") == errc::invalid_state);
    CHECK(error(R"({"type": "LocalConnector", "name": "x", "python_place": "now"})") == errc::invalid_state);
    CHECK(error(R"({"type": "LocalConnector", "name": "x", "directory": 7})") == errc::invalid_state);
    CHECK(error("") == errc::invalid_state);
    CHECK(error(R"({"type": "LocalConnector", "name": "a/b"})") == errc::invalid_argument);
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
        CHECK(co_await connector.connect(context.get_executor(), {}) != nullptr);
        first->close();
        const auto next = co_await connector.listen(context.get_executor(), {});
        CHECK(next->address() == connector.address());
    });
}

TEST_CASE("client and server of a local socket know each other's process and user") {
    const test::TemporaryDirectory directory;
    asio::io_context context;
    const LocalConnector connector("Meeting", {.directory = directory.path()});
    test::run(context, [&]() -> asio::awaitable<void> {
        const auto listener = co_await connector.listen(context.get_executor(), {});
        CHECK(listener->address() == connector.address());
        CHECK(LocalConnector::load_state(listener->state()).address() == connector.address());
        const auto client = co_await connector.connect(context.get_executor(), {});
        const auto server = co_await listener->accept();
        for (const auto& credentials : {client->credentials(), server->credentials()}) {
            CHECK(credentials.pid == test::own_process_id());
            CHECK(credentials.is_same_user(test::own_credentials()));
        }
        listener->close();
    });
}

}  // namespace local_tests

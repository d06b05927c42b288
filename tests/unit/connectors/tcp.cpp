#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"

#include <communica/connectors/tcp.hpp>

#include <asio/read_until.hpp>

namespace tcp_tests {

namespace {

using communica::errc;
using communica::TcpConnector;

std::string state(const std::string& members) { return R"({"type": "TcpConnector", )" + members + "}"; }

/// Why a state is refused.
std::string refusal(const std::string& text) {
    try {
        TcpConnector::load_state(text);
    } catch (const std::system_error& e) {
        CHECK(e.code() == errc::invalid_state);
        return e.what();
    }
    return "not refused";
}

}  // namespace

TEST_CASE("a TCP connector knows its host and port") {
    const TcpConnector connector("localhost", 16161);
    CHECK(connector.host() == "localhost");
    CHECK(connector.port() == 16161);
    CHECK(connector.address() == "localhost:16161");
    CHECK(TcpConnector("::1", 80).address() == "[::1]:80");
}

TEST_CASE("the state of a TCP connector is in the Python library's form, and ASCII") {
    CHECK(TcpConnector("localhost", 16161).dump_state() ==
          R"({"type": "TcpConnector", "host": "localhost", "port": 16161, "ssl": false})");
    CHECK(TcpConnector("caf\xc3\xa9\"", 1).dump_state() ==
          R"({"type": "TcpConnector", "host": "caf\u00e9\"", "port": 1, "ssl": false})");
}

TEST_CASE("a TCP connector is loaded from any JSON with its members") {
    for (const auto& [host, port] :
         {std::pair{"localhost", 0}, std::pair{"::1", 65535}, std::pair{"caf\xc3\xa9", 16161}}) {
        const TcpConnector connector(host, static_cast<std::uint16_t>(port));
        const auto loaded = TcpConnector::load_state(connector.dump_state());
        CHECK(loaded.host() == host);
        CHECK(loaded.port() == port);
    }
    CHECK(TcpConnector::load_state(R"({"port":5,"host":"h","type":"TcpConnector","more":[1]})").host() == "h");
    CHECK(TcpConnector::load_state(state(R"("host": "h", "port": 5, "ssl": null)")).port() == 5);
}

TEST_CASE("a state of another type is refused, and the error names both types") {
    const std::string why = refusal(R"({"type": "LocalConnector", "name": "x"})");
    CHECK(why.find("LocalConnector") != why.npos);
    CHECK(why.find("TcpConnector") != why.npos);
}

TEST_CASE("a state that wants TLS is refused, and the error says so") {
    CHECK(refusal(state(R"("host": "h", "port": 5, "ssl": true)")).find("TLS") != std::string::npos);
    CHECK(refusal(state(R"("host": "h", "port": 5, "ssl": {"ca": "x"})")) != "not refused");
}

TEST_CASE("a port out of range is refused, and the error names it") {
    for (const char* port : {"-1", "65536", "99999", "4294967296", "18446744073709551615"}) {
        const std::string why = refusal(state(std::string(R"("host": "h", "port": )") + port));
        INFO(why);
        CHECK(why.find(port) != why.npos);
    }
    for (const char* port :
         {"\"80\"", "null", "true", "80.5", "80.0", "1e30", "[80]", "123456789012345678901234567890"}) {
        INFO(port);
        CHECK(refusal(state(std::string(R"("host": "h", "port": )") + port)) != "not refused");
    }
}

TEST_CASE("a state that lacks a member or is none is refused") {
    for (const std::string& text :
         {std::string(), std::string("{}"), std::string("[]"), std::string("null"), std::string("TcpConnector"),
          std::string(R"({"type": 7})"), state(R"("host": "h")"), state(R"("port": 5)"),
          state(R"("host": 7, "port": 5)"), state(R"("host": "h", "port": 5)") + "x", std::string(1'000'000, '[')}) {
        CHECK(refusal(text) != "not refused");
    }
}

TEST_CASE("a server at port 0 tells the port that the system chose, and can be reached there") {
    asio::io_context context;
    test::run(context, [&]() -> asio::awaitable<void> {
        const TcpConnector connector("127.0.0.1", 0);
        const auto listener = co_await connector.listen(context.get_executor(), {});
        const auto reached = TcpConnector::load_state(listener->state());
        CHECK(reached.port() != 0);
        CHECK(listener->address() == reached.address());
        const auto client = co_await reached.connect(context.get_executor(), {});
        const auto server = co_await listener->accept();
        co_await client->write_hello("{}");
        const std::string hello = co_await server->read_hello();
        CHECK(hello == "{}");
        listener->close();
    });
}

}  // namespace tcp_tests

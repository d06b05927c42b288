#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"

#include <communica/connectors/any.hpp>
#include <communica/entities/simple_client.hpp>
#include <communica/entities/simple_server.hpp>

#include <chrono>

namespace any_tests {

namespace {

using communica::AnyConnector;
using communica::errc;
using communica::LocalConnector;
using communica::TcpConnector;
using namespace std::chrono_literals;

static_assert(communica::Connector<AnyConnector>);
static_assert(communica::Connector<TcpConnector> && communica::Connector<LocalConnector> &&
              communica::Connector<communica::DescriptorConnector>);
static_assert(std::is_convertible_v<TcpConnector, AnyConnector> && !std::is_convertible_v<int, AnyConnector>);
static_assert(std::is_convertible_v<communica::MemoryConnector, AnyConnector>);

}  // namespace

TEST_CASE("any connector's state is loaded as that connector") {
    const TcpConnector tcp("localhost", 16161);
    const LocalConnector local("calculator", {.directory = "/somewhere"});
    const auto [one, other] = test::stream_pair();
    const communica::DescriptorConnector descriptor(one);
    for (const AnyConnector& connector : {AnyConnector(tcp), AnyConnector(local), AnyConnector(descriptor)}) {
        const std::string state = connector.dump_state();
        if (state.find("Descriptor") == state.npos) {  // loading that one takes the descriptor over
            const auto loaded = AnyConnector::load_state(state);
            CHECK(loaded.dump_state() == state);
            CHECK(loaded.address() == connector.address());
        }
    }
    CHECK(AnyConnector(tcp).dump_state() == tcp.dump_state());
    CHECK(AnyConnector(local).address() == local.address());

    const std::string number = std::to_string(other);
    CHECK(AnyConnector::load_state(R"({"type": "DescriptorConnector", "descriptor": )" + number + "}").address() ==
          "descriptor " + number);
}

TEST_CASE("a state that no connector loads is refused with the reason of each") {
    const auto load = [] { return AnyConnector::load_state(R"({"type": "RmqConnector"})"); };
    CHECK(test::code_of(load) == errc::invalid_state);
    const std::string why = *test::what_of(load);
    for (const char* part : {"RmqConnector", "TcpConnector", "LocalConnector", "DescriptorConnector"}) {
        INFO(why);
        CHECK(why.find(part) != why.npos);
    }
    CHECK(test::code_of([] { return AnyConnector::load_state("not JSON"); }) == errc::invalid_state);
}

TEST_CASE("a state of the right type that does not load says why") {
    const std::string why = *test::what_of(
        [] { return AnyConnector::load_state(R"({"type": "TcpConnector", "host": "h", "port": 65536})"); });
    CHECK(why.find("65536") != why.npos);
}

TEST_CASE("a connector says how soon to try again, also when its type is forgotten") {
    CHECK(communica::ConnectionFactory(TcpConnector("h", 1)).first_retry() == 1s);
    CHECK(communica::ConnectionFactory(LocalConnector("x")).first_retry() == 50ms);
    CHECK(communica::ConnectionFactory(AnyConnector(TcpConnector("h", 1))).first_retry() == 1s);
    CHECK(communica::ConnectionFactory(AnyConnector(LocalConnector("x"))).first_retry() == 50ms);
    CHECK(communica::ConnectionFactory(AnyConnector(LocalConnector("x"))).address() == LocalConnector("x").address());
}

TEST_CASE("a connector in memory serves and connects as any connector, and still has no state") {
    asio::io_context context;
    const AnyConnector connector = communica::MemoryConnector();
    communica::SimpleServer server(context, connector, [](int number) { return -number; });
    communica::SimpleClient client(context, connector);
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        co_await client.connect();
        const int answer = co_await client.request<int>(5);
        CHECK(answer == -5);
        co_await client.close();
        co_await server.close();
    });
    CHECK(connector.address() == "memory");
    CHECK(connector.first_retry() == 10ms);
    CHECK(test::code_of([&] { return connector.dump_state(); }) == errc::invalid_state);
}

}  // namespace any_tests

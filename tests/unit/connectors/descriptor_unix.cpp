// Descriptors that are not what a `DescriptorConnector` is for.
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"

#include <communica/connectors/any.hpp>
#include <communica/connectors/descriptor.hpp>
#include <communica/connectors/tcp.hpp>
#include <communica/entities/simple_client.hpp>
#include <communica/entities/simple_server.hpp>

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace descriptor_unix {

using communica::DescriptorConnector;

namespace {

/// A socket of 127.0.0.1 that listens, as a service manager hands it over.
int listening_socket() {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(descriptor >= 0);
    REQUIRE(::listen(descriptor, 1) == 0);  // at a port that the system chooses
    return descriptor;
}

int datagram_socket() {
    const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(descriptor >= 0);
    return descriptor;
}

int file() {
    const int descriptor = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    REQUIRE(descriptor >= 0);
    return descriptor;
}

bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) != -1 || errno != EBADF; }

}  // namespace

TEST_CASE("a descriptor that is no end of a stream is refused at once, and closed") {
    int (*const open)() = GENERATE(&datagram_socket, &file);
    asio::io_context context;
    test::run(context, [&]() -> asio::awaitable<void> {
        const int servers = open();
        communica::SimpleServer server(context, DescriptorConnector(servers), [](int number) { return number; });
        const int clients = open();
        communica::SimpleClient client(context, DescriptorConnector(clients));
        std::error_code of_server;
        std::string said;
        try {
            co_await server.start();
        } catch (const std::system_error& e) {
            of_server = e.code();
            said = e.what();
        }
        CHECK(of_server == communica::errc::invalid_argument);
        CAPTURE(said);
        CHECK(said.find("descriptor " + std::to_string(servers)) != std::string::npos);
        CHECK_FALSE(is_open(servers));

        const auto answer = co_await client.try_request<int>(1);
        CHECK(answer.error().code == communica::errc::invalid_argument);
        CHECK_FALSE(is_open(clients));
        co_await client.close();
        co_await server.close();
    });
    test::run_out(context);
}

TEST_CASE("a socket that listens is no end of a connection: it is refused at once, and closed") {
    const int descriptor = listening_socket();
    asio::io_context context;
    test::run(context, [&]() -> asio::awaitable<void> {
        communica::SimpleClient client(context, DescriptorConnector(descriptor));
        const auto answer = co_await client.try_request<int>(1);
        CHECK(answer.error().code == communica::errc::invalid_argument);
        CHECK_FALSE(is_open(descriptor));
        co_await client.close();
    });
    test::run_out(context);
}

TEST_CASE("a server at a socket that listens serves one client after another, and several, and starts once") {
    const int descriptor = listening_socket();
    asio::io_context context;
    communica::SimpleServer server(context, DescriptorConnector(descriptor), [](int number) { return -number; });
    test::run(context, [&]() -> asio::awaitable<void> {
        co_await server.start();
        const auto state = communica::TcpConnector::load_state(server.connector_state());
        communica::SimpleClient first(context, state);
        communica::SimpleClient second(context, state);
        for (int round = 0; round != 3; ++round) {
            co_await first.connect();
            co_await second.connect();
            const int one = co_await first.request<int>(1);
            const int two = co_await second.request<int>(2);
            CHECK(one == -1);
            CHECK(two == -2);
            co_await first.close();
            co_await second.close();
        }
        co_await server.close();
        CHECK_FALSE(is_open(descriptor));
        const communica::Error again = co_await test::error_of(server.start());
        CHECK(again.code == communica::errc::not_connected);
    });
    test::run_out(context);
}

TEST_CASE(
    "the state of a temporary connector names a descriptor that stays open, that of another closes it at its end") {
    const auto [one, other] = test::stream_pair();
    const std::string state = DescriptorConnector(one).dump_state();
    CHECK(is_open(one));
    CHECK(communica::AnyConnector(DescriptorConnector(one)).dump_state() == state);
    CHECK(is_open(one));
    {
        DescriptorConnector kept(other);
        CHECK(DescriptorConnector(kept).dump_state() == kept.dump_state());
        const auto loaded = DescriptorConnector::load_state(state);
        asio::io_context context;
        test::run(context, [&]() -> asio::awaitable<void> {
            communica::SimpleServer server(context, loaded, [](int number) { return -number; });
            co_await server.start();
            communica::SimpleClient client(context, kept);
            co_await client.connect();
            const int answer = co_await client.request<int>(1);
            CHECK(answer == -1);
            co_await client.close();
            co_await server.close();
        });
        test::run_out(context);
    }
    CHECK_FALSE(is_open(one));
    CHECK_FALSE(is_open(other));
    const auto [mine, theirs] = test::stream_pair();
    {
        const DescriptorConnector named(mine);
        CHECK(named.dump_state().find(std::to_string(mine)) != std::string::npos);
    }
    CHECK_FALSE(is_open(mine));
    ::close(theirs);
}

}  // namespace descriptor_unix

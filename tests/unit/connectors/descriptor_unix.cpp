// Descriptors that are not what a `DescriptorConnector` is for.
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"

#include <communica/connectors/descriptor.hpp>
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
    int (*const open)() = GENERATE(&listening_socket, &datagram_socket, &file);
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

}  // namespace descriptor_unix

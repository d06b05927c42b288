#include "support/catch.hpp"

#include <communica/connectors/detail/sockets_unix.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

namespace sockets_unix_tests {

namespace {

using asio::ip::tcp;

asio::error_code bind_error(const char* address) {
    asio::io_context context;
    tcp::acceptor acceptor(context, tcp::v4());
    asio::error_code error;
    acceptor.bind({asio::ip::make_address(address), 0}, error);
    return error;
}

}  // namespace

TEST_CASE("an address that this machine does not have is told from one that it has") {
    CHECK(communica::detail::is_absent_address(bind_error("192.0.2.1")));  // kept for documentation (RFC 5737)
    CHECK_FALSE(bind_error("127.0.0.1"));
    CHECK_FALSE(communica::detail::is_absent_address(bind_error("127.0.0.1")));
    CHECK_FALSE(communica::detail::is_absent_address(asio::error::address_in_use));
    CHECK(communica::detail::is_absent_address(asio::error::address_family_not_supported));
}

TEST_CASE("an opened socket is close-on-exec") {
    asio::io_context context;
    communica::detail::Socket socket(context);
    communica::detail::open_socket(socket, tcp::v4());
    CHECK((::fcntl(socket.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a descriptor that a socket can not take is closed") {
    asio::io_context context;
    communica::detail::Socket socket(context);
    communica::detail::open_socket(socket, tcp::v4());
    const int next = ::dup(0);  // the lowest number that is free
    ::close(next);
    CHECK_THROWS_AS(communica::detail::open_socket(socket, tcp::v4()), std::system_error);  // it is open already
    CHECK(::fcntl(next, F_GETFD) == -1);
}

TEST_CASE("a descriptor can be made close-on-exec later, one that is none can't") {
    const int descriptor = ::dup(0);
    REQUIRE((::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) == 0);
    communica::detail::close_on_exec(descriptor);
    CHECK((::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
    ::close(descriptor);
    CHECK_THROWS_AS(communica::detail::close_on_exec(-1), std::system_error);
}

TEST_CASE("who is at the other end of a socket that is not local is not known") {
    const auto credentials = communica::detail::peer_credentials(-1);
    CHECK_FALSE(credentials.pid);
    CHECK_FALSE(credentials.uid);
}

}  // namespace sockets_unix_tests

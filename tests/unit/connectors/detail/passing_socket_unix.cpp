// A socket that passes descriptors, and what it does when the system refuses them.
#include "support/catch.hpp"
#include "support/errors.hpp"

#include <communica/connectors/detail/sockets_unix.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>

namespace passing_socket_tests {

using communica::Descriptor;
using communica::errc;
using communica::base::DescriptorList;
using communica::detail::PassingSocket;
using communica::detail::Socket;
using communica::wire::DescriptorsFrame;

namespace {

struct Pair {
    asio::io_context context;
    PassingSocket one{Socket(context)};
    PassingSocket other{Socket(context)};

    Pair() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        const auto protocol = communica::detail::SocketProtocol(AF_UNIX, 0);
        one.assign(protocol, ends[0]);
        other.assign(protocol, ends[1]);
        one.non_blocking(true);
        other.non_blocking(true);
    }
};

std::shared_ptr<DescriptorList> list_of(Descriptor descriptor) {
    auto list = std::make_shared<DescriptorList>();
    list->add(std::move(descriptor));
    return list;
}

Descriptor null_device() { return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

std::string frame_of(std::uint8_t count) {
    std::string frame(DescriptorsFrame::size, '?');
    DescriptorsFrame{count}.store(frame.data());
    return frame;
}

std::string read(PassingSocket& socket, asio::error_code& error) {
    std::string bytes(100, '\0');
    bytes.resize(socket.read_some(asio::buffer(bytes.data(), bytes.size()), error));
    return bytes;
}

}  // namespace

TEST_CASE("a frame is written with its descriptors, and read by who expects them") {
    Pair pair;
    asio::error_code error;
    CHECK(pair.one.passes_descriptors());
    CHECK(pair.other.expect_descriptors());
    CHECK_FALSE(pair.other.expect_descriptors());
    CHECK(read(pair.other, error).empty());
    CHECK(error == asio::error::would_block);
    std::string frame = frame_of(1);
    CHECK(pair.one.write_with(asio::buffer(frame), *list_of(null_device()), error) == frame.size());
    CHECK(read(pair.other, error) == frame);
    CHECK(pair.other.expects_descriptors());
    const auto list = pair.other.take_descriptors(1, nullptr);
    CHECK_FALSE(pair.other.expects_descriptors());
    const Descriptor taken = static_cast<DescriptorList&>(*list).take(0);
    CHECK((::fcntl(taken.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("what the system refuses to send is told to the other side, and the connection goes on") {
    Pair pair;
    asio::error_code error;
    std::string frame = frame_of(1);
    const auto no_descriptor = list_of(Descriptor(::dup(0)));
    ::close(no_descriptor->all().front().get());
    CHECK(pair.other.expect_descriptors());
    CHECK(pair.one.write_with(asio::buffer(frame), *no_descriptor, error) == frame.size());
    CHECK_FALSE(error);
    CHECK(read(pair.other, error) == frame_of(0));
    const auto list = pair.other.take_descriptors(0, nullptr);
    CHECK(static_cast<DescriptorList&>(*list).why_lost() != nullptr);
}

TEST_CASE("a frame waits for room with its descriptors") {
    Pair pair;
    asio::error_code error;
    const std::string much(64 * 1024, 'x');
    while (!error) {
        pair.one.write_some(asio::buffer(much), error);
    }
    std::string frame = frame_of(1);
    CHECK(pair.one.write_with(asio::buffer(frame), *list_of(null_device()), error) == 0);
    CHECK(error == asio::error::would_block);
    CHECK(frame == frame_of(1));
}

TEST_CASE("the end of the other side is told to who expects descriptors") {
    Pair pair;
    asio::error_code error;
    CHECK(pair.other.expect_descriptors());
    pair.one.close();
    CHECK(read(pair.other, error).empty());
    CHECK(error == asio::error::eof);
}

TEST_CASE("descriptors do not pass over TCP") {
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), 0});
    Socket socket(context);
    socket.connect(acceptor.local_endpoint());
    PassingSocket passing(std::move(socket));
    CHECK_FALSE(passing.passes_descriptors());
    CHECK_FALSE(passing.expect_descriptors());
}

}  // namespace passing_socket_tests

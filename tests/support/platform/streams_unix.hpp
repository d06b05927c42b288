// Streams that tests hold themselves, on POSIX systems.
#pragma once

#include <communica/asio.hpp>
#include <communica/connectors/local.hpp>

#include <asio/generic/stream_protocol.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

namespace test {

/// Does the system know whose the ends of a `stream_pair` are?
inline constexpr bool descriptors_have_credentials = true;

/// Two ends of one stream, for a `DescriptorConnector` each. No child inherits them unless told to.
inline std::pair<int, int> stream_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    return {ends[0], ends[1]};
}

inline asio::posix::stream_descriptor standard_input(const asio::any_io_executor& executor) {
    return {executor, ::dup(STDIN_FILENO)};
}

/// Two ends of one stream, of Asio's own.
using PairSocket = asio::local::stream_protocol::socket;
inline void connect_pair(PairSocket& one, PairSocket& other) { asio::local::connect_pair(one, other); }

/// Either kind of stream that a script can speak over.
using ScriptStream = asio::generic::stream_protocol::socket;

inline asio::awaitable<ScriptStream> connect_script(communica::LocalConnector connector) {
    ScriptStream stream(co_await asio::this_coro::executor);
    const asio::local::stream_protocol::endpoint endpoint(connector.address());
    co_await stream.async_connect(endpoint, asio::use_awaitable);
    co_return stream;
}

/// Says that a test needs what local streams have not here.
inline bool skip_without_half_close() { return false; }
inline bool skip_without_available() { return false; }

inline constexpr bool local_streams_end_one_way = true;

/// Nothing more is sent; the other side still may.
inline void end_script(ScriptStream& stream) { stream.shutdown(asio::socket_base::shutdown_send); }

/// Accepts as a server behind this connector would.
class ScriptAcceptor {
 public:
    ScriptAcceptor(asio::io_context& context, const communica::LocalConnector& connector)
        : acceptor_(context, asio::local::stream_protocol::endpoint(connector.address())) {}

    asio::awaitable<ScriptStream> accept() {
        ScriptStream stream(co_await asio::this_coro::executor);
        stream = co_await acceptor_.async_accept(asio::use_awaitable);
        co_return stream;
    }

 private:
    asio::local::stream_protocol::acceptor acceptor_;
};

}  // namespace test

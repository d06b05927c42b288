// Selects the socket of a connection: on Windows one that passes nothing but bytes.
#pragma once

#if defined(_WIN32)
#include "../../asio/sockets.hpp"

namespace communica::detail {

using PassingSocket = asio::generic::stream_protocol::socket;

}  // namespace communica::detail
#else
#include "passing_socket_unix.hpp"
#endif

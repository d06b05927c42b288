// One socket type for all protocols, so that a program with several of them instantiates the code once.
#pragma once

#include "../../asio/sockets.hpp"
#include "../../stream/connection.hpp"
#include "passing_platform.hpp"

namespace communica::detail {

using SocketProtocol = asio::generic::stream_protocol;
using Socket = SocketProtocol::socket;
using Acceptor = asio::basic_socket_acceptor<SocketProtocol>;
using SocketConnection = stream::StreamConnection<PassingSocket>;

}  // namespace communica::detail

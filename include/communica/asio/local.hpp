// The headers of both flavours of Asio for local sockets.
#pragma once

#include "../asio.hpp"

#if defined(COMMUNICA_USE_BOOST_ASIO)
#include <boost/asio/local/stream_protocol.hpp>
#else
#include <asio/local/stream_protocol.hpp>
#endif

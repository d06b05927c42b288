// The headers of both flavours of Asio for channels.
#pragma once

#include "../asio.hpp"

#if defined(COMMUNICA_USE_BOOST_ASIO)
#include <boost/asio/experimental/concurrent_channel.hpp>
#else
#include <asio/experimental/concurrent_channel.hpp>
#endif

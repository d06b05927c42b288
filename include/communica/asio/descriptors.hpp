// The headers of both flavours of Asio for POSIX descriptors.
#pragma once

#include "../asio.hpp"

#if defined(COMMUNICA_USE_BOOST_ASIO)
#include <boost/asio/posix/stream_descriptor.hpp>
#else
#include <asio/posix/stream_descriptor.hpp>
#endif

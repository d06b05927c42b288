// The headers of both flavours of Asio for Windows handles.
#pragma once

#include "../asio.hpp"

#if defined(COMMUNICA_USE_BOOST_ASIO)
#include <boost/asio/windows/overlapped_ptr.hpp>
#include <boost/asio/windows/stream_handle.hpp>
#else
#include <asio/windows/overlapped_ptr.hpp>
#include <asio/windows/stream_handle.hpp>
#endif
